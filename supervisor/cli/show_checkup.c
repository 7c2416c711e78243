// SPDX-License-Identifier: MIT
/* show_checkup - what the health checker found, a line a check. */

#include "protocol/unpack.h"
#include "supervisor/cli/show.h"

static enum colour
colour_of(struct text result)
{
	return text_is(result, "ok")     ? GREEN
	    : text_is(result, "warning") ? YELLOW
					 : RED;
}

static const char *
glyph_of(struct text result)
{
	return text_is(result, "ok")     ? "✔"
	    : text_is(result, "warning") ? "⚠"
					 : "✘";
}

enum cli_exit
show_checkup_exit(struct text result)
{
	struct text status =
	    show_text(show_map(result, "health_check"), "status");

	return text_is(status, "healthy") ? CLI_OK
	    : text_is(status, "degraded") ? CLI_DEGRADED
					  : CLI_UNHEALTHY;
}

enum cli_exit
show_checkup(struct view *v, struct text result)
{
	struct text all = show_map(result, "health_check");
	struct unpacker u;
	struct text span;
	uint32_t count = show_array(all, "results", &u);

	for (uint32_t i = 0; i < count && unpack_raw(&u, &span) == OK; i++) {
		struct text outcome = show_text(span, "result");

		view_paint(v, colour_of(outcome), "%s", glyph_of(outcome));
		view_print(v, " %-20.*s ", TEXT_ARG(show_text(span, "check")));
		view_text(v, show_text(span, "details"));
		view_print(v, "\n");
	}
	view_print(v, "%u checks, %llu errors, %llu warnings: %.*s\n", count,
	    (unsigned long long)show_u64(all, "errors"),
	    (unsigned long long)show_u64(all, "warnings"),
	    TEXT_ARG(show_text(all, "status")));
	if (show_checkup_exit(result) != CLI_OK)
		view_print(v, "next: banyan health\n");
	return show_checkup_exit(result);
}
