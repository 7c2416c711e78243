// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Who asks is what the gateway says in its hints, never what the arguments
 * say; `user_id` among the arguments names whom it is about.
 *
 * Arguments come in the order of the table below, or as one map.
 */

#include <stdio.h>

#include "protocol/pack.h"
#include "workers/relay/asks.h"

enum {
	USER_BYTES = 1024
};

/* --- reading a call --- */

enum argument {
	ARGUMENT_group = 1,
	ARGUMENT_type = 2,
	ARGUMENT_user = 4,
	ARGUMENT_message = 8
};

static const struct {
	enum argument bit;
	const char *name;
} argument_names[] = {
    {ARGUMENT_group, "group_id"},
    {ARGUMENT_type, "group_type"},
    {ARGUMENT_user, "user_id"},
    {ARGUMENT_message, "message"},
};

/* Arguments in the order of argument_names. */
static const struct {
	const char *name;
	unsigned wants;
	void (*run)(struct ask *);
} operations[] = {
    {"create", ARGUMENT_group | ARGUMENT_type, ask_create},
    {"join", ARGUMENT_group, ask_join},
    {"leave", ARGUMENT_group, ask_leave},
    {"accept", ARGUMENT_group | ARGUMENT_user, ask_accept},
    {"mute", ARGUMENT_group | ARGUMENT_user, ask_mute},
    {"unmute", ARGUMENT_group | ARGUMENT_user, ask_unmute},
    {"info", ARGUMENT_group, ask_info},
    {"list", 0, ask_list},
    {"delete", ARGUMENT_group, ask_delete},
    {"send", ARGUMENT_group | ARGUMENT_message, ask_send},
};

static bool
as_text(struct text span, struct text *to)
{
	struct unpacker u;

	unpack_init(&u, span);
	return unpack_text(&u, to) == OK && to->len > 0 && text_is_utf8(*to);
}

static bool
keep(struct ask *a, enum argument which, struct text span)
{
	switch (which) {
	case ARGUMENT_group:
		return as_text(span, &a->group) &&
		    a->group.len <= a->relay->max_id_bytes;
	case ARGUMENT_type:
		return as_text(span, &a->type);
	case ARGUMENT_user:
		return as_text(span, &a->target) && a->target.len <= USER_BYTES;
	case ARGUMENT_message:
		a->message = span;
		return true;
	}
	return false;
}

/* read_args gives the name of the first argument that is not as it should
 * be, or NULL. */
static const char *
read_args(struct ask *a, struct text args, unsigned wants)
{
	struct text map = {.len = 0}, span;
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, args);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	if (count > 0 && unpack_peek(&u) == PACK_MAP &&
	    (wants & ARGUMENT_group) != 0 && unpack_raw(&u, &map) != OK)
		count = 0;
	for (size_t i = 0; i < COUNT_OF(argument_names); i++) {
		const char *name = argument_names[i].name;
		enum err e = ERR_MISSING;

		if ((wants & argument_names[i].bit) == 0)
			continue;
		if (map.len > 0)
			e = unpack_map_find(map, text_of(name), &span);
		else if (count > 0 && count-- > 0)
			e = unpack_raw(&u, &span);
		if (e != OK || !keep(a, argument_names[i].bit, span))
			return name;
	}
	return NULL;
}

static bool
read_hints(struct ask *a, struct text hints)
{
	uint64_t channel;

	if (hints.len == 0 ||
	    unpack_field_u64(hints, "client", &a->who.at.client) != OK ||
	    unpack_field_u64(hints, "channel", &channel) != OK ||
	    channel > UINT32_MAX ||
	    unpack_field_text(hints, "user", &a->who.user) != OK ||
	    a->who.user.len == 0 || a->who.user.len > USER_BYTES)
		return false;
	a->who.at.gateway = a->lane->gateway;
	a->who.at.channel = (uint32_t)channel;
	if (unpack_map_find(hints, TEXT("request_id"), &a->request_id) != OK)
		a->request_id.len = 0;
	return true;
}

static void
run(struct ask *a, const struct link_frame *frame)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const char *wrong;
		char text[96];

		if (!text_is(frame->function, operations[i].name))
			continue;
		wrong = read_args(a, frame->args, operations[i].wants);
		if (wrong == NULL) {
			relay_now(a->relay);
			operations[i].run(a);
			return;
		}
		snprintf(text, sizeof(text),
		    "%s: absent, empty, too long, or not text", wrong);
		ask_refuse(a, "invalid_argument", text);
		return;
	}
	ask_refuse(a, "not_found", "relay has no such function");
}

void
requests_take(struct relay *r, struct link_session *session,
    const struct link_frame *frame)
{
	struct ask a = {
	    .relay = r,
	    .lane = lanes_of_session(&r->lanes, session),
	    .call = frame->id,
	};

	r->began_us = loop_now_us(worker_loop(r->worker));
	if (text_is(frame->module, "relay") &&
	    text_is(frame->function, "attach")) {
		attach_take(r, session, frame);
	} else if (a.lane == NULL) {
		link_session_error(session, frame->id, TEXT("not_dispatched"),
		    TEXT("a gateway attaches first"));
	} else if (text_is(frame->module, "relay") &&
	    text_is(frame->function, "gone")) {
		attach_gone(r, a.lane, frame);
	} else if (text_is(frame->module, "relay") &&
	    text_is(frame->function, "roll")) {
		audit_take(r, a.lane, frame);
	} else if (!text_is(frame->module, "relay")) {
		ask_refuse(&a, "not_found", "this is relay");
	} else if (!read_hints(&a, frame->hints)) {
		ask_refuse(&a, "internal", "the gateway did not say who asks");
	} else {
		run(&a, frame);
	}
}
