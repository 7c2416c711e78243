// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A binary frame has the same five parts with lengths before them. Its names
 * become JSON on the way in, so everything behind this file sees one kind of
 * message; on the way out phoenix_binary.c turns them back.
 */

#include "workers/gateway/phoenix.h"

#include <string.h>

#include "workers/gateway/phoenix_binary.h"
#include "workers/gateway/websocket.h"

static const struct text null_json = {.at = "null", .len = 4};
static const struct text reply_event = {.at = "\"phx_reply\"", .len = 11};

/* take_ref keeps a reference as the JSON it is. */
static enum err
take_ref(struct json_reader *r, struct text *ref)
{
	enum json_type type = json_peek(r);

	if (type == JSON_ARRAY || type == JSON_OBJECT)
		return ERR_MALFORMED;
	enum err e = json_skip(r, ref);
	return e == OK && ref->len > PHOENIX_REF_BYTES ? ERR_TOO_BIG : e;
}

/* take_name reads a topic or an event: the JSON, and the text if it is one. */
static enum err
take_name(struct json_reader *r, struct arena *arena, struct text *raw,
    struct text *name)
{
	enum json_type type = json_peek(r);
	const char *at = (const char *)r->at;
	enum err e;

	*name = (struct text){.at = NULL, .len = 0};
	if (type == JSON_ARRAY || type == JSON_OBJECT)
		return ERR_MALFORMED;
	if (type != JSON_STRING) {
		e = json_skip(r, raw);
	} else {
		e = json_string(r, arena, name);
		*raw = (struct text){
		    .at = at, .len = (uint32_t)((const char *)r->at - at)};
	}
	return e == OK && raw->len > PHOENIX_NAME_BYTES ? ERR_TOO_BIG : e;
}

static enum err
next_item(struct json_reader *r)
{
	bool more = false;
	enum err e = json_array_next(r, &more);

	return e == OK && !more ? ERR_MALFORMED : e;
}

static enum err
read_array(
    struct json_reader *r, struct arena *arena, struct phoenix_message *m)
{
	struct text event_json;
	enum err e = json_array(r);

	if (e == OK && (e = next_item(r)) == OK)
		e = take_ref(r, &m->from.join_ref);
	if (e == OK && (e = next_item(r)) == OK)
		e = take_ref(r, &m->from.ref);
	if (e == OK && (e = next_item(r)) == OK)
		e = take_name(r, arena, &m->from.topic, &m->topic);
	if (e == OK && (e = next_item(r)) == OK)
		e = take_name(r, arena, &event_json, &m->event);
	if (e == OK)
		e = next_item(r);
	if (e != OK)
		return e;
	if (json_peek(r) == JSON_NOTHING || m->event.at == NULL)
		return ERR_MALFORMED;
	/* all that is left but the bracket */
	m->payload_bytes = (uint32_t)(r->end - r->at - 1);
	m->payload = *r;
	return OK;
}

/* take_key reads one pair of a V1 object. */
static enum err
take_key(struct json_reader *r, struct arena *arena, struct text key,
    struct phoenix_message *m)
{
	struct text ignored;

	if (text_is(key, "topic"))
		return take_name(r, arena, &m->from.topic, &m->topic);
	if (text_is(key, "event"))
		return take_name(r, arena, &ignored, &m->event);
	if (text_is(key, "ref"))
		return take_ref(r, &m->from.ref);
	if (text_is(key, "join_ref"))
		return take_ref(r, &m->from.join_ref);
	if (text_is(key, "payload"))
		return json_skip(r, &m->data);
	return json_skip(r, &ignored);
}

/* read_object: keys come in any order, so the payload is read a second time. */
static enum err
read_object(
    struct json_reader *r, struct arena *arena, struct phoenix_message *m)
{
	struct text key;
	bool more = true;
	enum err e = json_object(r);

	while (e == OK && (e = json_object_next(r, arena, &key, &more)) == OK &&
	    more)
		e = take_key(r, arena, key, m);
	if (e == OK)
		e = json_close(r);
	if (e != OK)
		return e;
	if (m->event.at == NULL || m->data.len == 0)
		return ERR_MALFORMED;
	m->payload_bytes = m->data.len;
	return json_open(&m->payload, m->data,
	    (struct json_limits){m->data.len, JSON_DEPTH, JSON_NODES});
}

enum err
phoenix_read(enum phoenix_form form, struct text frame, struct arena *arena,
    struct phoenix_message *m)
{
	struct json_limits limits = {frame.len, JSON_DEPTH, JSON_NODES};
	struct json_reader r;

	*m = (struct phoenix_message){.from = {.form = form,
					  .join_ref = null_json,
					  .ref = null_json,
					  .topic = null_json}};
	if (phoenix_is_binary(form))
		return phoenix_binary_read(frame, arena, m);
	enum err e = json_open(&r, frame, limits);
	if (e == OK)
		e = form == PHOENIX_V1 ? read_object(&r, arena, m)
				       : read_array(&r, arena, m);
	return e;
}

