// SPDX-License-Identifier: MIT
/*
 * call - one call as a stock Phoenix client makes it: join, push, then the
 * response's push and the phx_reply. Async and stream functions are followed
 * to their end.
 *
 * Exit: 0 success, 1 the response is an error, 3 nobody there or no answer,
 * 77 denied.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "supervisor/cli/call_wire.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	CALL_MS = 10000,
	PUSH_BYTES = 4 << 20
};

struct call {
	struct cli *cli;
	struct text args; /* what was typed, packed */
	struct text url, topic, event;
	char request_id[40];
	struct call_wire wire;
	struct buffer response; /* msgpack of the last push for us */
	bool has_response;
	bool is_final; /* no push of this call is to follow */
	bool has_reply;
	bool is_refused; /* phx_reply says error */
	struct text refusal;
};

/* --- where and what --- */

/* ask_channel takes topic and event from the running gateway's settings. */
static void
ask_channel(struct call *call)
{
	struct cli *cli = call->cli;
	struct buffer args;
	struct packer p;
	struct reply reply;
	struct unpacker u;
	struct text first;

	buffer_init(&args, 256);
	pack_init(&p, &args);
	pack_map(&p, 1);
	pack_string(&p, "section");
	pack_string(&p, "gateway");
	if (remote_ask(cli, "settings.show", buffer_text(&args), &reply) ==
		CLI_OK &&
	    reply.is_ok) {
		struct text gateway = show_map(reply.result, "gateway");

		if (show_array(gateway, "channels", &u) > 0 &&
		    unpack_raw(&u, &first) == OK) {
			call->topic =
			    arena_text(&cli->arena, show_text(first, "topic"));
			call->event =
			    arena_text(&cli->arena, show_text(first, "event"));
		}
		request_finish(&reply);
	}
	buffer_finish(&args);
}

/* a wildcard stands for any room: "api:*" is joined as "api:lobby" */
static void
choose_channel(struct call *call)
{
	struct cli *cli = call->cli;
	struct text topic = show_text(call->args, "topic");
	struct text event = show_text(call->args, "event");

	call->topic = TEXT("api:lobby");
	call->event = TEXT("api");
	if (topic.len == 0 && event.len == 0 &&
	    show_text(call->args, "url").len == 0)
		ask_channel(call);
	if (topic.len > 0)
		call->topic = topic;
	if (event.len > 0)
		call->event = event;
	if (call->topic.len > 0 && call->topic.at[call->topic.len - 1] == '*')
		call->topic = arena_printf(&cli->arena, "%.*slobby",
		    (int)call->topic.len - 1, call->topic.at);
}

static bool
choose_url(struct call *call)
{
	struct cli *cli = call->cli;
	const char *folder;
	struct buffer packed;
	size_t bytes;

	call->url = show_text(call->args, "url");
	if (call->url.len > 0)
		return true;
	folder = remote_folder(cli);
	if (folder == NULL)
		return false;
	struct text path =
	    arena_printf(&cli->arena, "%s/endpoints.json", folder);
	char *text = arena_alloc(&cli->arena, 64 << 10);
	if (fd_read_file(path.at, text, 64 << 10, &bytes) != OK) {
		cli_complain("is banyand running? elsewhere: --runtime-dir "
			     "DIR, or --url ws://HOST:PORT/socket",
		    "no gateway known: %s cannot be read", path.at);
		return false;
	}
	buffer_init(&packed, 64 << 10);
	if (json_to_pack(text_of(text), &packed, JSON_LIMITS, NULL) == OK)
		call->url = arena_text(
		    &cli->arena, show_text(buffer_text(&packed), "gateway"));
	buffer_finish(&packed);
	return call->url.len > 0;
}

/* --- frames out --- */

static enum err
send_frame(
    struct call *call, const char *ref, struct text event, struct text payload)
{
	struct buffer packed;
	struct buffer json;
	struct packer p;

