// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One recursive walk, at most JSON_DEPTH deep, serves both json_skip and
 * json_pack, so what is skipped has met the same grammar as what is
 * converted: with no packer it only looks.
 *
 * A container's head is one byte that is filled in when its items have been
 * counted (pack_open).
 *
 * No output is sized by anything but bytes that are there: each token becomes
 * at most nine bytes, and tokens are counted against the node limit first.
 */

#include "protocol/json.h"

#include <string.h>

#include "protocol/json_keys.h"
#include "protocol/json_number.h"
#include "protocol/json_step.h"

/* Where a conversion goes; none when the walk only looks. */
struct sink {
	struct packer *packer;
	struct json_keys keys;
};

static enum err walk(struct json_reader *, struct sink *);

/* pack_quoted packs a string that was scanned. */
static inline void
pack_quoted(struct packer *p, const struct json_quoted *q)
{
	struct text t = {(const char *)q->from, q->raw};

	if (q->raw == q->decoded) {
		pack_text(p, t);
		return;
	}
	char *to = pack_text_room(p, q->decoded);

	if (to != NULL)
		json_string_decode(q, to);
}

static enum err
walk_string(struct json_reader *r, struct sink *s)
{
	struct json_quoted q;
	enum err e = json_quoted(r, &q);

	if (e == OK && s != NULL)
		pack_quoted(s->packer, &q);
	return e;
}

static enum err
walk_number(struct json_reader *r, struct sink *s)
{
	struct json_number n;
	enum err e = json_number_read(&r->at, r->end, &n);

	if (e == ERR_MALFORMED)
		return json_fail(r, e, "not a number");
	if (e == ERR_RANGE)
		return json_fail(r, e, "a number no float64 can hold");
	if (e != OK)
		return json_fail(r, e, "a number of too many digits");
	if (s == NULL)
		return OK;
	if (n.kind == JSON_UNSIGNED)
		pack_u64(s->packer, n.u);
	else if (n.kind == JSON_SIGNED)
		pack_i64(s->packer, n.i);
	else
		pack_f64(s->packer, n.f);
	return OK;
}

/* literal steps over a word if it stands there. */
static bool
literal(struct json_reader *r, const char *word)
{
	size_t bytes = strlen(word);

	if ((size_t)(r->end - r->at) < bytes || memcmp(r->at, word, bytes) != 0)
		return false;
	r->at += bytes;
	return true;
}

static enum err
walk_word(struct json_reader *r, struct sink *s)
{
	uint8_t byte;

	if (literal(r, "true"))
		byte = 0xc3;
	else if (literal(r, "false"))
		byte = 0xc2;
	else if (literal(r, "null"))
		byte = 0xc0;
	else
		return json_fail(r, ERR_MALFORMED, "no value starts like this");
	if (s != NULL)
		pack_byte(s->packer, byte);
	return OK;
}

static enum err
walk_array(struct json_reader *r, struct sink *s)
{
	enum err e = json_enter(r);
	uint32_t count = 0;
	bool more = true;
	size_t place = s != NULL ? pack_open(s->packer) : 0;

	if (e == OK && json_is_empty(r, ']'))
		more = false;
	while (e == OK && more) {
		e = walk(r, s);
		count++;
		if (e == OK)
			e = json_leave_or_next(r, ']', &more);
	}
	if (e == OK && s != NULL)
		pack_close_array(s->packer, place, count);
	return e;
}

/* walk_key also notes the key: the last of equal ones counts. */
static enum err
walk_key(struct json_reader *r, struct sink *s, struct json_object_end *o)
{
	struct json_quoted q;
	enum err e = json_key_colon(r, &q);

	if (e != OK || s == NULL)
		return e;
	uint32_t from = (uint32_t)buffer_used(s->packer->out);

	pack_quoted(s->packer, &q);
	if (s->packer->err != OK)
		return json_fail(r, s->packer->err, "the result is too big");
	const struct buffer *out = s->packer->out;
	struct text key = {
	    (const char *)out->memory + out->end - q.decoded, q.decoded};

	o->may_repeat |= json_keys_add(&s->keys, o->base,
	    (struct json_key){
		.hash = json_keys_hash(key), .key = from, .from = from});
	return OK;
}

static enum err
walk_object(struct json_reader *r, struct sink *s)
{
	struct json_object_end o = {0};
	enum err e = json_enter(r);
	uint32_t count = 0;
	bool more = true;
	size_t place = 0;

	if (s != NULL) {
		place = pack_open(s->packer);
		o.base = s->keys.count;
	}
	if (e == OK && json_is_empty(r, '}'))
		more = false;
	while (e == OK && more) {
		e = walk_key(r, s, &o);
		if (e == OK)
			e = walk(r, s);
		count++;
		if (e == OK)
			e = json_leave_or_next(r, '}', &more);
	}
	if (e != OK || s == NULL)
		return e;
	if (s->packer->err != OK)
		return json_fail(r, s->packer->err, "the result is too big");
	o.out = s->packer->out;
	o.packed = buffer_text(o.out);
	count -= json_keys_end(&s->keys, o);
	pack_close_map(s->packer, place, count);
	return OK;
}

static enum err
walk(struct json_reader *r, struct sink *s)
{
	enum err e = json_count(r);

	if (e != OK)
		return e;
	json_space(r);
	if (r->at == r->end)
		return json_fail(r, ERR_MALFORMED, "a value should be here");
	switch (*r->at) {
	case '"':
		return walk_string(r, s);
	case '{':
		return walk_object(r, s);
	case '[':
		return walk_array(r, s);
	default:
		return json_starts_number(*r->at) ? walk_number(r, s)
						  : walk_word(r, s);
	}
}

enum err
json_skip(struct json_reader *r, struct text *raw)
{
	json_space(r);
	const uint8_t *from = r->at;
	enum err e = walk(r, NULL);

	r->is_first = false;
	*raw = (struct text){(const char *)from, (uint32_t)(r->at - from)};
	return e;
}

enum err
json_pack(struct json_reader *r, struct packer *p)
{
	struct sink s;

	s.packer = p;
	json_keys_init(&s.keys);
	enum err e = walk(r, &s);

	json_keys_finish(&s.keys);
	r->is_first = false;
	if (e == OK && p->err != OK)
		return json_fail(r, p->err, "the result is too big");
	return e;
}

enum err
json_to_pack(struct text t, struct buffer *out, struct json_limits limits,
    struct json_error *error)
{
	struct json_reader r;
	struct packer p;
	size_t used = buffer_used(out);

	pack_init(&p, out);
	enum err e = json_open(&r, t, limits);

	if (e == OK)
		e = json_pack(&r, &p);
	if (e == OK)
		e = json_close(&r);
	if (e != OK)
		buffer_truncate(out, used);
	if (error != NULL)
		*error = r.error;
	return e;
}
