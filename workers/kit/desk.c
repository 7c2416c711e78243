// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * nng calls back on its own threads. A callback here posts to the loop and
 * does nothing else, so a desk is touched by one thread only: the loop's.
 * One aio serves a desk for receiving and sending in turn.
 *
 * The reply is built in one buffer: the head of an ok reply is written before
 * the handler runs and the handler packs its value behind it, so no result is
 * copied. A failure truncates and writes the other form.
 */

#include "workers/kit/desk.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/buffer.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "workers/kit/inside.h"
#include "workers/kit/route_inside.h"

enum {
	DESKS_DEFAULT = 4,
	DESKS_MOST = 64,
	SEND_MS = 5000,         /* a peer that does not read loses its answer */
	REPLY_SLACK = 1024,     /* for heads, under what a peer accepts */
	MESSAGE_NODES = 1 << 20 /* a batch of ten thousand functions */
};

enum desk_state {
	DESK_RECEIVING,
	DESK_WORKING,
	DESK_SENDING,
	DESK_CLOSED
};

struct desk {
	struct command command; /* first: a command is its desk */
	struct desks *desks;
	enum desk_state state;
	nng_ctx ctx;
	nng_aio *aio;
	struct loop_post post;
	struct arena arena;
	struct buffer reply; /* msgpack */
	struct packer packer;
	size_t head_bytes; /* of an ok reply, before the result */
	bool is_json;
	bool is_operators; /* a command, not a message */
	bool is_parked;
	bool is_answered; /* failed, or answered raw: no result is wanted */
	bool has_failed;
};

struct desks {
	struct worker *worker;
	nng_socket socket;
	atomic_uint strangers; /* refused peers not yet counted */
	struct loop_post stranger_post;
	uint32_t count;
	struct desk desk[];
};

static struct desk *
desk_of(struct command *command)
{
	return (struct desk *)(void *)command;
}

static void
listen_again(struct desk *d)
{
	buffer_truncate(&d->reply, 0);
	buffer_release(&d->reply);
	arena_reset(&d->arena);
	d->state = DESK_RECEIVING;
	nng_aio_set_timeout(d->aio, NNG_DURATION_INFINITE);
	nng_ctx_recv(d->ctx, d->aio);
}

/* --- the way out --- */

static void
count_reply(struct desk *d)
{
	struct stats_slot *slot = d->desks->worker->slot;

	if (!d->is_operators)
		stats_add(slot, COUNTER_process_messages, 1);
	else if (d->has_failed)
		stats_add(slot, COUNTER_process_commands_failed, 1);
	else
		stats_add(slot, COUNTER_process_commands, 1);
}

/* as_json turns the reply into a line of JSON; OK, or why it cannot be. */
static enum err
as_json(struct desk *d, struct buffer *out)
{
	enum err e = pack_to_json(buffer_text(&d->reply), out, NULL);

	return e == OK ? buffer_append(out, "\n", 1) : e;
}

static void
send_bytes(struct desk *d, struct text bytes)
{
	nng_msg *message;

	if (nng_msg_alloc(&message, 0) != 0 ||
	    nng_msg_append(message, bytes.at, bytes.len) != 0)
		INVARIANT(!"memory for a reply");
	d->state = DESK_SENDING;
	nng_aio_set_msg(d->aio, message);
	nng_aio_set_timeout(d->aio, SEND_MS);
	nng_ctx_send(d->ctx, d->aio);
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

	INVARIANT(d->state == DESK_WORKING);
	if (d->is_parked)
		send_reply(d);
	d->is_parked = false;
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

/* name_peer asks nng, which asked the kernel, who sent this. */
static void
name_peer(struct command *command, nng_msg *message)
{
	nng_pipe pipe = nng_msg_get_pipe(message);
	uint64_t uid = 0;
	uint64_t pid = 0;

	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) == 0 &&
	    nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid) == 0) {
		command->peer_uid = (uint32_t)uid;
		command->peer_pid = (uint32_t)pid;
	}
}

