// SPDX-License-Identifier: MIT
#include "protocol/json_string.h"

/* hex4 reads four hex digits at `at`, -1 if they are not there. */
static int32_t
hex4(const uint8_t *at, const uint8_t *end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = text_hex_digit((char)at[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/*
 * read_unicode reads what follows "\u", a second half included; `at` stands
 * on the first digit and moves. -1: no digits, -2: half a pair.
 */
static int32_t
read_unicode(const uint8_t **at, const uint8_t *end)
{
	int32_t unit = hex4(*at, end);

	if (unit < 0)
		return -1;
	*at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	if (unit > 0xdbff || end - *at < 6 || (*at)[0] != '\\' ||
	    (*at)[1] != 'u')
		return -2;
	int32_t low = hex4(*at + 2, end);

	if (low < 0xdc00 || low > 0xdfff)
		return -2;
	*at += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static inline uint32_t
utf8_bytes(int32_t point)
{
	return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

/* A scan under way. */
struct scan {
	const uint8_t *at;
	const uint8_t *end;
	uint32_t decoded;
	const char *what; /* went wrong */
};

static enum err
fail(struct scan *s, enum err e, const char *what)
{
	s->what = what;
	return e;
}

/* check_escape checks an escape and adds what it decodes to. */
static enum err
check_escape(struct scan *s)
{
	if (s->end - s->at < 2)
		return fail(s, ERR_MALFORMED, "the text ends in a string");
	if (s->at[1] == 'u') {
		const uint8_t *at = s->at + 2;
		int32_t point = read_unicode(&at, s->end);

		if (point == -1)
			return fail(s, ERR_MALFORMED, "\\u wants 4 hex digits");
		if (point == -2)
			return fail(s, ERR_MALFORMED, "half a surrogate pair");
		s->decoded += utf8_bytes(point);
		s->at = at;
		return OK;
	}
	if (s->at[1] == '\0' || strchr("\"\\/bfnrt", s->at[1]) == NULL)
		return fail(s, ERR_MALFORMED, "no such escape");
	s->decoded += 1;
	s->at += 2;
	return OK;
}

/* check_odd deals with what ended a plain run and is not the closing quote. */
static enum err
check_odd(struct scan *s)
{
	if (s->at == s->end)
		return fail(s, ERR_MALFORMED, "the text ends in a string");
	if (*s->at == '\\')
		return check_escape(s);
	if (*s->at < 0x20)
		return fail(s, ERR_MALFORMED, "a bare control byte");
	unsigned bytes = json_utf8(s->at, s->end);

	if (bytes == 0)
		return fail(s, ERR_UTF8, "not UTF-8");
	s->decoded += bytes;
	s->at += bytes;
	return OK;
}

enum err
json_string_scan_long(const uint8_t **at, const uint8_t *end,
    struct json_quoted *q, const char **what)
{
	struct scan s = {.at = *at + 1, .end = end};
	enum err e = OK;

	q->from = s.at;
	while (e == OK) {
		const uint8_t *plain = s.at;

		s.at = json_plain(plain, end);
		s.decoded += (uint32_t)(s.at - plain);
		if (s.at < end && *s.at == '"')
			break;
		e = check_odd(&s);
	}
	q->raw = (uint32_t)(s.at - q->from);
	q->decoded = s.decoded;
	*what = s.what;
	*at = e == OK ? s.at + 1 : s.at;
	return e;
}

static char *
put_utf8(char *to, int32_t point)
{
	uint32_t bytes = utf8_bytes(point);
	static const uint8_t heads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

	for (uint32_t i = bytes - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	to[0] = (char)(heads[bytes] | point);
	return to + bytes;
}

void
json_string_decode(const struct json_quoted *q, char *to)
{
	static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const uint8_t *at = q->from, *end = q->from + q->raw;

	while (at < end) {
		if (*at != '\\') {
			*to++ = (char)*at++;
			continue;
		}
		uint8_t what = at[1];
		const char *name = strchr(names, what);

		at += 2;
		if (what == 'u')
			to = put_utf8(to, read_unicode(&at, end));
		else
			*to++ = name != NULL ? meant[name - names] : (char)what;
	}
}
