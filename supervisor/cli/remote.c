// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/actions.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/json_out.h"
#include "supervisor/cli/again.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/show.h"
#include "supervisor/cli/tree_lock.h"

enum {
	READ_MS = 10000,
	CHANGE_MS = 40000, /* control answers after 25 s at the latest */
	ASK_AGAIN_MS = 20,
	BETWEEN_LIVES_MS = 500,
	ARGS_BYTES = 4 << 20,
	PAGE_BYTES = 64 << 20
};

const char *
remote_folder(struct cli *cli)
{
	char *folder = arena_alloc(&cli->arena, ENDPOINT_RUNTIME_DIR + 1);
	enum err e = endpoint_runtime_dir(
	    cli->runtime_dir, NULL, folder, ENDPOINT_RUNTIME_DIR + 1);

	if (e == OK)
		return folder;
	cli_complain("name it: --runtime-dir DIR, or $BANYAN_RUNTIME_DIR",
	    e == ERR_MISSING ? "where does banyand run? $XDG_RUNTIME_DIR is "
			       "not set"
			     : "the run folder is longer than 80 bytes");
	return NULL;
}

static enum cli_exit
complain_unreachable(const char *path, enum err e, bool was_change)
{
	switch ((int)e) {
	case ERR_DENIED:
		cli_complain("run it as the user banyand runs as, or as root",
		    "not permitted: %s belongs to somebody else", path);
		return CLI_DENIED;
	case ERR_NOT_FOUND:
		cli_complain("is banyand running? start it: `banyand FILE`; "
			     "elsewhere: --runtime-dir DIR",
		    "cannot connect: nobody listens at %s", path);
		return CLI_UNREACHABLE;
	case ERR_TIMEOUT:
		cli_complain("ask for longer: --timeout SECONDS",
		    "no answer in time from %s", path);
		return CLI_UNREACHABLE;
	case ERR_CLOSED:
		cli_complain(was_change ? "it may have been done: look with "
					  "`banyan tree`"
					: "try again",
		    "control went away before it answered");
		return CLI_UNREACHABLE;
	default:
		cli_complain(NULL, "%s does not answer as banyan would (%s)",
		    path, err_name(e));
		return CLI_UNREACHABLE;
	}
}

static void
nap(uint32_t ms)
{
	struct timespec span = {
	    .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&span, NULL);
}

static bool
tree_lives(const char *folder)
{
	int fd = tree_lock_open(folder);
	bool lives = tree_lock_is_held(fd);

	fd_close(&fd);
	return lives;
}

/*
 * may_ask_again: control died under a question that only reads, and its next
 * life knows the answer, too; or nobody listens though the tree lives, which
 * is what the moment between two lives looks like. `heard_ms` is when somebody
 * was there last, or when we began.
 */
static bool
may_ask_again(enum err e, const char *folder, bool is_change, uint64_t heard_ms)
{
	if (e == ERR_NOT_FOUND)
		return clock_mono_ms() - heard_ms < BETWEEN_LIVES_MS &&
		    tree_lives(folder);
	return e == ERR_CLOSED && !is_change;
}

/* show_progress is for a person who wonders whether anything happens. */
static void
show_progress(uint64_t waited_ms)
{
	if (isatty(STDERR_FILENO) == 1)
		fprintf(stderr, "\rwaiting … %.1f s \x1b[K",
		    (double)waited_ms / 1000);
}

static void
end_progress(void)
{
	if (isatty(STDERR_FILENO) == 1)
		fputs("\r\x1b[K", stderr);
}

enum cli_exit
remote_ask(
    struct cli *cli, const char *op, struct text args, struct reply *reply)
{
	const struct command_info *info = command_find(text_of(op));
	bool is_change = info != NULL &&
	    (info->who == COMMAND_ADMIN || action_is_change(text_of(op), args));
	uint32_t timeout_ms = is_change ? CHANGE_MS : READ_MS;
	char path[ENDPOINT_PATH];
	const char *folder = remote_folder(cli);
	enum err e;

