// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_JSON_STEP_H
#define PROTOCOL_JSON_STEP_H

/*
 * json_step - the small steps over JSON's grammar that the cursor (json.c)
 * and the conversion (json_walk.c) share, inline because each is taken once a
 * token.
 *
 * Trust:  bytes from strangers; every step looks for the end first.
 * Owner:  no memory.
 */

#include "protocol/json.h"
#include "protocol/json_string.h"

static inline enum err
json_fail(struct json_reader *r, enum err err, const char *what)
{
	r->error = (struct json_error){
	    .err = err,
	    .offset = (uint32_t)(r->at - r->start),
	    .what = what,
	};
	return err;
}

static inline void
json_space(struct json_reader *r)
{
	while (r->at < r->end &&
	    (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' ||
		*r->at == '\t'))
		r->at++;
}

/* json_next_is steps over white space and tells whether `byte` comes. */
static inline bool
json_next_is(struct json_reader *r, uint8_t byte)
{
	bool is_there = r->at < r->end;

	if (is_there && *r->at > ' ')
		return *r->at == byte;
	json_space(r);
	return r->at < r->end && *r->at == byte;
}

static inline bool
json_starts_number(uint8_t byte)
{
	return byte == '-' || (byte >= '0' && byte <= '9');
}

static inline enum err
json_count(struct json_reader *r)
{
	if (r->nodes_left == 0)
		return json_fail(r, ERR_TOO_BIG, "too many values");
	r->nodes_left--;
	return OK;
}

/* json_quoted steps over a string, opening quote first, and checks it. */
static inline enum err
json_quoted(struct json_reader *r, struct json_quoted *q)
{
	const char *what;
	enum err e = json_string_scan(&r->at, r->end, q, &what);

	return e == OK ? OK : json_fail(r, e, what);
}

/* json_enter steps into a container. */
static inline enum err
json_enter(struct json_reader *r)
{
	if (r->depth_left == 0)
		return json_fail(r, ERR_TOO_DEEP, "nested too deep");
	r->depth_left--;
	r->at++;
	return OK;
}

/* json_leave_or_next: a comma comes behind an item, or the container ends. */
static inline enum err
json_leave_or_next(struct json_reader *r, uint8_t closing, bool *more)
{
	*more = json_next_is(r, ',');
	if (!*more && !json_next_is(r, closing))
		return json_fail(r, ERR_MALFORMED,
		    closing == ']' ? "a ',' or ']' should be here"
				   : "a ',' or '}' should be here");
	r->at++;
	r->depth_left += !*more;
	return OK;
}

/* json_is_empty: steps out when the container ends where it began. */
static inline bool
json_is_empty(struct json_reader *r, uint8_t closing)
{
	if (!json_next_is(r, closing))
		return false;
	r->at++;
	r->depth_left++;
	return true;
}

/* json_key_colon steps over a key and its colon. */
static inline enum err
json_key_colon(struct json_reader *r, struct json_quoted *q)
{
	if (!json_next_is(r, '"'))
		return json_fail(
		    r, ERR_MALFORMED, "a key in quotes should be here");
	enum err e = json_count(r);

	if (e == OK)
		e = json_quoted(r, q);
	if (e != OK)
		return e;
	if (!json_next_is(r, ':'))
		return json_fail(r, ERR_MALFORMED, "a ':' should be here");
	r->at++;
	return OK;
}

#endif /* PROTOCOL_JSON_STEP_H */
