// SPDX-License-Identifier: MIT
/* call_place - whom `banyan call` calls, on which channel, as whom. */

#include <string.h>

#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "protocol/pack.h"
#include "supervisor/cli/call.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/show.h"

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
void
call_choose_channel(struct call *call)
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

bool
call_choose_url(struct call *call)
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

bool
call_read_token(struct call *call, char token[CALL_TOKEN_BYTES])
{
	struct text name = show_text(call->args, "token_file");
	size_t bytes = 0;

	token[0] = '\0';
	if (name.len == 0)
		return true;
	const char *path = arena_string(&call->cli->arena, name);
	if (fd_read_file(path, token, CALL_TOKEN_BYTES, &bytes) != OK) {
		cli_complain(NULL, "%s cannot be read, or is over %d bytes",
		    path, CALL_TOKEN_BYTES - 1);
		return false;
	}
	token[strcspn(token, " \t\r\n")] = '\0';
	return true;
}
