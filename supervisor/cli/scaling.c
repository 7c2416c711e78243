// SPDX-License-Identifier: MIT
/* scaling - what the seven tests of `diagnose scaling` have said so far. */

#include "supervisor/cli/scaling.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	LINE = 400
};

struct scaling_line {
	struct scaling_line *next;
	enum scaling_level level; /* of a note; OK: a plain line */
	bool is_note;
	struct text text;
};

struct scaling_figure {
	struct scaling_figure *next;
	const char *key;
	double value;
};

void
scaling_init(struct scaling *s, struct arena *arena)
{
	*s = (struct scaling){.arena = arena};
}

void
scaling_begin(struct scaling *s, const char *name, const char *title)
{
	INVARIANT(s->count < SCALING_TESTS);
	s->tests[s->count++] =
	    (struct scaling_test){.name = name, .title = title};
}

static struct scaling_test *
test_of(struct scaling *s)
{
	return &s->tests[s->count - 1];
}

static struct scaling_line *
add_line(struct scaling *s, const char *text)
{
	struct scaling_test *test = test_of(s);
	struct scaling_line *line = ARENA_NEW(s->arena, struct scaling_line);

	line->text = arena_text(s->arena, text_of(text));
	if (test->last == NULL)
		test->first = line;
	else
		test->last->next = line;
	test->last = line;
	return line;
}

void
scaling_say(struct scaling *s, const char *fmt, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	add_line(s, text);
}

void
scaling_note(struct scaling *s, enum scaling_level level, const char *fmt, ...)
{
	struct scaling_line *line;
	char text[LINE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	line = add_line(s, text);
	line->is_note = true;
	line->level = level;
	if (level > test_of(s)->level)
		test_of(s)->level = level;
}

void
scaling_figure(struct scaling *s, const char *key, const char *label,
    double value, const char *fmt, ...)
{
	struct scaling_figure *figure =
	    ARENA_NEW(s->arena, struct scaling_figure);
	struct scaling_test *test = test_of(s);
	char text[LINE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	scaling_say(s, "  %-26s%s", label, text);
	figure->key = key;
	figure->value = value;
	if (test->last_figure == NULL)
		test->figures = figure;
	else
		test->last_figure->next = figure;
	test->last_figure = figure;
}

const char *
scaling_word(enum scaling_level level)
{
	static const char *const words[] = {
	    "ok", "info", "warning", "critical", "failed", "skipped"};

	return words[level];
}

static void
pack_lines(const struct scaling_test *test, struct packer *p, bool notes)
{
	size_t place = pack_open(p);
	uint32_t count = 0;

	for (const struct scaling_line *l = test->first; l != NULL;
	     l = l->next) {
		if (notes && !l->is_note)
			continue;
		if (l->is_note) {
			pack_map(p, 2);
			pack_field_string(p, "level", scaling_word(l->level));
			pack_string(p, "text");
		}
		pack_text(p, l->text);
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_figures(const struct scaling_test *test, struct packer *p)
{
	size_t place = pack_open(p);
	uint32_t count = 0;

	for (const struct scaling_figure *f = test->figures; f != NULL;
	     f = f->next, count++) {
		pack_string(p, f->key);
		pack_f64(p, f->value);
	}
	pack_close_map(p, place, count);
}

void
scaling_pack(const struct scaling *s, struct packer *p)
{
	enum scaling_level worst = SCALING_OK;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->tests[i].level > worst &&
		    s->tests[i].level != SCALING_SKIPPED)
			worst = s->tests[i].level;
	pack_map(p, 2);
	pack_field_string(p, "status", scaling_word(worst));
	pack_string(p, "tests");
	pack_array(p, s->count);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct scaling_test *test = &s->tests[i];

		pack_map(p, 7);
		pack_field_u64(p, "test", i);
		pack_field_string(p, "name", test->name);
		pack_field_string(p, "title", test->title);
		pack_field_string(p, "status", scaling_word(test->level));
		pack_string(p, "figures");
		pack_figures(test, p);
		pack_string(p, "notes");
		pack_lines(test, p, true);
		pack_string(p, "lines");
		pack_lines(test, p, false);
	}
}

const char *
scaling_number(struct arena *arena, uint64_t value)
{
	if (value < 1000)
		return arena_printf(arena, "%" PRIu64, value).at;
	if (value < 1000000)
		return arena_printf(arena, "%.1fK", (double)value / 1e3).at;
	return arena_printf(arena, "%.2fM", (double)value / 1e6).at;
}
