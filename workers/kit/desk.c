// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The reply is built in one buffer: the head of an ok reply is written before
 * the handler runs and the handler packs its value behind it, so no result is
 * copied. A failure truncates and writes the other form.
 */

#include "workers/kit/desk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/json.h"
#include "protocol/mask.h"
#include "protocol/pack.h"
#include "protocol/sp.h"
#include "workers/kit/porch.h"
#include "workers/kit/inside.h"
#include "workers/kit/route_inside.h"

enum {
	DESKS_DEFAULT = 4,
	DESKS_MOST = 64,
	REPLY_SLACK = 1024,     /* for heads, under what a peer accepts */
	MESSAGE_NODES = 1 << 20 /* a batch of ten thousand functions */
};

struct desk {
	struct command command; /* first: a command is its desk */
	struct desks *desks;
	struct caller *caller; /* NULL when it has left */
	char header[SP_HOPS_BYTES];
	uint32_t header_bytes;
	struct arena arena;
	struct buffer reply; /* msgpack */
	struct packer packer;
	size_t head_bytes; /* of an ok reply, before the result */
	bool is_taken;
	uint64_t serial; /* of the request it has: a desk is used again */
	bool is_json;
	bool is_operators; /* a command, not a message */
	bool is_parked;
	bool is_answered; /* failed, or answered raw: no result is wanted */
	bool has_failed;
};

struct desks {
	struct worker *worker;
	struct porch *porch;
	uint32_t count;
	struct desk desk[];
};

static struct desk *
desk_of(struct command *command)
{
	return (struct desk *)(void *)command;
}

/* --- the way out --- */

static void
count_reply(struct desk *d)
{
	struct stats_slot *slot = d->desks->worker->slot;
	struct event_word op;

	if (!d->is_operators) {
		stats_add(slot, COUNTER_process_messages, 1);
		return;
	}
	stats_add(slot,
	    d->has_failed ? COUNTER_process_commands_failed
			  : COUNTER_process_commands,
	    1);
	event_note(d->has_failed ? EVENT_command_failed : EVENT_command,
	    "op=%s peer_uid=%u peer_pid=%u", event_word(&op, d->command.op),
	    d->command.peer_uid, d->command.peer_pid);
}

/* as_json turns the reply into a line of JSON; OK, or why it cannot be. */
static enum err
as_json(struct desk *d, struct buffer *out)
{
	enum err e = pack_to_json(buffer_text(&d->reply), out, NULL);

	return e == OK ? buffer_append(out, "\n", 1) : e;
}

/* send_bytes ends the request: the desk is free for the next one. */
static void
send_bytes(struct desk *d, struct text bytes)
{
	if (d->caller != NULL)
		porch_reply(d->caller,
		    (struct text){.at = d->header, .len = d->header_bytes},
		    bytes);
	buffer_truncate(&d->reply, 0);
	buffer_release(&d->reply);
	arena_reset(&d->arena);
	d->caller = NULL;
	d->is_taken = false;
}

static void
send_reply(struct desk *d)
{
	struct buffer json;
	enum err e = pack_finish(&d->packer);

	if (e != OK)
		command_fail(&d->command, CLASS_REFUSED,
		    "ask for less: a service, a limit",
		    "the answer is too big (%s)", err_name(e));
	else if (!d->is_answered && buffer_used(&d->reply) == d->head_bytes)
		pack_nil(&d->packer);
	count_reply(d);
	if (d->is_operators)
		mask_urls_pack(buffer_at(&d->reply), buffer_used(&d->reply));
	if (!d->is_json) {
		send_bytes(d, buffer_text(&d->reply));
		return;
	}
	buffer_init(&json, 2 * ENDPOINT_MOST_BYTES);
	e = as_json(d, &json);
	if (e != OK) {
		command_fail(&d->command, CLASS_INTERNAL, NULL,
		    "the answer cannot be told in JSON (%s)", err_name(e));
		buffer_truncate(&json, 0);
		e = as_json(d, &json);
	}
	INVARIANT(e == OK);
	send_bytes(d, buffer_text(&json));
	buffer_finish(&json);
}

static void
begin_reply(struct desk *d)
{
	buffer_truncate(&d->reply, 0);
	pack_init(&d->packer, &d->reply);
	pack_map(&d->packer, 2);
	pack_string(&d->packer, "ok");
	pack_bool(&d->packer, true);
	pack_string(&d->packer, "result");
	d->head_bytes = buffer_used(&d->reply);
}

void
command_fail(struct command *command, const char *class, const char *hint,
    const char *fmt, ...)
{
	struct desk *d = desk_of(command);
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	buffer_truncate(&d->reply, 0);
	pack_init(&d->packer, &d->reply);
	pack_map(&d->packer, 2);
	pack_string(&d->packer, "ok");
	pack_bool(&d->packer, false);
	pack_string(&d->packer, "error");
	pack_map(&d->packer, hint != NULL ? 3 : 2);
	pack_string(&d->packer, "class");
	pack_string(&d->packer, class);
	pack_string(&d->packer, "message");
	pack_string(&d->packer, message);
	if (hint != NULL) {
		pack_string(&d->packer, "hint");
		pack_string(&d->packer, hint);
	}
	d->is_answered = d->has_failed = true;
}

void
command_raw_reply(struct command *command, struct text reply)
{
	struct desk *d = desk_of(command);
	bool is_ok = false;

	buffer_truncate(&d->reply, 0);
	pack_init(&d->packer, &d->reply);
	pack_raw(&d->packer, reply);
	d->is_answered = true;
	d->has_failed = unpack_field_bool(reply, "ok", &is_ok) != OK || !is_ok;
}

void
command_park(struct command *command)
{
	desk_of(command)->is_parked = true;
}

