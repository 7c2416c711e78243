// SPDX-License-Identifier: MIT
/* pool_take - types, ranges and defaults of the keys of a pool. */

#include "protocol/pool_take.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/pack.h"

enum {
	QUOTED = 48,
	PROBLEM_TEXT = 256,
	SPAN_UNITS = 4,
};

const char *
pool_quote(struct pool_taking *t, struct text text)
{
	struct text cut = {text.at, text.len > QUOTED ? QUOTED : text.len};
	char *copy = arena_string(t->arena, cut);

	for (uint32_t i = 0; i < cut.len; i++)
		if ((uint8_t)copy[i] < 0x20 || (uint8_t)copy[i] >= 0x7f)
			copy[i] = '?';
	return arena_printf(
	    t->arena, "\"%s%s\"", copy, cut.len < text.len ? "..." : "")
	    .at;
}

void
pool_problem(struct pool_taking *t, struct text key, const char *error,
    const char *fmt, ...)
{
	struct pool_problems *problems = t->problems;
	char text[PROBLEM_TEXT];
	va_list arguments;

	if (problems->count++ >= POOL_SPEC_PROBLEMS)
		return;
	va_start(arguments, fmt);
	vsnprintf(text, sizeof(text), fmt, arguments);
	va_end(arguments);
	problems->at[problems->count - 1] =
	    (struct pool_problem){.of = strcmp(t->of, "pool") == 0 ? "" : t->of,
		.key = key,
		.error = error,
		.text = arena_text(t->arena, text_of(text))};
}

void
pool_problem_unknown(struct pool_taking *t, struct text key,
    const char *const *known, size_t count)
{
	int near = text_closest(key, known, count);

	if (near >= 0)
		pool_problem(t, key, "unknown_key",
		    "%s is unknown; did you mean \"%s\"?", pool_quote(t, key),
		    known[near]);
	else
		pool_problem(
		    t, key, "unknown_key", "%s is unknown", pool_quote(t, key));
}

/* said shows a value of any type. */
static const char *
said(struct pool_taking *t, struct text span)
{
	struct unpacker at;
	struct text text;
	int64_t number;
	bool is_true;

	unpack_init(&at, span);
	if (unpack_text(&at, &text) == OK)
		return pool_quote(t, text);
	if (unpack_i64(&at, &number) == OK)
		return arena_printf(t->arena, "%" PRId64, number).at;
	if (unpack_bool(&at, &is_true) == OK)
		return is_true ? "true" : "false";
	return pack_type_name(unpack_peek(&at));
}

static void *
member(struct pool_taking *t, const struct pool_key *row)
{
	return (char *)t->spec + row->offset;
}

static void
wrong(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	const char *space = row->unit[0] != '\0' ? " " : "";

	pool_problem(t, text_of(row->key), row->error,
	    "must be a whole number from %" PRIu64 " to %" PRIu64
	    "%s%s, not %s",
	    row->min, row->max, space, row->unit, said(t, span));
}

static void
take_u64(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	uint64_t *to = member(t, row);
	struct unpacker at;
	uint64_t number;

	unpack_init(&at, span);
	if (unpack_u64(&at, &number) != OK || number < row->min ||
	    number > row->max) {
		wrong(t, row, span);
		number = row->min; /* so that nothing else trips over it */
	}
	*to = number;
}

static void
take_bool(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	struct unpacker at;

	unpack_init(&at, span);
	if (unpack_bool(&at, member(t, row)) != OK)
		pool_problem(t, text_of(row->key), row->error,
		    "must be true or false, not %s", said(t, span));
}

static void
take_text(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	struct text *to = member(t, row);
	struct unpacker at;

	unpack_init(&at, span);
	if (unpack_text(&at, to) == OK && to->len >= row->min &&
	    to->len <= row->max && !text_has_control(*to))
		return;
	pool_problem(t, text_of(row->key), row->error,
	    "must be a text of %" PRIu64 " to %" PRIu64 " bytes, not %s",
	    row->min, row->max, said(t, span));
	*to = TEXT("");
}

