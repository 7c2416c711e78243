// SPDX-License-Identifier: MIT
#include "workers/gateway/phoenix_binary.h"

#include <string.h>

#include "workers/gateway/websocket.h"

enum {
	KIND_PUSH = 0,
	KIND_REPLY = 1,
	CLIENT_HEAD = 5, /* kind and four lengths */
	PART_MAX = 255
};

/* cut takes the next `len` bytes off the front. */
static struct text
cut(struct text *from, uint32_t len)
{
	struct text part = {.at = from->at, .len = len};

	from->at += len;
	from->len -= len;
	return part;
}

/* quote makes JSON of a part; an empty reference is null, as in Phoenix. */
static enum err
quote(struct text part, struct arena *arena, bool is_ref, struct text *json)
{
	struct buffer b;

	if (is_ref && part.len == 0) {
		*json = TEXT("null");
		return OK;
	}
	if (!text_is_utf8(part))
		return ERR_UTF8;
	buffer_init(&b, PHOENIX_NAME_BYTES * 2);
	enum err e = json_put_text(&b, part, NULL);
	if (e == OK)
		*json = arena_text(arena, buffer_text(&b));
	buffer_finish(&b);
	return e == ERR_FULL ? ERR_TOO_BIG : e;
}

static enum err
open_json(struct phoenix_message *m, struct text json)
{
	return json_open(&m->payload, json,
	    (struct json_limits){json.len, JSON_DEPTH, JSON_NODES});
}

enum err
phoenix_binary_read(
    struct text frame, struct arena *arena, struct phoenix_message *m)
{
	const uint8_t *head = (const uint8_t *)frame.at;
	struct text rest = frame, join_ref, ref;
	enum err e;

	if (frame.len < CLIENT_HEAD || head[0] != KIND_PUSH)
		return ERR_MALFORMED;
	if ((uint32_t)head[1] + head[2] + head[3] + head[4] >
	    frame.len - CLIENT_HEAD)
		return ERR_MALFORMED;
	cut(&rest, CLIENT_HEAD);
	join_ref = cut(&rest, head[1]);
	ref = cut(&rest, head[2]);
	m->topic = cut(&rest, head[3]);
	m->event = cut(&rest, head[4]);
	m->data = rest;
	m->payload_bytes = rest.len;
	m->from.form = PHOENIX_V2_BINARY;
	e = quote(join_ref, arena, true, &m->from.join_ref);
	if (e == OK)
		e = quote(ref, arena, true, &m->from.ref);
	if (e == OK)
		e = quote(m->topic, arena, false, &m->from.topic);
	if (e == OK && !text_is_utf8(m->event))
		e = ERR_UTF8;
	if (e != OK || rest.len == 0 || rest.at[0] != '{')
		return e;
	m->from.form = PHOENIX_V2_BINARY_JSON;
	return open_json(m, rest);
}

enum err
phoenix_binary_payload(struct phoenix_message *m, struct buffer *to)
{
	enum err e = pack_check(m->data, PACK_LIMITS);

	if (e != OK)
		return e;
	if (pack_to_json(m->data, to, NULL) != OK)
		return ERR_TYPE;
	return open_json(m, buffer_text(to));
}

/*
 * put_part appends a name that is kept as JSON, as the bytes it stands for, and
 * says how many there were. A reference may be null or a number.
 */
static enum err
put_part(struct buffer *b, struct text json, uint8_t *len)
{
	size_t before = buffer_used(b);
	struct unpacker u;
	struct buffer packed;
	struct text name = json;
	enum err e = OK;

	if (json.len >= 2 && json.at[0] == '"')
		name = (struct text){.at = json.at + 1, .len = json.len - 2};
	else if (text_is(json, "null"))
		name.len = 0;
	buffer_init(&packed, PHOENIX_NAME_BYTES * 2);
	if (text_find(name, '\\') >= 0) {
		e = json_to_pack(json, &packed, JSON_LIMITS, NULL);
		unpack_init(&u, buffer_text(&packed));
		if (e == OK)
			e = unpack_text(&u, &name);
	}
	if (e == OK && name.len > PART_MAX)
		e = ERR_TOO_BIG;
	if (e == OK)
		e = buffer_append_text(b, name);
	*len = (uint8_t)(buffer_used(b) - before);
	buffer_finish(&packed);
	return e;
}

/* open_frame writes a frame up to its data; parts are JSON. */
static enum err
open_frame(struct buffer *b, uint8_t kind, const struct text *parts,
    unsigned count, size_t *frame)
{
	uint8_t head[CLIENT_HEAD] = {kind};
	enum err e = websocket_open(b, frame);
	size_t at = buffer_used(b);

	if (e == OK)
		e = buffer_append(b, head, count + 1);
	for (unsigned i = 0; i < count && e == OK; i++)
		e = put_part(b, parts[i], &head[i + 1]);
	if (e == OK)
		memcpy(buffer_at(b) + at, head, count + 1);
	return e;
}

/* end_frame appends the data, which is JSON, and closes the frame. */
static enum err
end_frame(struct buffer *b, enum phoenix_form form, size_t frame,
    struct text payload, enum err e)
{
	if (e == OK && form == PHOENIX_V2_BINARY)
		e = json_to_pack(payload, b,
		    (struct json_limits){payload.len, JSON_DEPTH, JSON_NODES},
		    NULL);
	else if (e == OK)
		e = buffer_append_text(b, payload);
	if (e == OK)
		e = websocket_shut(b, frame, WEBSOCKET_BINARY);
	if (e != OK)
		buffer_truncate(b, frame);
	return e;
}

enum err
phoenix_binary_open(struct buffer *b, const struct phoenix_address *to,
    struct text event, size_t *frame)
{
	const struct text parts[3] = {to->join_ref, to->topic, event};

	return open_frame(b, KIND_PUSH, parts, 3, frame);
}

enum err
phoenix_binary_push(struct buffer *b, const struct phoenix_address *to,
    struct text event, struct text payload)
{
	size_t frame = buffer_used(b);
	enum err e = phoenix_binary_open(b, to, event, &frame);

	return end_frame(b, to->form, frame, payload, e);
}

enum err
phoenix_binary_reply(struct buffer *b, const struct phoenix_address *to,
    bool is_ok, struct text response)
{
	const struct text parts[4] = {to->join_ref, to->ref, to->topic,
	    is_ok ? TEXT("\"ok\"") : TEXT("\"error\"")};
	size_t frame = buffer_used(b);
	enum err e = open_frame(b, KIND_REPLY, parts, 4, &frame);

	return end_frame(b, to->form, frame, response, e);
}
