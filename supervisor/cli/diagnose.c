// SPDX-License-Identifier: MIT
/*
 * diagnose - `banyan diagnose scaling`: measures one thing after the other.
 * A test that cannot be done says why, and the next one begins.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/scaling.h"
#include "supervisor/cli/show.h"

enum {
	PAGE_BYTES = 4 << 20,
	PROGRAM_PATH = 512,
};

struct diagnosis {
	struct cli *cli;
	struct scaling scaling;
	bool has_tree; /* it answers */
	int pool_pid;  /* of worker_pool; 0: it is not there */
	const char *listener;
};

/* find_pid looks for worker_pool in the tree. */
static int
find_pid(struct text child)
{
	struct unpacker u;
	struct text inner;
	uint32_t count = show_array(child, "children", &u);
	int pid = 0;

	if (text_is(show_text(child, "role"), "worker_pool"))
		return (int)show_u64(child, "pid");
	while (count-- > 0 && pid == 0 && unpack_raw(&u, &inner) == OK)
		pid = find_pid(inner);
	return pid;
}

static void
look_at_tree(struct diagnosis *d)
{
	struct reply reply;

	if (remote_ask(d->cli, "tree", TEXT("\x80"), &reply) != CLI_OK)
		return;
	d->has_tree = true;
	if (reply.is_ok)
		d->pool_pid = find_pid(reply.result);
	request_finish(&reply);
	if (remote_ask(d->cli, "endpoints", TEXT("\x80"), &reply) != CLI_OK)
		return;
	if (reply.is_ok)
		d->listener = arena_string(
		    &d->cli->arena, show_text(reply.result, "gateway"));
	request_finish(&reply);
}

static void
test_pools(struct diagnosis *d)
{
	struct reply reply;
	struct text args = TEXT("\x81\xa4"
				"full\xc3");

	scaling_begin(
	    &d->scaling, "pool_profile_analysis", "POOL PROFILE ANALYSIS");
	if (remote_ask(d->cli, "pools.inspect", args, &reply) != CLI_OK) {
		scaling_note(&d->scaling, SCALING_FAILED,
		    "the tree does not answer: is banyand running?");
		return;
	}
	if (reply.is_ok)
		scaling_tell_pools(&d->scaling, reply.result);
	else
		scaling_note(&d->scaling, SCALING_FAILED, "%.*s",
		    TEXT_ARG(reply.message));
	request_finish(&reply);
}

static int
watched_pid(const struct diagnosis *d)
{
	return d->pool_pid > 0 ? d->pool_pid : (int)getpid();
}

static void
say_whose(struct diagnosis *d)
{
	scaling_say(&d->scaling, "  %-26s%s", "Of:",
	    d->pool_pid > 0 ? "worker_pool"
			    : "this program: worker_pool is not there");
}

static void
test_descriptors(struct diagnosis *d)
{
	struct scaling_limit limit;

	scaling_begin(&d->scaling, "port_limits", "PORT (DESCRIPTOR) LIMITS");
	say_whose(d);
	if (scaling_descriptors(watched_pid(d), &limit))
		scaling_tell_descriptors(&d->scaling, &limit);
	else
		scaling_note(&d->scaling, SCALING_FAILED,
		    "/proc/%d cannot be read: run it as the user banyand "
		    "runs as",
		    watched_pid(d));
}

static void
test_processes(struct diagnosis *d)
{
	struct scaling_limit limit;

	scaling_begin(&d->scaling, "process_limits", "PROCESS LIMITS");
	if (scaling_processes(watched_pid(d), &limit))
		scaling_tell_processes(&d->scaling, &limit);
	else
		scaling_note(
		    &d->scaling, SCALING_FAILED, "/proc cannot be read");
}

static void
test_cycles(struct diagnosis *d)
{
	struct scaling_cycles cycles;

	scaling_begin(&d->scaling, "registry_contention",
	    "REGISTRY CONTENTION (FUNCTION TABLE)");
	if (!d->has_tree) {
		scaling_note(&d->scaling, SCALING_FAILED,
		    "the tree does not answer: is banyand running?");
		return;
	}
	scaling_cycle(d->cli, &cycles);
	scaling_tell_cycles(&d->scaling, &cycles);
}

static void
test_spawns(struct diagnosis *d, bool is_skipped)
{
	struct scaling_spawns spawns;

	scaling_begin(&d->scaling, "process_spawn_rate", "PROCESS SPAWN RATE");
	if (is_skipped) {
		scaling_note(&d->scaling, SCALING_SKIPPED, "--skip-spawn");
		return;
	}
	scaling_spawn_many(&spawns);
	scaling_tell_spawns(&d->scaling, &spawns);
}