/* word_index: which of "a|b|c", upper and lower case alike; -1: none. */
static int
word_index(const char *words, struct text text)
{
	for (int index = 0;; index++) {
		size_t len = strcspn(words, "|");

		if (len == text.len && strncasecmp(words, text.at, len) == 0)
			return index;
		if (words[len] == '\0')
			return -1;
		words += len + 1;
	}
}

static void
take_word(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	uint32_t *to = member(t, row);
	struct text text = TEXT("");
	struct unpacker at;
	int index = -1;

	unpack_init(&at, span);
	if (unpack_text(&at, &text) == OK)
		index = word_index(row->unit, text);
	if (index < 0)
		pool_problem(t, text_of(row->key), row->error,
		    "must be one of %s, not %s", row->unit, said(t, span));
	*to = index < 0 ? 0 : (uint32_t)index;
}

/* list_of starts a list that may have `count` items by its row. */
static bool
list_of(struct pool_taking *t, const struct pool_key *row, struct text span,
    struct unpacker *at, uint32_t *count)
{
	unpack_init(at, span);
	if (unpack_array(at, count) == OK && *count >= row->min &&
	    *count <= row->max)
		return true;
	pool_problem(t, text_of(row->key), row->error,
	    "must be a list of %" PRIu64 " to %" PRIu64 " items, not %s",
	    row->min, row->max, said(t, span));
	*count = 0;
	return false;
}

static void
take_texts(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	struct pool_texts *to = member(t, row);
	struct unpacker at;
	struct text item;
	uint32_t count;

	if (!list_of(t, row, span, &at, &count))
		return;
	to->at = ARENA_ARRAY(t->arena, struct text, count);
	while (to->count < count && unpack_raw(&at, &item) == OK) {
		struct unpacker one;
		struct text *text = &to->at[to->count++];

		unpack_init(&one, item);
		if (unpack_text(&one, text) == OK && text->len > 0 &&
		    text->len <= 1024 && !text_has_control(*text))
			continue;
		pool_problem(t, text_of(row->key), row->error,
		    "each must be a text of 1 to 1024 bytes, not %s",
		    said(t, item));
		*text = TEXT("");
	}
}

static void
take_numbers(
    struct pool_taking *t, const struct pool_key *row, struct text span)
{
	struct pool_numbers *to = member(t, row);
	struct unpacker at;
	struct text item;
	uint32_t count;

	if (!list_of(t, row, span, &at, &count))
		return;
	to->at = ARENA_ARRAY(t->arena, uint64_t, count);
	while (to->count < count && unpack_raw(&at, &item) == OK) {
		struct unpacker one;

		unpack_init(&one, item);
		if (unpack_u64(&one, &to->at[to->count]) == OK &&
		    to->at[to->count++] <= 60000)
			continue;
		pool_problem(t, text_of(row->key), row->error,
		    "each must be a whole number from 0 to 60000, not %s",
		    said(t, item));
		return;
	}
}

/* unit_ms: what one of a unit is in ms; 0: no such unit. */
static uint64_t
unit_ms(const struct pool_key *row, struct text unit)
{
	static const uint64_t ms[SPAN_UNITS] = {
	    1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000};
	int index = word_index(row->unit, unit);

	return index < 0 ? 0 : ms[index];
}

/* read_span: infinity, 90, "90 seconds" and [90, seconds]. */
static bool
read_span(const struct pool_key *row, struct text span, uint64_t *ms)
{
	struct unpacker at;
	struct text text;
	uint64_t number = 0, each = 1000;
	uint32_t count;
	int64_t space;

	unpack_init(&at, span);
	if (unpack_text(&at, &text) == OK) {
		*ms = 0;
		if (text_is(text, "infinity"))
			return true;
		space = text_find(text, ' ');
		if (space <= 0 ||
		    text_to_u64(
			(struct text){text.at, (uint32_t)space}, &number) != OK)
			return false;
		text.at += space + 1;
		text.len -= (uint32_t)space + 1;
		each = unit_ms(row, text);
	} else if (unpack_array(&at, &count) == OK) {
		if (count != 2 || unpack_u64(&at, &number) != OK ||
		    unpack_text(&at, &text) != OK)
			return false;
		each = unit_ms(row, text);
	} else if (unpack_u64(&at, &number) != OK) {
		return false;
	}
	*ms = number * each;
	return number > 0 && each > 0 && number <= UINT32_MAX;
}

