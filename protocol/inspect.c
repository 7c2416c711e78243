// SPDX-License-Identifier: MIT
#include "protocol/inspect.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/unpack.h"

enum {
	DEPTH = 8 /* deeper values read "..." */
};

void
inspect_init(struct inspect *line, char *at, size_t size)
{
	*line = (struct inspect){.at = at, .size = size};
	at[0] = '\0';
}

void
inspect_raw(struct inspect *line, struct text t)
{
	size_t room = line->size - 1 - line->len;

	/* all or nothing: half an escape or half a character is worse */
	if (t.len == 0 || t.len > room)
		return;
	memcpy(line->at + line->len, t.at, t.len);
	line->len += t.len;
	line->at[line->len] = '\0';
}

static void
put(struct inspect *line, const char *s)
{
	inspect_raw(line, text_of(s));
}

/* escape_of gives the letter behind the backslash, or 0. */
static char
escape_of(unsigned char c)
{
	static const char letters[128] = {
	    ['\0'] = '0',
	    ['\a'] = 'a',
	    ['\b'] = 'b',
	    [0x1b] = 'e',
	    ['\f'] = 'f',
	    ['\n'] = 'n',
	    ['\r'] = 'r',
	    ['\t'] = 't',
	    ['\v'] = 'v',
	    ['"'] = '"',
	    ['\\'] = '\\',
	    [0x7f] = 'd',
	};

	return c < sizeof(letters) ? letters[c] : 0;
}

/* sequence gives the length of the character at `t`, 0 if it is broken. */
static uint32_t
sequence(struct text t)
{
	for (uint32_t n = 1; n <= 4 && n <= t.len; n++)
		if (text_is_utf8((struct text){t.at, n}))
			return n;
	return 0;
}

/* put_one writes the character at the front of `t`; gives its length. */
static uint32_t
put_one(struct inspect *line, struct text t)
{
	unsigned char c = (unsigned char)*t.at;
	uint32_t n = sequence(t);
	char code[8];

	if (n > 1) {
		inspect_raw(line, (struct text){t.at, n});
		return n;
	}
	if (escape_of(c) != 0)
		snprintf(code, sizeof(code), "\\%c", escape_of(c));
	else if (n == 0 || c < 0x20)
		snprintf(code, sizeof(code), "\\x%02X", c);
	else
		snprintf(code, sizeof(code), "%c", c);
	put(line, code);
	return 1;
}

void
inspect_text(struct inspect *line, struct text t)
{
	uint32_t i = 0;

	put(line, "\"");
	while (i < t.len) {
		struct text rest = {t.at + i, t.len - i};
		uint32_t n = sequence(rest);

		if (i + (n > 0 ? n : 1) > INSPECT_CUT_BYTES) {
			put(line, "...");
			break;
		}
		i += put_one(line, rest);
	}
	put(line, "\"");
}

/* put_float writes the shortest digits that read back the same. */
static void
put_float(struct inspect *line, double value)
{
	char digits[40];

	for (int precision = 1; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	put(line, digits);
	if (strpbrk(digits, ".einf") == NULL)
		put(line, ".0");
}

static void
put_integer(struct inspect *line, struct unpacker *u)
{
	char digits[24];
	int64_t i;
	uint64_t n;

	if (unpack_i64(u, &i) == OK)
		snprintf(digits, sizeof(digits), "%lld", (long long)i);
	else if (unpack_u64(u, &n) == OK)
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	else
		return;
	put(line, digits);
}

static enum err
put_scalar(struct inspect *line, struct unpacker *u, enum pack_type type)
{
	struct text t;
	double f;
	bool b;
	enum err e = OK;

	if (type == PACK_NIL) {
		put(line, "nil");
		return unpack_nil(u);
	}
	if (type == PACK_BOOL && (e = unpack_bool(u, &b)) == OK)
		put(line, b ? "true" : "false");
	else if (type == PACK_INT)
		put_integer(line, u);
	else if (type == PACK_FLOAT && (e = unpack_f64(u, &f)) == OK)
		put_float(line, f);
	else if (type == PACK_TEXT && (e = unpack_text(u, &t)) == OK)
		inspect_text(line, t);
	else if (type == PACK_BIN && (e = unpack_bin(u, &t)) == OK)
		inspect_text(line, t);
	else if (type == PACK_EXT) {
		put(line, "ext");
		e = unpack_skip(u);
	}
	return e;
}

/* put_value recurses at most DEPTH times. */
static enum err
put_value(struct inspect *line, struct unpacker *u, size_t start, int depth)
{
	enum pack_type type = unpack_peek(u);
	bool is_map = type == PACK_MAP;
	uint32_t count = 0;
	enum err e;

	if (type != PACK_ARRAY && !is_map)
		return put_scalar(line, u, type);
	if (depth == 0) {
		put(line, "...");
		return unpack_skip(u);
	}
	e = is_map ? unpack_map(u, &count) : unpack_array(u, &count);
	put(line, is_map ? "%{" : "[");
	for (uint32_t i = 0; e == OK && i < count; i++) {
		put(line, i > 0 ? ", " : "");
		if (line->len - start > INSPECT_CUT_BYTES) {
			put(line, "...");
			e = ERR_TOO_BIG; /* the outer ones stop as well */
			break;
		}
		e = put_value(line, u, start, depth - 1);
		if (is_map && e == OK) {
			put(line, " => ");
			e = put_value(line, u, start, depth - 1);
		}
	}
	put(line, is_map ? "}" : "]");
	return e;
}

void
inspect_value(struct inspect *line, struct text span)
{
	struct unpacker u;

	unpack_init(&u, span);
	if (put_value(line, &u, line->len, DEPTH) == ERR_MALFORMED)
		put(line, "?");
}

void
inspect_list(struct inspect *line, const struct text *items, size_t count)
{
	size_t start = line->len;

	put(line, "[");
	for (size_t i = 0; i < count; i++) {
		put(line, i > 0 ? ", " : "");
		if (line->len - start > INSPECT_CUT_BYTES) {
			put(line, "...");
			break;
		}
		inspect_text(line, items[i]);
	}
	put(line, "]");
}

void
inspect_vformat(struct inspect *line, const char *fmt, va_list args)
{
	for (const char *at = fmt; *at != '\0'; at++) {
		char digits[16];

		if (*at != '%' || at[1] == '\0') {
			inspect_raw(line, (struct text){at, 1});
			continue;
		}
		switch (*++at) {
		case 'q':
			inspect_text(line, *va_arg(args, const struct text *));
			break;
		case 'v':
			inspect_value(line, *va_arg(args, const struct text *));
			break;
		case 'r':
			inspect_raw(line, *va_arg(args, const struct text *));
			break;
		case 'u':
			snprintf(digits, sizeof(digits), "%u",
			    va_arg(args, unsigned));
			put(line, digits);
			break;
		default:
			INVARIANT(!"a letter inspect_format knows");
		}
	}
}

void
inspect_format(struct inspect *line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	inspect_vformat(line, fmt, args);
	va_end(args);
}

struct text
inspect_printf(struct arena *arena, const char *fmt, ...)
{
	char memory[INSPECT_BYTES];
	struct inspect line;
	va_list args;

	inspect_init(&line, memory, sizeof(memory));
	va_start(args, fmt);
	inspect_vformat(&line, fmt, args);
	va_end(args);
	return arena_text(arena, (struct text){memory, (uint32_t)line.len});
}
