// SPDX-License-Identifier: MIT
#include "protocol/mask.h"

#include <string.h>

#include "protocol/json.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"

enum {
	MASK_BYTES = 1 << 20
};

void
mask_read(struct mask *m, struct text array)
{
	struct unpacker u;
	uint32_t count = 0;

	m->count = 0;
	unpack_init(&u, array);
	if (unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && m->count < MASK_WORDS &&
	    unpack_text(&u, &m->words[m->count]) == OK)
		if (m->words[m->count].len > 0)
			m->count++;
}

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

static bool
has_at(struct text key, uint32_t at, struct text word)
{
	for (uint32_t i = 0; i < word.len; i++)
		if (lower(key.at[at + i]) != lower(word.at[i]))
			return false;
	return true;
}

bool
mask_hides(const struct mask *m, struct text key)
{
	for (uint32_t w = 0; w < m->count; w++)
		for (uint32_t at = 0; at + m->words[w].len <= key.len; at++)
			if (has_at(key, at, m->words[w]))
				return true;
	return false;
}

static bool
is_of_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static uint32_t
skip_blank(struct text t, uint32_t at)
{
	while (at < t.len && (t.at[at] == ' ' || t.at[at] == '\t'))
		at++;
	return at;
}

/* What a value stands in; byte '\0': in nothing. */
struct quote {
	char byte;
	bool is_escaped; /* the text is a text in a text: \"…\" */
};

/* skip_quote passes over a quote, and the backslash of one in a text. */
static uint32_t
skip_quote(struct text t, uint32_t at, struct quote *quote)
{
	*quote = (struct quote){.byte = '\0'};
	if (at + 1 < t.len && t.at[at] == '\\') {
		quote->is_escaped = true;
		at++;
	}
	if (at < t.len && (t.at[at] == '"' || t.at[at] == '\''))
		quote->byte = t.at[at++];
	return at;
}

/* end_of gives where the value that begins at `at` is over. */
static uint32_t
end_of(struct text t, uint32_t at, struct quote quote)
{
	static const struct text bearer = {.at = "bearer ", .len = 7};

	if (at + bearer.len < t.len && has_at(t, at, bearer))
		at += bearer.len;
	for (; at < t.len; at++) {
		char c = t.at[at];

		if (c == '\\' && quote.byte != '\0' && !quote.is_escaped &&
		    at + 1 < t.len)
			at++; /* what is escaped ends nothing */
		else if (quote.byte != '\0'
			? c == quote.byte
			: strchr(" \t\r\n&,;\"'{}[]()<>", c) != NULL)
			break;
	}
	return at;
}

/* value_behind: does a key that ends at `at` have a value? */
static bool
value_behind(struct text t, uint32_t at, uint32_t *from, uint32_t *to)
{
	struct quote quote;

	at = skip_blank(t, skip_quote(t, at, &quote));
	if (at == t.len || (t.at[at] != '=' && t.at[at] != ':'))
		return false;
	*from = skip_quote(t, skip_blank(t, at + 1), &quote);
	*to = end_of(t, *from, quote);
	return *to > *from;
}

/* password_at: the password of a URL whose `://` is here. */
static bool
password_at(struct text t, uint32_t at, uint32_t *from, uint32_t *to)
{
	if (at + 3 > t.len || memcmp(t.at + at, "://", 3) != 0)
		return false;
	*from = 0;
	for (at += 3; at < t.len; at++) {
		char c = t.at[at];

		if (c == '@' && *from > 0) {
			*to = at;
			return *to > *from;
		}
		if (c == ':' && *from == 0)
			*from = at + 1;
		if (c == '/' || c == '?' || c == ' ' || c == '"')
			return false;
	}
	return false;
}

/* Where a search in a text is. */
struct search {
	const struct mask *mask;
	struct text text;
	uint32_t barren;   /* in front of it, no key ends in a value */
	uint32_t from, to; /* the secret that was found */
};

/*
 * has_secret: does a secret stand behind what is at `at`? All of one run of
 * key bytes share what is behind it, so a run is gone through once only: a
 * megabyte of a telling word is no work for minutes.
 */
static bool
has_secret(struct search *s, uint32_t at)
{
	struct text t = s->text;

	for (uint32_t w = 0; at >= s->barren && w < s->mask->count; w++) {
		struct text word = s->mask->words[w];
		uint32_t end = at + word.len;

		if (end > t.len || !has_at(t, at, word))
			continue;
		while (end < t.len && is_of_key(t.at[end]))
			end++;
		if (value_behind(t, end, &s->from, &s->to))
			return true;
		s->barren = end;
	}
	return password_at(t, at, &s->from, &s->to);
}