static void
take_span(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	if (!read_span(row, span, member(t, row)))
		pool_problem(t, text_of(row->key), row->error,
		    "must be infinity, seconds, or [number above 0, "
		    "seconds|minutes|hours|days], not %s",
		    said(t, span));
}

static void
take_finite(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	uint64_t *to = member(t, row);
	struct unpacker at;
	struct text text;

	unpack_init(&at, span);
	if (unpack_text(&at, &text) == OK && text_is(text, "infinity"))
		*to = 0;
	else if (unpack_u64(&at, to) != OK || *to < row->min)
		pool_problem(t, text_of(row->key), row->error,
		    "must be infinity or a whole number above 0, not %s",
		    said(t, span));
}

void
pool_take(struct pool_taking *t, const struct pool_key *row, struct text span)
{
	static void (*const takes[])(
	    struct pool_taking *, const struct pool_key *, struct text) = {
	    [POOL_KEY_U64] = take_u64,
	    [POOL_KEY_BOOL] = take_bool,
	    [POOL_KEY_TEXT] = take_text,
	    [POOL_KEY_WORD] = take_word,
	    [POOL_KEY_TEXTS] = take_texts,
	    [POOL_KEY_NUMBERS] = take_numbers,
	    [POOL_KEY_SPAN] = take_span,
	    [POOL_KEY_FINITE] = take_finite,
	};

	takes[row->type](t, row, span);
}

/* pack_list packs "[a, b]" or "[1, 2]" as the file would have been. */
static struct text
pack_list(struct pool_taking *t, const struct pool_key *row)
{
	struct buffer bytes;
	struct packer out;
	struct text packed;
	const char *at = row->fallback + 1;
	size_t place;
	uint32_t count = 0;

	buffer_init(&bytes, 4096);
	pack_init(&out, &bytes);
	place = pack_open(&out);
	while (*at != ']') {
		struct text item = {at, (uint32_t)strcspn(at, ",]")};
		uint64_t number;

		if (text_to_u64(item, &number) == OK)
			pack_u64(&out, number);
		else
			pack_text(&out, item);
		count++;
		at += item.len;
		at += strspn(at, ", ");
	}
	pack_close_array(&out, place, count);
	INVARIANT(pack_finish(&out) == OK);
	packed = arena_text(t->arena,
	    (struct text){(const char *)buffer_at(&bytes),
		(uint32_t)buffer_used(&bytes)});
	buffer_finish(&bytes);
	return packed;
}

void
pool_take_default(struct pool_taking *t, const struct pool_key *row)
{
	struct text said_text = text_of(row->fallback);
	uint64_t number;

	switch (row->type) {
	case POOL_KEY_U64:
		if (text_to_u64(said_text, &number) != OK)
			number = POOL_UNSAID;
		*(uint64_t *)member(t, row) = number;
		break;
	case POOL_KEY_BOOL:
		*(bool *)member(t, row) = text_is(said_text, "true");
		break;
	case POOL_KEY_WORD:
		*(uint32_t *)member(t, row) =
		    (uint32_t)word_index(row->unit, said_text);
		break;
	case POOL_KEY_TEXT:
	case POOL_KEY_SPAN:
	case POOL_KEY_FINITE:
		break; /* "" and infinity are what zeroed memory says */
	case POOL_KEY_TEXTS:
	case POOL_KEY_NUMBERS:
		pool_take(t, row, pack_list(t, row));
		break;
	}
}