	buffer_init(&packed, PUSH_BYTES);
	buffer_init(&json, PUSH_BYTES);
	pack_init(&p, &packed);
	pack_array(&p, 5);
	pack_string(&p, "1");
	pack_string(&p, ref);
	pack_text(&p, call->topic);
	pack_text(&p, event);
	pack_raw(&p, payload);
	enum err e = pack_finish(&p);
	if (e == OK)
		e = pack_to_json(buffer_text(&packed), &json, NULL);
	if (e == OK)
		e = call_wire_send(&call->wire, buffer_text(&json));
	buffer_finish(&packed);
	buffer_finish(&json);
	return e;
}

static enum err
send_request(struct call *call)
{
	struct text version = show_text(call->args, "version");
	struct text args;
	struct buffer payload;
	struct packer p;

	if (unpack_map_find(call->args, TEXT("json"), &args) != OK)
		args = TEXT("\x80");
	buffer_init(&payload, PUSH_BYTES);
	pack_init(&p, &payload);
	pack_map(&p, version.len > 0 ? 5 : 4);
	pack_string(&p, "service");
	pack_text(&p, show_text(call->args, "service"));
	pack_string(&p, "request_type");
	pack_text(&p, show_text(call->args, "function"));
	pack_string(&p, "request_id");
	pack_string(&p, call->request_id);
	pack_string(&p, "args");
	pack_raw(&p, args);
	if (version.len > 0) {
		pack_string(&p, "version");
		pack_text(&p, version);
	}
	enum err e = pack_finish(&p);
	if (e == OK)
		e = send_frame(call, "2", call->event, buffer_text(&payload));
	buffer_finish(&payload);
	return e;
}

/* --- frames in --- */

struct frame {
	struct text ref, topic, event;
	struct text payload; /* msgpack */
};