enum err
phoenix_end(struct phoenix_message *m)
{
	struct text ignored;
	bool more = m->from.form == PHOENIX_V2;
	enum err e = OK;

	while (more && e == OK) {
		e = json_array_next(&m->payload, &more);
		if (e == OK && more)
			e = json_skip(&m->payload, &ignored);
	}
	if (e == OK && m->from.form != PHOENIX_V2_BINARY)
		e = json_close(&m->payload);
	return e;
}

enum err
phoenix_skip_payload(struct phoenix_message *m)
{
	struct text ignored;
	enum err e = OK;

	if (m->from.form != PHOENIX_V2_BINARY)
		e = json_skip(&m->payload, &ignored);
	return e == OK ? phoenix_end(m) : e;
}

static uint8_t *
put(uint8_t *to, struct text t)
{
	memcpy(to, t.at, t.len);
	return to + t.len;
}

enum err
phoenix_open(struct buffer *b, const struct phoenix_address *to,
    struct text event, size_t *frame)
{
	uint8_t *start, *at;

	if (phoenix_is_binary(to->form))
		return phoenix_binary_open(b, to, event, frame);
	enum err e = websocket_open(b, frame);

	if (e == OK)
		e = buffer_reserve(b,
		    (size_t)to->join_ref.len + to->ref.len + to->topic.len +
			event.len + 64,
		    &start);
	if (e != OK)
		return e;
	at = start;
	if (to->form == PHOENIX_V1) {
		at = put(at, TEXT("{\"topic\":"));
		at = put(at, to->topic);
		at = put(at, TEXT(",\"event\":"));
		at = put(at, event);
		at = put(at, TEXT(",\"ref\":"));
		at = put(at, to->ref);
		at = put(at, TEXT(",\"payload\":"));
	} else {
		*at++ = '[';
		at = put(at, to->join_ref);
		*at++ = ',';
		at = put(at, to->ref);
		*at++ = ',';
		at = put(at, to->topic);
		*at++ = ',';
		at = put(at, event);
		*at++ = ',';
	}
	buffer_commit(b, (size_t)(at - start));
	return OK;
}

enum err
phoenix_shut(struct buffer *b, enum phoenix_form form, size_t frame)
{
	if (phoenix_is_binary(form))
		return websocket_shut(b, frame, WEBSOCKET_BINARY);
	enum err e = buffer_append(b, form == PHOENIX_V1 ? "}" : "]", 1);

	return e == OK ? websocket_shut(b, frame, WEBSOCKET_TEXT) : e;
}

/* put_whole writes a frame whose payload is three pieces of JSON. */
static enum err
put_whole(struct buffer *b, const struct phoenix_address *to, struct text event,
    const struct text pieces[3])
{
	size_t frame = buffer_used(b);
	enum err e = phoenix_open(b, to, event, &frame);

	for (unsigned i = 0; i < 3 && e == OK; i++)
		e = buffer_append_text(b, pieces[i]);
	if (e == OK)
		e = phoenix_shut(b, to->form, frame);
	if (e != OK)
		buffer_truncate(b, frame);
	return e;
}

enum err
phoenix_put_reply(struct buffer *b, const struct phoenix_address *to,
    bool is_ok, struct text response)
{
	const struct text pieces[3] = {
	    is_ok ? TEXT("{\"status\":\"ok\",\"response\":")
		  : TEXT("{\"status\":\"error\",\"response\":"),
	    response,
	    TEXT("}"),
	};

	if (phoenix_is_binary(to->form))
		return phoenix_binary_reply(b, to, is_ok, response);
	return put_whole(b, to, reply_event, pieces);
}

enum err
phoenix_put_push(struct buffer *b, const struct phoenix_address *to,
    struct text event, struct text payload)
{
	const struct text pieces[3] = {payload, TEXT(""), TEXT("")};
	struct phoenix_address push = *to;

	push.ref = null_json;
	if (phoenix_is_binary(to->form))
		return phoenix_binary_push(b, &push, event, payload);
	return put_whole(b, &push, event, pieces);
}

/* put_end: the ref of a channel's last message is the ref of its join. */
static enum err
put_end(struct buffer *b, const struct phoenix_address *to, struct text event,
    struct text payload)
{
	const struct text pieces[3] = {payload, TEXT(""), TEXT("")};
	struct phoenix_address end = *to;

	end.ref = to->join_ref;
	if (phoenix_is_binary(end.form))
		end.form = PHOENIX_V2; /* these two are never binary */
	return put_whole(b, &end, event, pieces);
}

enum err
phoenix_put_close(struct buffer *b, const struct phoenix_address *to)
{
	return put_end(b, to, TEXT("\"phx_close\""), TEXT("{}"));
}

enum err
phoenix_put_error(struct buffer *b, const struct phoenix_address *to)
{
	return put_end(b, to, TEXT("\"phx_error\""),
	    TEXT("{\"reason\":\"channel_crash\"}"));
}
