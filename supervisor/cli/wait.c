// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/show.h"
#include "supervisor/cli/tree_lock.h"

enum {
	LOOK_MS = 20,
	PATIENCE_MS = 40000
};

static bool
is_op(const struct cli *cli, const char *op)
{
	return strcmp(cli->command->op, op) == 0;
}

/* find_control gives the life of control when it is up, else 0. */
static uint64_t
find_control(struct text node, uint32_t depth)
{
	struct unpacker u;
	uint32_t count = show_array(node, "children", &u);
	struct text child;
	uint64_t life = 0;

	if (text_is(show_text(node, "role"), "control"))
		return text_is(show_text(node, "state"), "up")
		    ? show_u64(node, "life")
		    : 0;
	for (uint32_t i = 0; i < count && depth > 0 && life == 0; i++)
		if (unpack_raw(&u, &child) == OK)
			life = find_control(child, depth - 1);
	return life;
}

/* ask_life asks quietly: nobody there is an expected answer here. */
static uint64_t
ask_life(struct cli *cli)
{
	char path[ENDPOINT_PATH];
	const char *folder = remote_folder(cli);
	struct reply reply;
	uint64_t life = 0;

	if (folder == NULL ||
	    endpoint_path(folder, ROLE_control, 0, path) != OK)
		return 0;
	if (request_ask(&(struct request){.path = path,
			    .op = "tree",
			    .args = TEXT("\x80"),
			    .timeout_ms = 1000},
		&reply) == OK &&
	    reply.is_ok)
		life = find_control(reply.result, 8);
	request_finish(&reply);
	return life;
}

void
wait_before(struct cli *cli, struct text args, struct wait *wait)
{
	struct text role = show_text(args, "role");
	const char *folder;

	*wait = (struct wait){.lock_fd = -1};
	if (is_op(cli, "shutdown") || (is_op(cli, "drain") && role.len == 0)) {
		wait->is_needed = wait->for_the_end = true;
		folder = remote_folder(cli);
		if (folder == NULL)
			return;
		wait->lock_fd = tree_lock_open(folder);
	} else if (is_op(cli, "restart") &&
	    (text_is(role, "control") || text_is(role, "supervisor"))) {
		wait->is_needed = true;
		wait->life = ask_life(cli);
	}
}

static bool
is_over(struct cli *cli, const struct wait *wait)
{
	if (!wait->for_the_end)
		return ask_life(cli) > wait->life;
	return !tree_lock_is_held(wait->lock_fd);
}

enum cli_exit
wait_after(struct cli *cli, struct wait *wait)
{
	uint64_t began_ms = clock_mono_ms();
	uint64_t most_ms = cli->timeout_ms > 0 ? cli->timeout_ms : PATIENCE_MS;
	bool shows = isatty(STDERR_FILENO) == 1;
	bool is_done = !wait->is_needed;
	struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};

	while (!is_done && clock_mono_ms() - began_ms < most_ms) {
		is_done = is_over(cli, wait);
		if (is_done)
			break;
		if (shows)
			fprintf(stderr, "\rwaiting … %.1f s ",
			    (double)(clock_mono_ms() - began_ms) / 1000);
		nanosleep(&pause, NULL);
	}
	if (shows && wait->is_needed)
		fprintf(stderr, "\r\x1b[K");
	fd_close(&wait->lock_fd);
	if (is_done)
		return CLI_OK;
	cli_complain("`banyan tree` shows where it is; --timeout SECONDS "
		     "waits longer",
	    "accepted, but not done within %.1f s", (double)most_ms / 1000);
	return CLI_UNHEALTHY;
}
