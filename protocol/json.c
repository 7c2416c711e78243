// SPDX-License-Identifier: MIT
/* The cursor; conversion is json_walk.c. */

#include "protocol/json.h"

#include "protocol/json_step.h"

enum err
json_open(struct json_reader *r, struct text t, struct json_limits limits)
{
	*r = (struct json_reader){
	    .start = (const uint8_t *)t.at,
	    .at = (const uint8_t *)t.at,
	    .depth_left = limits.depth < JSON_DEPTH ? limits.depth : JSON_DEPTH,
	    .nodes_left = limits.nodes,
	};
	r->end = t.len > 0 ? r->at + t.len : r->at;
	if (t.len > limits.bytes)
		return json_fail(r, ERR_TOO_BIG, "too many bytes");
	return OK;
}

enum json_type
json_peek(struct json_reader *r)
{
	json_space(r);
	if (r->at == r->end)
		return JSON_NOTHING;
	switch (*r->at) {
	case '"':
		return JSON_STRING;
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case 'n':
		return JSON_NULL;
	case 't':
	case 'f':
		return JSON_BOOL;
	default:
		return json_starts_number(*r->at) ? JSON_NUMBER : JSON_NOTHING;
	}
}

/* begin is what each reading call does first. */
static enum err
begin(struct json_reader *r, enum json_type wanted)
{
	if (json_peek(r) != wanted)
		return ERR_TYPE;
	r->is_first = false;
	return json_count(r);
}

enum err
json_null(struct json_reader *r)
{
	struct text word;

	return json_peek(r) == JSON_NULL ? json_skip(r, &word) : ERR_TYPE;
}

/* meaning gives a scanned string: borrowed if it can be, else decoded. */
static struct text
meaning(const struct json_quoted *q, struct arena *arena)
{
	if (q->raw == q->decoded)
		return (struct text){(const char *)q->from, q->raw};
	char *to = arena_alloc(arena, q->decoded);

	json_string_decode(q, to);
	return (struct text){to, q->decoded};
}

enum err
json_string(struct json_reader *r, struct arena *arena, struct text *t)
{
	struct json_quoted q;
	enum err e = begin(r, JSON_STRING);

	if (e == OK)
		e = json_quoted(r, &q);
	if (e == OK)
		*t = meaning(&q, arena);
	return e;
}

/* enter_as steps into a container of one type. */
static enum err
enter_as(struct json_reader *r, enum json_type type)
{
	enum err e = begin(r, type);

	if (e == OK)
		e = json_enter(r);
	r->is_first = e == OK;
	return e;
}

enum err
json_array(struct json_reader *r)
{
	return enter_as(r, JSON_ARRAY);
}

enum err
json_object(struct json_reader *r)
{
	return enter_as(r, JSON_OBJECT);
}

/* step: whether one more item comes, comma and all. */
static enum err
step(struct json_reader *r, uint8_t closing, bool *more)
{
	if (!r->is_first)
		return json_leave_or_next(r, closing, more);
	r->is_first = false;
	*more = !json_is_empty(r, closing);
	return OK;
}

enum err
json_array_next(struct json_reader *r, bool *more)
{
	return step(r, ']', more);
}

enum err
json_object_next(
    struct json_reader *r, struct arena *arena, struct text *key, bool *more)
{
	struct json_quoted q;
	enum err e = step(r, '}', more);

	if (e != OK || !*more)
		return e;
	e = json_key_colon(r, &q);
	if (e == OK)
		*key = meaning(&q, arena);
	return e;
}

enum err
json_close(struct json_reader *r)
{
	json_space(r);
	if (r->at != r->end)
		return json_fail(r, ERR_MALFORMED, "more than one value");
	return OK;
}