static void
test_sockets(struct diagnosis *d)
{
	struct scaling_sockets sockets = {.listener = d->listener};
	struct scaling_limit limit;

	scaling_begin(&d->scaling, "connection_limits", "CONNECTION LIMITS");
	if (scaling_processes(watched_pid(d), &limit))
		sockets.workers = limit.own;
	(void)!scaling_sockets(&sockets); /* is_known has it */
	scaling_tell_sockets(&d->scaling, &sockets);
}

/* find_worker: native_runner stands beside worker_pool's program. */
static bool
find_worker(const struct diagnosis *d, char to[PROGRAM_PATH])
{
	char link[64], self[PROGRAM_PATH / 2];
	const char *told = getenv(ENV_LIBEXEC_DIR);
	ssize_t n;
	char *slash;

	if (d->pool_pid == 0 && told != NULL) {
		snprintf(to, PROGRAM_PATH, "%s/native_runner", told);
		return access(to, X_OK) == 0;
	}
	snprintf(link, sizeof(link), "/proc/%d/exe", watched_pid(d));
	n = readlink(link, self, sizeof(self) - 1);
	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	snprintf(to, PROGRAM_PATH, "%s%s/native_runner", self,
	    d->pool_pid > 0 ? "" : "/../libexec/banyan");
	return access(to, X_OK) == 0;
}

static void
test_breaking(struct diagnosis *d, bool is_skipped)
{
	static const uint32_t sizes[SCALING_SIZES] = {100, 250, 400, 500};
	struct scaling_breaking b = {.count = SCALING_SIZES};
	char program[PROGRAM_PATH];
	bool has_limits;

	scaling_begin(&d->scaling, "breaking_point", "BREAKING POINT");
	if (is_skipped) {
		scaling_note(&d->scaling, SCALING_SKIPPED, "--skip-spawn");
		return;
	}
	if (!find_worker(d, program)) {
		scaling_note(&d->scaling, SCALING_FAILED,
		    "native_runner is not where worker_pool is");
		return;
	}
	has_limits = scaling_descriptors(watched_pid(d), &b.descriptors) &&
	    scaling_processes(watched_pid(d), &b.processes);
	if (!has_limits)
		scaling_note(&d->scaling, SCALING_WARNING,
		    "limits could not be read: no projection");
	for (uint32_t i = 0; i < SCALING_SIZES; i++) {
		b.starts[i].workers = sizes[i];
		scaling_start_one(program, &b.starts[i]);
	}
	scaling_tell_breaking(&d->scaling, &b);
}

static bool
has_option(const struct cli *cli, const char *name)
{
	for (int i = 0; i < cli->argc; i++)
		if (strcmp(cli->argv[i], name) == 0)
			return true;
	return false;
}

static enum cli_exit
tell(struct diagnosis *d)
{
	struct buffer bytes, page;
	struct packer p;
	enum cli_exit code;

	buffer_init(&bytes, PAGE_BYTES);
	buffer_init(&page, PAGE_BYTES);
	pack_init(&p, &bytes);
	scaling_pack(&d->scaling, &p);
	INVARIANT(pack_finish(&p) == OK);
	if (d->cli->wants_json) {
		show_json(buffer_text(&bytes));
		code = show_exit_of("diagnose.scaling", buffer_text(&bytes));
	} else {
		struct view view = {.out = &page,
		    .arena = &d->cli->arena,
		    .has_colour = d->cli->wants_colour};

		code = show_scaling(&view, buffer_text(&bytes));
		(void)output_write(buffer_at(&page), buffer_used(&page));
	}
	buffer_finish(&bytes);
	buffer_finish(&page);
	return code;
}

enum cli_exit
local_scaling(struct cli *cli)
{
	struct diagnosis d = {.cli = cli};
	bool skips = has_option(cli, "--skip-spawn");
	struct buffer args;
	enum cli_exit code;

	buffer_init(&args, PAGE_BYTES);
	code = options_pack(cli, &args);
	buffer_finish(&args);
	if (code != CLI_OK)
		return code;
	signal(SIGPIPE, SIG_IGN);
	scaling_init(&d.scaling, &cli->arena);
	look_at_tree(&d);
	test_pools(&d);
	test_descriptors(&d);
	test_processes(&d);
	test_cycles(&d);
	test_spawns(&d, skips);
	test_sockets(&d);
	test_breaking(&d, skips);
	return tell(&d);
}
