// SPDX-License-Identifier: MIT
#include "protocol/base/text.h"

#include <string.h>

enum {
	CLOSEST_MAX = 48 /* longer words are never suggested */
};

struct text
text_of(const char *s)
{
	return (struct text){.at = s, .len = (uint32_t)strlen(s)};
}

bool
text_eq(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool
text_is(struct text t, const char *s)
{
	return text_eq(t, text_of(s));
}

bool
text_starts_with(struct text t, struct text prefix)
{
	return t.len >= prefix.len &&
	    (prefix.len == 0 || memcmp(t.at, prefix.at, prefix.len) == 0);
}

int
text_compare(struct text a, struct text b)
{
	uint32_t shared = a.len < b.len ? a.len : b.len;
	int order = shared > 0 ? memcmp(a.at, b.at, shared) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool
text_matches(struct text t, struct text pattern)
{
	uint32_t i = 0, p = 0, star = UINT32_MAX, retry = 0;

	/* on a mismatch only the last star takes one byte more: linear enough,
	 * never exponential */
	while (i < t.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			retry = i;
		} else if (p < pattern.len && pattern.at[p] == t.at[i]) {
			p++;
			i++;
		} else if (star != UINT32_MAX) {
			p = star + 1;
			i = ++retry;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

bool
text_has_control(struct text text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if ((uint8_t)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return true;
	return false;
}

int64_t
text_find(struct text t, char byte)
{
	const char *hit = t.len > 0 ? memchr(t.at, byte, t.len) : NULL;

	return hit == NULL ? -1 : hit - t.at;
}

enum err
text_copy(struct text t, char *to, size_t size)
{
	if (t.len >= size)
		return ERR_TOO_BIG;
	if (t.len > 0)
		memcpy(to, t.at, t.len);
	to[t.len] = '\0';
	return OK;
}

enum err
text_to_u64(struct text t, uint64_t *out)
{
	uint64_t value = 0;

	if (t.len == 0)
		return ERR_MALFORMED;
	for (uint32_t i = 0; i < t.len; i++) {
		unsigned digit = (unsigned)(unsigned char)t.at[i] - '0';

		if (digit > 9)
			return ERR_MALFORMED;
		if (value > (UINT64_MAX - digit) / 10)
			return ERR_RANGE;
		value = value * 10 + digit;
	}
	*out = value;
	return OK;
}

enum err
text_to_i64(struct text t, int64_t *out)
{
	bool negative = t.len > 0 && t.at[0] == '-';
	struct text digits =
	    negative ? (struct text){.at = t.at + 1, .len = t.len - 1} : t;
	uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t value;
	enum err e = text_to_u64(digits, &value);

	if (e != OK)
		return e;
	if (value > limit)
		return ERR_RANGE;
	*out = negative ? (int64_t)(0 - value) : (int64_t)value;
	return OK;
}

/* sequence_length gives the bytes of the UTF-8 sequence at `s`, or 0. */
static uint32_t
sequence_length(const unsigned char *s, uint32_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	uint32_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		length = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		length = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;
		high = s[0] == 0xed ? 0x9f : 0xbf; /* no surrogates */
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		length = 4;
		low = s[0] == 0xf0 ? 0x90 : 0x80;
		high = s[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (left < length || s[1] < low || s[1] > high)
		return 0;
	for (uint32_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool
text_is_utf8(struct text t)
{
	const unsigned char *s = (const unsigned char *)t.at;
	uint32_t i = 0;

	while (i < t.len) {
		uint64_t word;

		/* eight ASCII bytes a step: most of what clients send */
		if (t.len - i >= sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				i += (uint32_t)sizeof(word);
				continue;
			}
		}
		uint32_t step = sequence_length(s + i, t.len - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

static uint32_t
min3(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* distance counts edits (insert, delete, replace, swap neighbours). */
static uint32_t
distance(struct text a, struct text b)
{
	uint32_t rows[3][CLOSEST_MAX + 1];
	uint32_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (uint32_t j = 0; j <= b.len; j++)
		above[j] = j;
	for (uint32_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (uint32_t j = 1; j <= b.len; j++) {
			uint32_t cost = a.at[i - 1] != b.at[j - 1];

			row[j] = min3(
			    above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		uint32_t *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.len];
}

int
text_closest(struct text wrong, const char *const *candidates, size_t count)
{
	uint32_t best = wrong.len / 3 > 2 ? wrong.len / 3 : 2;
	int found = -1;

	if (wrong.len == 0 || wrong.len > CLOSEST_MAX)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct text candidate = text_of(candidates[i]);

		if (candidate.len > CLOSEST_MAX)
			continue;
		uint32_t edits = distance(wrong, candidate);
		/* a two-letter word is not "close" to every other one */
		if (edits >= wrong.len)
			continue;
		if (edits < best || (edits == best && found < 0)) {
			best = edits;
			found = (int)i;
		}
	}
	return found;
}

/* secret_of: what to hide of the user that ends at `end`; its first byte. */
static size_t
secret_of(const char *text, size_t from, size_t end)
{
	const char *colon = memchr(text + from, ':', end - from);

	return colon != NULL ? (size_t)(colon + 1 - text) : from;
}

void
text_hide_passwords(char *text, size_t bytes)
{
	char *end = text + bytes, *at = text;

	while ((at = memmem(at, (size_t)(end - at), "://", 3)) != NULL) {
		size_t from = (size_t)(at + 3 - text), to = from;
		size_t last = 0; /* the @ before the host; a password may
				    hold others */

		while (
		    to < bytes && strchr("/?# \t\r\n\"'", text[to]) == NULL) {
			if (text[to] == '@')
				last = to;
			to++;
		}
		if (last > from) {
			from = secret_of(text, from, last);
			memset(text + from, '*', last - from);
		}
		at += 3;
	}
}
