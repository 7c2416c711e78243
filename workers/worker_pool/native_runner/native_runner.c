// SPDX-License-Identifier: MIT
/*
 * native_runner - runs the functions of plug-ins for a pool.
 *
 *	native_runner PATH…           as a pool's child, its socket on 3
 *	native_runner --check PATH…   loads, says what is there, and ends
 *
 * PATH is a plug-in, or a folder: then every *.so in it. Started by
 * worker_pool; protocol/service/plugin.h says how to write a plug-in.
 */

#include <string.h>
#include <sys/socket.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"
#include "workers/worker_pool/native_runner/native.h"

enum {
	EXIT_USAGE = 64,
};

static struct native native;

static void
load(struct plugins *plugins, char **paths)
{
	plugins_init(plugins);
	for (; *paths != NULL; paths++)
		if (!plugins_load(plugins, *paths))
			native_die(EXIT_SETTINGS, "%s", plugins->why);
}

static void
open_pool(struct native *n)
{
	int kind;
	socklen_t bytes = sizeof(kind);

	if (getsockopt(RUNNER_FD, SOL_SOCKET, SO_TYPE, &kind, &bytes) != 0 ||
	    kind != SOCK_STREAM || fd_set_cloexec(RUNNER_FD, true) != OK)
		native_die(EXIT_USAGE,
		    "descriptor %d is no pool's socket; a pool starts this "
		    "program, you may --check a plug-in with it",
		    RUNNER_FD);
	if (!native_open(n, RUNNER_FD))
		native_die(EXIT_SYSTEM, "eventfd is refused");
}

int
main(int argc, char **argv)
{
	struct native *n = &native;
	uint32_t threads;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && strcmp(argv[1], "--check") == 0) {
		load(&n->plugins, argv + 2);
		plugins_print(&n->plugins, stdout);
		return EXIT_ASKED;
	}
	if (argc < 2 || argv[1][0] == '-')
		native_die(EXIT_USAGE, "usage: native_runner [--check] PATH…");
	open_pool(n);
	load(&n->plugins, argv + 1);
	if (!plugins_start(&n->plugins))
		native_die(EXIT_SETTINGS, "%s", n->plugins.why);
	native_greet(n, &threads);
	if (!native_start(n, threads))
		native_die(EXIT_SYSTEM,
		    "%u threads are refused; a smaller max_threads or a "
		    "larger memory limit helps",
		    threads);
	native_flush(n);
	native_keep(n);
}