	if (folder == NULL ||
	    endpoint_path(folder, ROLE_control, 0, path) != OK)
		return CLI_USAGE;
	if (cli->timeout_ms > 0)
		timeout_ms = cli->timeout_ms;
	uint64_t heard_ms = clock_mono_ms();
	uint64_t until_ms = heard_ms + timeout_ms;
	do {
		e = request_ask(&(struct request){.path = path,
				    .op = op,
				    .args = args,
				    .timeout_ms = timeout_ms,
				    .waiting = show_progress},
		    reply);
		end_progress();
		if (e == OK)
			return CLI_OK;
		request_finish(reply);
		if (e != ERR_NOT_FOUND)
			heard_ms = clock_mono_ms();
		if (!may_ask_again(e, folder, is_change, heard_ms))
			break;
		nap(ASK_AGAIN_MS);
	} while (clock_mono_ms() < until_ms);
	return complain_unreachable(path, e, is_change);
}

/* --- what an error answer means for whoever scripts us --- */

static enum cli_exit
exit_of_error(const struct cli *cli, const struct reply *reply)
{
	static const struct {
		const char *class;
		enum cli_exit code;
	} codes[] = {{"not_found", CLI_DEGRADED}, {"exists", CLI_DEGRADED},
	    {"refused", CLI_DEGRADED}, {"invalid", CLI_USAGE},
	    {"denied", CLI_DENIED}};

	if (strcmp(cli->command->op, "reload") == 0 &&
	    text_is(reply->class, "invalid"))
		return CLI_SETTINGS;
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		if (text_is(reply->class, codes[i].class))
			return codes[i].code;
	return CLI_UNHEALTHY;
}

static enum cli_exit
print_error(struct cli *cli, const struct reply *reply)
{
	if (cli->wants_json)
		show_json(buffer_text(&reply->bytes));
	cli_complain(arena_string(&cli->arena, reply->hint), "%.*s",
	    TEXT_ARG(reply->message));
	return exit_of_error(cli, reply);
}

/* --- one page --- */

static enum cli_exit
print_page(struct cli *cli, struct text result, struct buffer *page)
{
	struct view view = {
	    .out = page, .arena = &cli->arena, .has_colour = cli->wants_colour};
	const char *op = cli->command->op;
	enum cli_exit code = show_exit_of(op, result);

	if (!cli->wants_json)
		return show_page_of(op)(&view, result);
	if (pack_to_json(result, page, NULL) != OK ||
	    buffer_append(page, "\n", 1) != OK) {
		cli_complain(NULL, "the answer cannot be told in JSON");
		return CLI_UNHEALTHY;
	}
	return code;
}

/*
 * write_page: a reader that went away (`banyan tree | head`) is no error.
 * On a terminal a watched page is drawn over the last one.
 */
static void
write_page(const struct cli *cli, const struct buffer *page)
{
	static const char home[] = "\x1b[H\x1b[2J";

	if (cli->watch_ms > 0 && !cli->wants_json && isatty(STDOUT_FILENO) &&
	    !output_write(home, sizeof(home) - 1))
		return;
	output_write(buffer_at(page), buffer_used(page));
}

enum cli_exit
remote_print(struct cli *cli, struct text result)
{
	struct buffer page;

	buffer_init(&page, PAGE_BYTES);
	enum cli_exit code = print_page(cli, result, &page);
	write_page(cli, &page);
	buffer_finish(&page);
	return code;
}

static enum cli_exit
ask_and_print(struct cli *cli, const void *ctx)
{
	const struct text args = *(const struct text *)ctx;
	struct reply reply;
	enum cli_exit code = remote_ask(cli, cli->command->op, args, &reply);

	if (code != CLI_OK)
		return code;
	code = reply.is_ok ? remote_print(cli, reply.result)
			   : print_error(cli, &reply);
	request_finish(&reply);
	return code;
}

static enum cli_exit
watch(struct cli *cli, struct text args)
{
	if (cli->command->who != COMMAND_READER ||
	    action_is_change(text_of(cli->command->op), args)) {
		cli_complain(NULL, "--watch is for commands that only look");
		return CLI_USAGE;
	}
	return again_run(cli, cli->watch_ms, ask_and_print, &args);
}

enum cli_exit
remote_run(struct cli *cli)
{
	struct buffer args;
	struct wait wait;

	signal(SIGPIPE, SIG_IGN);
	buffer_init(&args, ARGS_BYTES);
	enum cli_exit code = options_pack(cli, &args);
	if (code != CLI_OK) {
		buffer_finish(&args);
		return code;
	}
	if (cli->watch_ms > 0) {
		code = watch(cli, buffer_text(&args));
	} else {
		const struct text packed = buffer_text(&args);

		wait_before(cli, packed, &wait);
		code = ask_and_print(cli, &packed);
		if (code == CLI_OK)
			code = wait_after(cli, &wait);
	}
	buffer_finish(&args);
	return code;
}
