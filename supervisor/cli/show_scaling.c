// SPDX-License-Identifier: MIT
/* show_scaling - the page of `banyan diagnose scaling`. */

#include <string.h>

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
say_note(struct view *v, struct text note)
{
	struct text level = show_text(note, "level");
	struct text text = show_text(note, "text");

	if (text_is(level, "critical"))
		view_paint(v, RED, "  🚨 CRITICAL: %.*s", TEXT_ARG(text));
	else if (text_is(level, "failed"))
		view_paint(v, RED, "  ✗ %.*s", TEXT_ARG(text));
	else if (text_is(level, "warning"))
		view_paint(v, YELLOW, "  ⚠ WARNING: %.*s", TEXT_ARG(text));
	else if (text_is(level, "skipped"))
		view_paint(v, DIM, "  skipped: %.*s", TEXT_ARG(text));
	else
		view_paint(v, PLAIN, "  💡 %.*s", TEXT_ARG(text));
	view_print(v, "\n");
}

static void
say_test(struct view *v, struct text test)
{
	struct unpacker u;
	struct text line, text;
	uint32_t count = show_array(test, "lines", &u);

	view_print(v, "\n");
	view_paint(v, BOLD, "📊 TEST %llu: %.*s",
	    (unsigned long long)show_u64(test, "test"),
	    TEXT_ARG(show_text(test, "title")));
	view_print(v, "\n");
	view_rule(v, '-');
	for (uint32_t i = 0; i < count && unpack_raw(&u, &line) == OK; i++) {
		struct unpacker one;

		unpack_init(&one, line);
		if (unpack_text(&one, &text) != OK) {
			say_note(v, line);
			continue;
		}
		view_text(v, text);
		view_print(v, "\n");
	}
	if (text_is(show_text(test, "status"), "ok")) {
		view_paint(v, GREEN, "  ✓ ok");
		view_print(v, "\n");
	}
}

enum cli_exit
show_scaling(struct view *v, struct text result)
{
	struct unpacker u;
	struct text test, status = show_text(result, "status");
	uint32_t count = show_array(result, "tests", &u);

	view_rule(v, '=');
	view_paint(v, BOLD, "Banyan Scaling Diagnostics");
	view_print(v, "\n");
	view_rule(v, '=');
	for (uint32_t i = 0; i < count && unpack_raw(&u, &test) == OK; i++)
		say_test(v, test);
	view_print(v, "\n");
	view_rule(v, '=');
	view_print(v, "Diagnostics complete: %.*s\n", TEXT_ARG(status));
	view_rule(v, '=');
	return show_exit_of("diagnose.scaling", result);
}