void
command_finish(struct command *command)
{
	struct desk *d = desk_of(command);

	INVARIANT(d->is_taken);
	if (!d->is_parked)
		return; /* sent when its handler returns */
	d->is_parked = false;
	send_reply(d);
	porch_resume(d->desks->porch);
}

/* --- the way in --- */

/* open_envelope points the command at op and args of a checked request. */
static bool
open_envelope(struct desk *d, struct text request)
{
	struct command *command = &d->command;
	uint64_t version = 1;
	struct unpacker args;

	if (unpack_field_text(request, "op", &command->op) != OK) {
		command_fail(command, CLASS_INVALID, "send {\"op\":\"health\"}",
		    "a request is a map with a text `op`");
		return false;
	}
	if (unpack_field_u64(request, "v", &version) == OK && version != 1) {
		command_fail(command, CLASS_INVALID, "leave `v` out or send 1",
		    "this endpoint speaks version 1");
		return false;
	}
	if (unpack_map_find(request, TEXT("args"), &command->args) != OK)
		command->args = TEXT("\x80");
	unpack_init(&args, command->args);
	if (unpack_peek(&args) == PACK_NIL) {
		command->args = TEXT("\x80");
	} else if (unpack_peek(&args) != PACK_MAP) {
		command_fail(command, CLASS_INVALID,
		    "send \"args\":{\"role\":\"gateway\"}",
		    "`args` must be a map");
		return false;
	}
	return true;
}

/* take_request gives the request as checked msgpack, from either form. */
static bool
take_request(struct desk *d, struct text raw, struct text *request)
{
	const struct worker_spec *spec = d->desks->worker->spec;
	struct pack_limits limits = PACK_LIMITS;
	struct json_error error = {.what = ""};
	struct buffer packed;
	enum err e;

	d->is_json = spec->takes_json && raw.len > 0 && raw.at[0] == '{';
	if (!d->is_json) {
		limits.nodes = MESSAGE_NODES;
		e = pack_check(raw, limits);
		*request = arena_text(&d->arena, raw);
		if (e != OK)
			command_fail(&d->command, CLASS_INVALID, NULL,
			    "the request is not one msgpack value (%s)",
			    err_name(e));
		return e == OK;
	}
	buffer_init(&packed, ENDPOINT_MOST_BYTES);
	e = json_to_pack(raw, &packed, JSON_LIMITS, &error);
	*request = arena_text(&d->arena, buffer_text(&packed));
	buffer_finish(&packed);
	if (e != OK)
		command_fail(&d->command, CLASS_INVALID, NULL,
		    "the request is not valid JSON at byte %u: %s",
		    error.offset, error.what);
	return e == OK;
}

static void
answer(struct desk *d, struct text raw)
{
	struct worker *w = d->desks->worker;
	struct text request;
	uint64_t serial = ++d->serial;

	d->is_taken = true;
	d->is_parked = d->is_answered = d->has_failed = false;
	d->is_operators = true;
	d->command = (struct command){.worker = w,
	    .arena = &d->arena,
	    .result = &d->packer,
	    .peer_uid = porch_caller_uid(d->caller),
	    .peer_pid = porch_caller_pid(d->caller)};
	begin_reply(d);
	if (!take_request(d, raw, &request) || !open_envelope(d, request)) {
		stats_add(w->slot, COUNTER_process_messages_refused, 1);
		send_reply(d);
		return;
	}
	d->is_operators = route_run(w, &d->command);
	/* finished meanwhile, it may already serve somebody else */
	if (d->serial == serial && d->is_taken && !d->is_parked)
		send_reply(d);
}

/* --- the porch's events --- */

static bool
take(void *ctx, struct caller *caller, struct text header, struct text body)
{
	struct desks *desks = ctx;
	struct desk *d = NULL;

	for (uint32_t i = 0; i < desks->count && d == NULL; i++)
		if (!desks->desk[i].is_taken)
			d = &desks->desk[i];
	if (d == NULL)
		return false;
	d->caller = caller;
	memcpy(d->header, header.at, header.len);
	d->header_bytes = header.len;
	answer(d, body);
	return true;
}

/* caller_left: what it asked is still answered, into nothing. */
static void
caller_left(void *ctx, struct caller *caller)
{
	struct desks *desks = ctx;

	for (uint32_t i = 0; i < desks->count; i++)
		if (desks->desk[i].caller == caller)
			desks->desk[i].caller = NULL;
}

static void
note_stranger(void *ctx, uint32_t uid)
{
	struct desks *desks = ctx;

	stats_add(desks->worker->slot, COUNTER_process_messages_refused, 1);
	event_note(EVENT_message_refused,
	    "reason=\"another user knocked\" uid=%u", uid);
}

bool
desks_open(struct worker *w, const char *path, const char **why)
{
	uint32_t count = w->spec->contexts;

	if (count == 0)
		count = DESKS_DEFAULT;
	if (count > DESKS_MOST)
		count = DESKS_MOST;
	struct desks *desks =
	    memory_new(sizeof(*desks) + count * sizeof(desks->desk[0]));
	desks->worker = w;
	desks->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct desk *d = &desks->desk[i];

		d->desks = desks;
		arena_init(&d->arena);
		buffer_init(&d->reply, ENDPOINT_MOST_BYTES - REPLY_SLACK);
	}
	w->desks = desks;
	desks->porch = porch_open(w->loop, path,
	    &(struct porch_events){.ctx = desks,
		.request = take,
		.gone = caller_left,
		.stranger = note_stranger},
	    why);
	return desks->porch != NULL;
}

bool
desks_are_sending(const struct desks *desks)
{
	return porch_has_unsent(desks->porch);
}
