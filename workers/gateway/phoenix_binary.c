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
	e = quote(join_ref, arena, true, &m->from.join_ref);
	if (e == OK)
		e = quote(ref, arena, true, &m->from.ref);
	if (e == OK)
		e = quote(m->topic, arena, false, &m->from.topic);
	return e == OK && !text_is_utf8(m->event) ? ERR_UTF8 : e;
}

enum err
phoenix_binary_payload(struct phoenix_message *m, struct buffer *to)
{
	enum err e = pack_check(m->data, PACK_LIMITS);

	if (e == OK)
		e = pack_to_json(m->data, to, NULL);
	if (e != OK)
		return e;
	struct text json = buffer_text(to);
	return json_open(&m->payload, json,
	    (struct json_limits){json.len, JSON_DEPTH, JSON_NODES});
}

/* bare takes the quotes off a JSON string; null and numbers stay short. */
static struct text
bare(struct text json)
{
	if (json.len >= 2 && json.at[0] == '"')
		return (struct text){.at = json.at + 1, .len = json.len - 2};
	return text_is(json, "null") ? TEXT("") : json;
}

static enum err
put_frame(struct buffer *b, uint8_t kind, const struct text *parts,
    unsigned count, struct text payload)
{
	size_t frame = buffer_used(b);
	enum err e = websocket_open(b, &frame);
	uint8_t head[CLIENT_HEAD] = {kind};

	for (unsigned i = 0; i < count && e == OK; i++) {
		head[i + 1] = (uint8_t)parts[i].len;
		e = parts[i].len > PART_MAX ? ERR_TOO_BIG : OK;
	}
	if (e == OK)
		e = buffer_append(b, head, count + 1);
	for (unsigned i = 0; i < count && e == OK; i++)
		e = buffer_append_text(b, parts[i]);
	if (e == OK)
		e = json_to_pack(payload, b,
		    (struct json_limits){payload.len, JSON_DEPTH, JSON_NODES},
		    NULL);
	if (e == OK)
		e = websocket_shut(b, frame, WEBSOCKET_BINARY);
	if (e != OK)
		buffer_truncate(b, frame);
	return e;
}

enum err
phoenix_binary_push(struct buffer *b, const struct phoenix_address *to,
    struct text event, struct text payload)
{
	const struct text parts[3] = {
	    bare(to->join_ref), bare(to->topic), bare(event)};

	return put_frame(b, KIND_PUSH, parts, 3, payload);
}

enum err
phoenix_binary_reply(struct buffer *b, const struct phoenix_address *to,
    bool is_ok, struct text response)
{
	const struct text parts[4] = {bare(to->join_ref), bare(to->ref),
	    bare(to->topic), is_ok ? TEXT("ok") : TEXT("error")};

	return put_frame(b, KIND_REPLY, parts, 4, response);
}