static void
answer(struct desk *d, nng_msg *message)
{
	struct text raw = {
	    .at = nng_msg_body(message), .len = (uint32_t)nng_msg_len(message)};
	struct worker *w = d->desks->worker;
	struct text request;

	d->state = DESK_WORKING;
	d->is_parked = d->is_answered = d->has_failed = false;
	d->is_operators = true;
	d->command = (struct command){
	    .worker = w, .arena = &d->arena, .result = &d->packer};
	name_peer(&d->command, message);
	begin_reply(d);
	if (!take_request(d, raw, &request) || !open_envelope(d, request)) {
		stats_add(w->slot, COUNTER_process_messages_refused, 1);
		send_reply(d);
		return;
	}
	d->is_operators = route_run(w, &d->command);
	if (!d->is_parked && d->state == DESK_WORKING)
		send_reply(d);
}

static void
take_turn(void *ctx)
{
	struct desk *d = ctx;
	int failure = (int)nng_aio_result(d->aio);
	nng_msg *message;

	if (failure == NNG_ECLOSED) {
		d->state = DESK_CLOSED;
		return;
	}
	if (d->state == DESK_SENDING) {
		if (failure != 0)
			nng_msg_free(nng_aio_get_msg(d->aio));
		listen_again(d);
		return;
	}
	if (failure != 0) {
		listen_again(d);
		return;
	}
	message = nng_aio_get_msg(d->aio);
	answer(d, message);
	nng_msg_free(message);
}

/* --- the door --- */

/* aio_done and the next run on nng's threads: they only post. */
static void
aio_done(void *ctx)
{
	struct desk *d = ctx;

	loop_post(d->desks->worker->loop, &d->post);
}

static void
check_peer(nng_pipe pipe, nng_pipe_ev event, void *ctx)
{
	struct desks *desks = ctx;
	uint64_t uid = UINT64_MAX;

	(void)event;
	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) == 0 &&
	    (uid == geteuid() || uid == 0))
		return;
	nng_pipe_close(pipe);
	atomic_fetch_add(&desks->strangers, 1);
	loop_post(desks->worker->loop, &desks->stranger_post);
}

static void
note_strangers(void *ctx)
{
	struct desks *desks = ctx;
	unsigned count = atomic_exchange(&desks->strangers, 0);

	stats_add(desks->worker->slot, COUNTER_process_messages_refused, count);
	event_note(EVENT_message_refused,
	    "reason=\"another user knocked\" times=%u", count);
}

static int
open_desk(struct desks *desks, struct desk *d)
{
	int failure;

	d->desks = desks;
	arena_init(&d->arena);
	buffer_init(&d->reply, ENDPOINT_MOST_BYTES - REPLY_SLACK);
	d->post = (struct loop_post){.run = take_turn, .ctx = d};
	loop_post_register(desks->worker->loop, &d->post);
	failure = nng_ctx_open(&d->ctx, desks->socket);
	if (failure == 0)
		failure = nng_aio_alloc(&d->aio, aio_done, d);
	if (failure == 0)
		listen_again(d);
	return failure;
}

static int
open_door(struct desks *desks, const char *url)
{
	nng_listener listener;
	int failure = nng_rep0_open(&desks->socket);

	if (failure != 0)
		return failure;
	nng_pipe_notify(desks->socket, NNG_PIPE_EV_ADD_PRE, check_peer, desks);
	failure = nng_listener_create(&listener, desks->socket, url);
	if (failure == 0)
		failure = nng_listener_set_int(
		    listener, NNG_OPT_IPC_PERMISSIONS, 0600);
	if (failure == 0)
		failure = nng_listener_set_size(
		    listener, NNG_OPT_RECVMAXSZ, ENDPOINT_MOST_BYTES);
	for (uint32_t i = 0; i < desks->count && failure == 0; i++)
		failure = open_desk(desks, &desks->desk[i]);
	/* last: nobody may knock before the desks are manned */
	return failure == 0 ? nng_listener_start(listener, 0) : failure;
}

bool
desks_open(struct worker *w, const char *url, const char **why)
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
	desks->stranger_post =
	    (struct loop_post){.run = note_strangers, .ctx = desks};
	loop_post_register(w->loop, &desks->stranger_post);
	w->desks = desks;
	int failure = open_door(desks, url);
	*why = failure != 0 ? nng_strerror(failure) : NULL;
	return failure == 0;
}

bool
desks_are_sending(const struct desks *desks)
{
	for (uint32_t i = 0; i < desks->count; i++)
		if (desks->desk[i].state == DESK_SENDING)
			return true;
	return false;
}