/* read_frame gives the five parts of a V2 frame, packed into `bytes`. */
static enum err
read_frame(struct call *call, struct buffer *bytes, struct frame *frame)
{
	struct buffer message;
	struct unpacker u;
	uint32_t count;
	struct text skipped;

	buffer_init(&message, CALL_MESSAGE_BYTES);
	enum err e = call_wire_receive(&call->wire, &message);
	buffer_truncate(bytes, 0);
	if (e == OK)
		e = json_to_pack(buffer_text(&message), bytes,
		    (struct json_limits){
			CALL_MESSAGE_BYTES, JSON_DEPTH, JSON_NODES},
		    NULL);
	buffer_finish(&message);
	if (e != OK)
		return e;
	*frame = (struct frame){.ref = TEXT("")};
	unpack_init(&u, buffer_text(bytes));
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

static void
take_reply(struct call *call, const struct frame *frame)
{
	struct text response;

	call->has_reply = true;
	call->is_refused = !text_is(show_text(frame->payload, "status"), "ok");
	if (!call->is_refused)
		return;
	response = show_text(frame->payload, "response");
	if (response.len == 0)
		response =
		    show_text(show_map(frame->payload, "response"), "reason");
	call->refusal = arena_text(&call->cli->arena, response);
}

static void
take_push(struct call *call, const struct frame *frame)
{
	struct text payload = frame->payload;

	if (!text_is(show_text(payload, "request_id"), call->request_id))
		return;
	bool is_async = show_bool(payload, "async");
	bool has_more = show_bool(payload, "has_more");
	buffer_truncate(&call->response, 0);
	if (buffer_append_text(&call->response, payload) != OK)
		return;
	call->is_final = !is_async && !has_more;
	/* a stream ends with async and without more; so does a mere
	 * acknowledgement, which comes first */
	if (is_async && !has_more && call->has_response)
		call->is_final = true;
	call->has_response = true;
}

/* is_done: a function of type `none` has a reply and no push at all. */
static bool
is_done(const struct call *call)
{
	if (!call->has_reply)
		return false;
	return call->is_refused || !call->has_response || call->is_final;
}

static enum err
await(struct call *call, const char *ref, bool only_reply)
{
	struct buffer bytes;
	struct frame frame;
	enum err e = OK;

	buffer_init(&bytes, CALL_MESSAGE_BYTES);
	while (e == OK && !(only_reply ? call->has_reply : is_done(call))) {
		e = read_frame(call, &bytes, &frame);
		if (e != OK)
			break;
		if (text_is(frame.event, "phx_reply") &&
		    text_is(frame.ref, ref))
			take_reply(call, &frame);
		else if (text_eq(frame.event, call->event))
			take_push(call, &frame);
		else if (text_is(frame.event, "phx_error"))
			e = ERR_CLOSED;
	}
	buffer_finish(&bytes);
	return e;
}

/* --- the outcome --- */

static enum cli_exit
print_response(struct call *call)
{
	struct text response = buffer_text(&call->response);
	struct text result;
	struct text code = show_text(response, "code");
	bool is_success = show_bool(response, "success");

	if (call->cli->wants_json)
		show_json(response);
	else if (is_success &&
	    unpack_map_find(response, TEXT("result"), &result) == OK)
		show_json(result);
	if (is_success)
		return CLI_OK;
	if (!call->cli->wants_json)
		cli_complain(NULL, "%.*s%s%.*s%s",
		    TEXT_ARG(show_text(response, "error")),
		    code.len > 0 ? " (" : "", TEXT_ARG(code),
		    code.len > 0 ? ")" : "");
	return text_is(code, "denied") ? CLI_DENIED : CLI_DEGRADED;
}

static enum cli_exit
failed(struct call *call, const char *at, enum err e)
{
	const char *why = call->wire.why[0] != '\0' ? call->wire.why
	    : e == ERR_TIMEOUT                      ? "no answer in time"
						    : err_name(e);

	cli_complain("`banyan health` and `banyan nodes` tell more",
	    "%s %.*s: %s", at, TEXT_ARG(call->url), why);
	return CLI_UNREACHABLE;
}

static enum cli_exit
converse(struct call *call)
{
	enum err e = send_frame(call, "1", TEXT("phx_join"), TEXT("\x80"));

	if (e == OK)
		e = await(call, "1", true);
	if (e != OK)
		return failed(call, "no channel at", e);
	if (call->is_refused) {
		cli_complain("name another: --topic TOPIC",
		    "the topic %.*s cannot be joined: %.*s",
		    TEXT_ARG(call->topic), TEXT_ARG(call->refusal));
		return CLI_DEGRADED;
	}
	call->has_reply = call->has_response = false;
	e = send_request(call);
	if (e == OK)
		e = await(call, "2", false);
	if (e != OK)
		return failed(call, "no response from", e);
	if (call->has_response)
		return print_response(call);
	if (call->is_refused) {
		cli_complain(NULL, "refused: %.*s", TEXT_ARG(call->refusal));
		return CLI_DEGRADED;
	}
	if (!call->cli->wants_json)
		puts("accepted");
	return CLI_OK;
}

static enum cli_exit
run(struct call *call)
{
	struct call_url url;
	struct text typed = show_text(call->args, "timeout");
	uint64_t most_ms = CALL_MS;
	uint64_t random = 0;

	if (typed.len > 0 &&
	    (text_to_u64(typed, &most_ms) != OK || most_ms == 0)) {
		cli_complain(
		    "--timeout 2000", "--timeout of a call is in milliseconds");
		return CLI_USAGE;
	}
	if (!choose_url(call))
		return CLI_UNREACHABLE;
	if (call_url_parse(call->url, &url) != OK) {
		cli_complain("--url ws://127.0.0.1:4000/socket",
		    "not an address to call: %.*s", TEXT_ARG(call->url));
		return CLI_USAGE;
	}
	choose_channel(call);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = clock_mono_ns();
	snprintf(call->request_id, sizeof(call->request_id), "cli-%016llx",
	    (unsigned long long)random);
	buffer_init(&call->response, CALL_MESSAGE_BYTES);
	enum err e =
	    call_wire_open(&call->wire, &url, clock_mono_ms() + most_ms);
	enum cli_exit code =
	    e == OK ? converse(call) : failed(call, "cannot connect to", e);
	call_wire_close(&call->wire);
	buffer_finish(&call->response);
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
