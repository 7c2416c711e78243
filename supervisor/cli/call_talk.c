// SPDX-License-Identifier: MIT
#include "supervisor/cli/call_talk.h"

#include <stdio.h>

#include "protocol/json.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"

#define JOIN_REF "1"

void
talk_init(struct talk *t, struct text topic)
{
	*t = (struct talk){.wire = {.dial = {.fd = -1}}, .topic = topic};
	buffer_init(&t->received, CALL_MESSAGE_BYTES);
}

void
talk_finish(struct talk *t)
{
	call_wire_close(&t->wire);
	buffer_finish(&t->received);
}

/* send_frame says one V2 frame; `topic` phoenix is no channel of ours. */
static enum err
send_frame(
    struct talk *t, struct text topic, struct text event, struct text payload)
{
	char ref[16];
	struct buffer packed;
	struct buffer json;
	struct packer p;

	snprintf(ref, sizeof(ref), "%u", ++t->last_ref);
	buffer_init(&packed, CALL_MESSAGE_BYTES);
	buffer_init(&json, CALL_MESSAGE_BYTES);
	pack_init(&p, &packed);
	pack_array(&p, 5);
	if (text_eq(topic, t->topic))
		pack_string(&p, JOIN_REF);
	else
		pack_nil(&p);
	pack_string(&p, ref);
	pack_text(&p, topic);
	pack_text(&p, event);
	pack_raw(&p, payload);
	enum err e = pack_finish(&p);
	if (e == OK)
		e = pack_to_json(buffer_text(&packed), &json, NULL);
	if (e == OK)
		e = call_wire_send(&t->wire, buffer_text(&json));
	buffer_finish(&packed);
	buffer_finish(&json);
	return e;
}

enum err
talk_send(struct talk *t, struct text event, struct text payload, uint32_t *ref)
{
	enum err e = send_frame(t, t->topic, event, payload);

	*ref = t->last_ref;
	return e;
}

enum err
talk_heartbeat(struct talk *t)
{
	return send_frame(t, TEXT("phoenix"), TEXT("heartbeat"), TEXT("\x80"));
}

static enum err
split(struct text message, struct talk_frame *frame)
{
	struct unpacker u;
	uint32_t count;
	struct text skipped;

	*frame = (struct talk_frame){.ref = TEXT("")};
	unpack_init(&u, message);
	if (unpack_array(&u, &count) != OK || count != 5 ||
	    unpack_raw(&u, &skipped) != OK)
		return ERR_MALFORMED;
	if (unpack_text(&u, &frame->ref) != OK &&
	    unpack_skip(&u) != OK) /* a push has a null ref */
		return ERR_MALFORMED;
	if (unpack_text(&u, &frame->topic) != OK ||
	    unpack_text(&u, &frame->event) != OK)
		return ERR_MALFORMED;
	return unpack_raw(&u, &frame->payload);
}

enum err
talk_receive(struct talk *t, struct talk_frame *frame)
{
	struct buffer message;

	buffer_init(&message, CALL_MESSAGE_BYTES);
	enum err e = call_wire_receive(&t->wire, &message);
	buffer_truncate(&t->received, 0);
	if (e == OK)
		e = json_to_pack(buffer_text(&message), &t->received,
		    (struct json_limits){
			CALL_MESSAGE_BYTES, JSON_DEPTH, JSON_NODES},
		    NULL);
	buffer_finish(&message);
	return e == OK ? split(buffer_text(&t->received), frame) : e;
}

bool
talk_is_ref(const struct talk_frame *frame, uint32_t ref)
{
	uint64_t number;

	return text_is(frame->event, "phx_reply") &&
	    text_to_u64(frame->ref, &number) == OK && number == ref;
}
