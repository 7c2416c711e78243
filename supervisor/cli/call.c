// SPDX-License-Identifier: MIT
/*
 * call - a call as a stock Phoenix client makes it: join, push, then the
 * response's push and the phx_reply. Async and stream functions are followed
 * to their end, each part printed as it comes. With --follow the channel stays
 * open: lines typed are further calls, and what others push is printed too.
 *
 * Exit: 0 success, 1 the response is an error, 3 nobody there or no answer,
 * 77 denied.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "supervisor/cli/call.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	CALL_MS = 10000,
	PUSH_BYTES = 4 << 20
};

/* --- asking --- */

static enum err
send_request(struct call *call, const struct ask *ask)
{
	struct waiting *w = &call->waiting;
	struct buffer payload;
	struct packer p;

	*w = (struct waiting){.code = CLI_OK};
	snprintf(w->request_id, sizeof(w->request_id), "cli-%016llx-%u",
	    (unsigned long long)call->random, ++call->serial);
	buffer_init(&payload, PUSH_BYTES);
	pack_init(&p, &payload);
	pack_map(&p, ask->version.len > 0 ? 5 : 4);
	pack_string(&p, "service");
	pack_text(&p, ask->service);
	pack_string(&p, "request_type");
	pack_text(&p, ask->function);
	pack_string(&p, "request_id");
	pack_string(&p, w->request_id);
	pack_string(&p, "args");
	pack_raw(&p, ask->args);
	if (ask->version.len > 0) {
		pack_string(&p, "version");
		pack_text(&p, ask->version);
	}
	enum err e = pack_finish(&p);
	if (e == OK)
		e = talk_send(
		    &call->talk, call->event, buffer_text(&payload), &w->ref);
	buffer_finish(&payload);
	call->talk.wire.dial.until_ms = clock_mono_ms() + call->most_ms;
	return e;
}

/* --- what comes back --- */

static enum cli_exit
print_error(struct call *call, struct text payload)
{
	struct text code = show_text(payload, "code");

	snprintf(call->waiting.class, sizeof(call->waiting.class), "%.*s",
	    TEXT_ARG(code.len > 0 ? code : TEXT("error")));
	if (!call->is_quiet && !call->cli->wants_json)
		cli_complain(NULL, "%.*s%s%.*s%s",
		    TEXT_ARG(show_text(payload, "error")),
		    code.len > 0 ? " (" : "", TEXT_ARG(code),
		    code.len > 0 ? ")" : "");
	return text_is(code, "denied") ? CLI_DENIED : CLI_DEGRADED;
}

/*
 * print_push prints the whole object as JSON, or for people its result. They
 * are spared what only says that more follows, or that a stream is over.
 */
static enum cli_exit
print_push(struct call *call, struct text payload)
{
	bool is_part = show_bool(payload, "async");
	struct text result;

	if (call->cli->wants_json && !call->is_quiet)
		show_json(payload);
	if (!show_bool(payload, "success"))
		return print_error(call, payload);
	if (call->cli->wants_json || call->is_quiet ||
	    unpack_map_find(payload, TEXT("result"), &result) != OK)
		return CLI_OK;
	if (is_part && text_is(show_text(payload, "result"), "init") &&
	    !call->waiting.is_stream)
		return CLI_OK;
	if (is_part && result.len == 1 && *result.at == (char)0xc0)
		return CLI_OK;
	show_json(result);
	return CLI_OK;
}

static void
take_reply(struct call *call, const struct talk_frame *frame)
{
	struct waiting *w = &call->waiting;
	struct text response = show_text(frame->payload, "response");

	w->has_reply = true;
	w->is_refused = !text_is(show_text(frame->payload, "status"), "ok");
	if (!w->is_refused || w->has_response)
		return; /* the push has said it already */
	if (response.len == 0)
		response =
		    show_text(show_map(frame->payload, "response"), "reason");
	if (!call->is_quiet)
		cli_complain(NULL, "refused: %.*s", TEXT_ARG(response));
	snprintf(w->class, sizeof(w->class), "refused");
	w->code = CLI_DEGRADED;
}

static void
take_push(struct call *call, const struct talk_frame *frame)
{
	struct waiting *w = &call->waiting;
	struct text payload = frame->payload;
	bool is_async = show_bool(payload, "async");
	bool has_more = show_bool(payload, "has_more");

	if (!text_is(show_text(payload, "request_id"), w->request_id)) {
		if (call->follows)
			(void)print_push(call, payload);
		return;
	}
	/* a mere acknowledgement looks like the end of a stream */
	bool is_acknowledgement =
	    is_async && !has_more && !w->is_stream && !w->has_response;
	if (!is_acknowledgement)
		w->code = print_push(call, payload);
	w->is_stream |= has_more;
	w->is_final = !has_more && !is_acknowledgement;
	w->has_response = true;
	/* who sends parts is not late */
	call->talk.wire.dial.until_ms = clock_mono_ms() + call->most_ms;
}

/* is_done: a function of type `none` has a reply and no push at all. */
static bool
is_done(const struct waiting *w)
{
	return w->has_reply &&
	    (w->is_refused || !w->has_response || w->is_final);
}