enum err
mask_text(const struct mask *m, struct text t, struct buffer *to)
{
	struct search s = {.mask = m, .text = t};
	struct text plain = {t.at, 0};
	enum err e = OK;

	for (uint32_t at = 0; e == OK && at < t.len;) {
		if (!has_secret(&s, at)) {
			at++;
			continue;
		}
		plain.len = (uint32_t)(t.at + s.from - plain.at);
		e = buffer_append_text(to, plain);
		if (e == OK)
			e = buffer_append_text(to, TEXT(MASK_TEXT));
		plain.at = t.at + s.to;
		at = s.to;
	}
	plain.len = (uint32_t)(t.at + t.len - plain.at);
	return e == OK ? buffer_append_text(to, plain) : e;
}

/* copy_text: a text may hold a document, a header or a URL. */
static enum err
copy_text(const struct mask *m, struct unpacker *u, struct packer *p)
{
	struct buffer masked;
	struct text t;
	enum err e = unpack_text(u, &t);

	if (e != OK)
		return e;
	buffer_init(&masked, MASK_BYTES);
	e = mask_text(m, t, &masked);
	if (e == OK)
		pack_text(p, buffer_text(&masked));
	buffer_finish(&masked);
	return e;
}

/* One copy: which words, and whether a key that tells hides what it has. */
struct masking {
	const struct mask *words;
	bool by_key;
};

static enum err copy(
    const struct masking *, struct unpacker *, struct packer *, uint32_t depth);

static enum err
copy_map(const struct masking *m, struct unpacker *u, struct packer *p,
    uint32_t depth)
{
	struct text key, span;
	uint32_t count;
	enum err e = unpack_map(u, &count);

	if (e != OK)
		return e;
	pack_map(p, count);
	while (count-- > 0) {
		bool is_text = unpack_peek(u) == PACK_TEXT;

		if (is_text && unpack_text(u, &key) == OK)
			pack_text(p, key);
		else if ((e = unpack_raw(u, &span)) == OK)
			pack_raw(p, span);
		if (e != OK)
			return e;
		if (!is_text || !m->by_key || !mask_hides(m->words, key)) {
			e = copy(m, u, p, depth + 1);
		} else {
			e = unpack_skip(u);
			pack_string(p, MASK_TEXT);
		}
		if (e != OK)
			return e;
	}
	return OK;
}

static enum err
copy(const struct masking *m, struct unpacker *u, struct packer *p,
    uint32_t depth)
{
	struct text span;
	uint32_t count;
	enum err e;

	if (depth > PACK_DEPTH)
		return ERR_TOO_DEEP;
	if (unpack_peek(u) == PACK_MAP)
		return copy_map(m, u, p, depth);
	if (unpack_peek(u) == PACK_TEXT)
		return copy_text(m->words, u, p);
	if (unpack_peek(u) != PACK_ARRAY) {
		e = unpack_raw(u, &span);
		if (e == OK)
			pack_raw(p, span);
		return e;
	}
	e = unpack_array(u, &count);
	if (e == OK)
		pack_array(p, count);
	while (e == OK && count-- > 0)
		e = copy(m, u, p, depth + 1);
	return e;
}

enum err
mask_pack(const struct mask *m, struct text value, struct packer *to)
{
	const struct masking masking = {.words = m, .by_key = true};
	struct unpacker u;

	unpack_init(&u, value);
	return copy(&masking, &u, to, 0);
}

enum err
mask_texts(const struct mask *m, struct text value, struct packer *to)
{
	const struct masking masking = {.words = m, .by_key = false};
	struct unpacker u;

	unpack_init(&u, value);
	return copy(&masking, &u, to, 0);
}

enum err
mask_json(const struct mask *m, struct text value, struct buffer *to)
{
	struct buffer masked;
	struct packer p;
	size_t before = buffer_used(to);

	buffer_init(&masked, MASK_BYTES);
	pack_init(&p, &masked);
	enum err e = mask_pack(m, value, &p);
	if (e == OK)
		e = pack_finish(&p);
	if (e == OK)
		e = pack_to_json(buffer_text(&masked), to, NULL);
	if (e != OK)
		buffer_truncate(to, before);
	buffer_finish(&masked);
	return e;
}

/* --- URLs, in place --- */

void
mask_urls_pack(void *value, size_t bytes)
{
	struct text whole = {.at = value, .len = (uint32_t)bytes};
	struct unpacker u;
	struct text t;
	uint32_t count;
	enum err e = OK;

	if (bytes == 0 || memmem(value, bytes, "://", 3) == NULL)
		return;
	/* msgpack names what follows in front of it: one walk, no stack */
	unpack_init(&u, whole);
	while (e == OK && unpack_left(&u) > 0) {
		switch ((int)unpack_peek(&u)) {
		case PACK_MAP:
			e = unpack_map(&u, &count);
			break;
		case PACK_ARRAY:
			e = unpack_array(&u, &count);
			break;
		case PACK_TEXT:
			e = unpack_text(&u, &t);
			if (e == OK)
				text_hide_passwords(
				    (char *)value + (t.at - whole.at), t.len);
			break;
		default:
			e = unpack_skip(&u);
			break;
		}
	}
}
