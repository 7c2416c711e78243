// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_NOTATION_H
#define TEST_UNIT_NOTATION_H

/*
 * notation - msgpack values written by hand in tests: JSON with 'single'
 * quotes, no escapes. Not protocol/json on purpose: a fault there must not
 * make other modules' tests wrong.
 */

#include <stdlib.h>
#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

static inline const char *
notation_skip(const char *s)
{
	while (*s == ' ' || *s == ',' || *s == ':' || *s == '\n')
		s++;
	return s;
}

static inline const char *
notation_scalar(struct packer *p, const char *s)
{
	char *end;

	if (strncmp(s, "null", 4) == 0) {
		pack_nil(p);
		return s + 4;
	}
	if (strncmp(s, "true", 4) == 0) {
		pack_bool(p, true);
		return s + 4;
	}
	if (strncmp(s, "false", 5) == 0) {
		pack_bool(p, false);
		return s + 5;
	}
	if (strcspn(s, ".") < strspn(s, "-0123456789.")) {
		pack_f64(p, strtod(s, &end));
		return end;
	}
	pack_i64(p, strtoll(s, &end, 10));
	return end == s ? s + strlen(s) : end;
}

static inline const char *
notation_value(struct packer *p, const char *s)
{
	s = notation_skip(s);
	if (*s == '\'') {
		size_t len = strcspn(++s, "'");

		pack_text(p, (struct text){s, (uint32_t)len});
		return s + len + 1;
	}
	if (*s != '[' && *s != '{')
		return notation_scalar(p, s);
	bool is_map = *s++ == '{';
	size_t place = pack_open(p);
	uint32_t count = 0;

	while (*(s = notation_skip(s)) != ']' && *s != '}' && *s != '\0') {
		s = notation_value(p, s);
		if (is_map)
			s = notation_value(p, s);
		count++;
	}
	if (is_map)
		pack_close_map(p, place, count);
	else
		pack_close_array(p, place, count);
	return *s == '\0' ? s : s + 1;
}

/* pack_notation gives the span of the value `s` spells. */
static inline struct text
pack_notation(struct arena *arena, const char *s)
{
	struct buffer buffer;
	struct packer p;
	struct text span;

	buffer_init(&buffer, 16u << 20);
	pack_init(&p, &buffer);
	notation_value(&p, s);
	INVARIANT(pack_finish(&p) == OK);
	span = arena_text(arena, buffer_text(&buffer));
	buffer_finish(&buffer);
	return span;
}

#endif /* TEST_UNIT_NOTATION_H */
