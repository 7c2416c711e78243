// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_TEXT_H
#define PROTOCOL_BASE_TEXT_H

/*
 * text - a borrowed run of bytes with a length, never NUL-terminated.
 *
 * Trust:  may hold anything a stranger sent, zero bytes included; nothing
 *         here assumes UTF-8 except text_is_utf8, which checks it.
 * Owner:  borrows; whoever owns the bytes outlives the text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/base/err.h"

struct text {
	const char *at; /* may be NULL only when len is 0 */
	uint32_t len;   /* bytes */
};

/* For printf: printf("%.*s", TEXT_ARG(t)). */
#define TEXT_ARG(t) (int)(t).len, (t).len > 0 ? (t).at : ""
#define TEXT(literal) \
	((struct text){.at = (literal), .len = sizeof(literal) - 1})

/* text_of borrows a C string. */
struct text text_of(const char *);

bool text_eq(struct text, struct text);
bool text_is(struct text, const char *); /* equal to a C string */
bool text_starts_with(struct text, struct text prefix);
int text_compare(struct text, struct text); /* byte order, like memcmp */

/* text_matches: `*` in the pattern stands for any run of bytes, even none. */
bool text_matches(struct text, struct text pattern);

/* text_has_control: a byte below 0x20, or 0x7f. */
bool text_has_control(struct text);

/* text_find gives the offset of `byte`, or -1. */
int64_t text_find(struct text, char byte);

/* text_copy writes a NUL-terminated copy; ERR_TOO_BIG if it does not fit. */
enum err text_copy(struct text, char *to, size_t size) MUST_USE;

/*
 * text_keep copies the bytes to `*at`, where the caller left room, moves `*at`
 * behind them and gives the copy: a block of many texts is filled in a row.
 */
static inline struct text
text_keep(struct text t, char **at)
{
	struct text kept = {.at = *at, .len = t.len};

	if (t.len > 0)
		memcpy(*at, t.at, t.len);
	*at += t.len;
	return kept;
}

/* text_to_u64 and text_to_i64 read the whole text as a decimal number. */
enum err text_to_u64(struct text, uint64_t *) MUST_USE;
enum err text_to_i64(struct text, int64_t *) MUST_USE;

/* text_hex_digit gives the value of one of either case, or -1. */
static inline int
text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* text_is_utf8 follows RFC 3629: no overlong forms, surrogates, > U+10FFFF. */
bool text_is_utf8(struct text);

/*
 * text_closest gives the index of the candidate a person most likely meant
 * (Damerau-Levenshtein distance at most 2, or a third of the length), or -1.
 */
int text_closest(
    struct text wrong, const char *const *candidates, size_t count);

/*
 * text_hide_passwords puts stars over the passwords of URLs in a text,
 * `tcp://user:***@host`, and over a whole user without one. In place and of
 * the same length: for what is ready to be sent, whoever wrote the URL.
 */
void text_hide_passwords(char *text, size_t bytes);

#endif /* PROTOCOL_BASE_TEXT_H */