enum err
call_take(struct call *call)
{
	struct talk_frame frame;
	enum err e = talk_receive(&call->talk, &frame);

	if (e != OK)
		return e;
	if (talk_is_ref(&frame, call->waiting.ref))
		take_reply(call, &frame);
	else if (text_eq(frame.event, call->event))
		take_push(call, &frame);
	else if (text_is(frame.event, "phx_error") ||
	    text_is(frame.event, "phx_close"))
		return ERR_CLOSED;
	return OK;
}

static enum err
await(struct call *call)
{
	enum err e = OK;

	while (e == OK && !is_done(&call->waiting))
		e = call_take(call);
	if (e == OK && !call->waiting.has_response &&
	    !call->waiting.is_refused && !call->cli->wants_json &&
	    !call->is_quiet)
		puts("accepted");
	return e;
}

enum cli_exit
call_failed(struct call *call, const char *at, enum err e)
{
	const char *why = call->talk.wire.dial.why[0] != '\0'
	    ? call->talk.wire.dial.why
	    : e == ERR_TIMEOUT ? "no answer in time"
			       : err_name(e);

	cli_complain(e == ERR_DENIED
		? "who are you? --token-file FILE; the gateway's log says why"
		: "`banyan health` and `banyan nodes` tell more",
	    "%s %.*s: %s", at, TEXT_ARG(call->url), why);
	return e == ERR_DENIED ? CLI_DENIED : CLI_UNREACHABLE;
}

/* --- the conversation --- */

static enum cli_exit
join(struct call *call)
{
	struct talk_frame frame;
	uint32_t ref;
	enum err e =
	    talk_send(&call->talk, TEXT("phx_join"), TEXT("\x80"), &ref);

	while (e == OK) {
		e = talk_receive(&call->talk, &frame);
		if (e == OK && talk_is_ref(&frame, ref))
			break;
	}
	if (e != OK)
		return call_failed(call, "no channel at", e);
	if (text_is(show_text(frame.payload, "status"), "ok"))
		return CLI_OK;
	cli_complain("name another: --topic TOPIC",
	    "the topic %.*s cannot be joined: %.*s", TEXT_ARG(call->topic),
	    TEXT_ARG(show_text(show_map(frame.payload, "response"), "reason")));
	return CLI_DEGRADED;
}

enum err
call_exchange(struct call *call, const struct ask *ask)
{
	enum err e = send_request(call, ask);

	return e == OK ? await(call) : e;
}

enum cli_exit
call_ask(struct call *call, const struct ask *ask)
{
	enum err e = call_exchange(call, ask);

	if (e != OK)
		return call_failed(call, "no response from", e);
	return call->waiting.code;
}

struct ask
call_ask_of(const struct call *call)
{
	struct ask ask = {.service = show_text(call->args, "service"),
	    .function = show_text(call->args, "function"),
	    .version = show_text(call->args, "version")};

	if (unpack_map_find(call->args, TEXT("json"), &ask.args) != OK)
		ask.args = TEXT("\x80");
	return ask;
}

static bool
read_timeout(struct call *call)
{
	struct text typed = show_text(call->args, "timeout");

	call->most_ms = CALL_MS;
	if (typed.len == 0 ||
	    (text_to_u64(typed, &call->most_ms) == OK && call->most_ms > 0))
		return true;
	cli_complain(
	    "--timeout 2000", "--timeout of a call is in milliseconds");
	return false;
}

enum cli_exit
call_prepare(struct call *call)
{
	if (!read_timeout(call) || !call_read_token(call, call->token))
		return CLI_USAGE;
	call->join_ms = call->most_ms;
	if (!call_choose_url(call))
		return CLI_UNREACHABLE;
	if (call_url_parse(call->url, &call->place) != OK) {
		cli_complain("--url ws://127.0.0.1:4000/socket",
		    "not an address to call: %.*s", TEXT_ARG(call->url));
		return CLI_USAGE;
	}
	call->place.token = call->token;
	call_choose_channel(call);
	if (getrandom(&call->random, sizeof(call->random), 0) !=
	    sizeof(call->random))
		call->random = clock_mono_ns();
	return CLI_OK;
}

enum cli_exit
call_ready(struct call *call)
{
	talk_init(&call->talk, call->topic);
	enum err e = call_wire_open(
	    &call->talk.wire, &call->place, clock_mono_ms() + call->join_ms);
	return e == OK ? join(call) : call_failed(call, "cannot connect to", e);
}

static enum cli_exit
run(struct call *call)
{
	enum cli_exit code = call_prepare(call);

	if (code != CLI_OK)
		return code;
	struct ask ask = call_ask_of(call);
	call->follows = show_bool(call->args, "follow");
	code = call_ready(call);
	if (code == CLI_OK) {
		code = call_ask(call, &ask);
		if (call->follows && code != CLI_UNREACHABLE)
			code = call_follow(call, code);
	}
	talk_finish(&call->talk);
	return code;
}

enum cli_exit
local_call(struct cli *cli)
{
	struct call call = {.cli = cli};
	struct buffer args;

	buffer_init(&args, PUSH_BYTES);
	enum cli_exit code = options_pack(cli, &args);
	call.args = buffer_text(&args);
	if (code == CLI_OK)
		code = run(&call);
	buffer_finish(&args);
	return code;
}
