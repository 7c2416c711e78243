// SPDX-License-Identifier: MIT
/*
 * scaling_spawn - processes started to see how it goes: many trivial ones at
 * once, and one real worker, greeted over the runner protocol.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/proc.h"
#include "protocol/runner.h"
#include "supervisor/cli/scaling.h"

enum {
	READY_MS = 10000, /* a worker to say HELLO */
	ALL_MS = 30000,   /* all trivial processes together */
	LOOK_MS = 2,      /* between two looks whether one has ended */
	FRAME_BYTES = 4096,
};

static int
start(const char *program, char *const argv[], int socket, pid_t *pid)
{
	char *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	int problem;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
	    &actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(
	    &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (socket >= 0)
		posix_spawn_file_actions_adddup2(&actions, socket, RUNNER_FD);
	problem = posix_spawn(pid, program, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	return problem;
}

/* reap waits for one process; after `until_ms` it is killed. */
static bool
reap(pid_t pid, uint64_t until_ms)
{
	struct timespec look = {.tv_nsec = LOOK_MS * 1000000};
	bool is_killed = false;
	pid_t done;

	while ((done = waitpid(pid, NULL, WNOHANG)) == 0 ||
	    (done < 0 && errno == EINTR)) {
		if (!is_killed && clock_mono_ms() >= until_ms) {
			kill(pid, SIGKILL);
			is_killed = true;
		}
		nanosleep(&look, NULL);
	}
	return done == pid && !is_killed;
}

void
scaling_spawn_many(struct scaling_spawns *c)
{
	char name[] = "/bin/true";
	char *const argv[] = {name, NULL};
	pid_t pids[SCALING_SPAWNS];
	uint64_t began_us = clock_mono_us();
	uint64_t until_ms = clock_mono_ms() + ALL_MS;
	uint32_t count = 0;

	*c = (struct scaling_spawns){0};
	for (uint32_t i = 0; i < SCALING_SPAWNS; i++)
		if (start(name, argv, -1, &pids[count]) == 0)
			count++;
	for (uint32_t i = 0; i < count; i++)
		c->done += reap(pids[i], until_ms);
	c->failed = SCALING_SPAWNS - c->done;
	c->total_s = (double)(clock_mono_us() - began_us) / 1e6;
}

/* ---- a real worker ------------------------------------------------------- */

static bool
greet(int fd)
{
	struct runner_welcome welcome = {.pool = TEXT("diagnose"),
	    .runner = TEXT("diagnose/1"),
	    .threads = 1,
	    .max_bytes = RUNNER_MAX_BYTES};
	struct buffer bytes;
	struct packer p;
	size_t place;
	bool is_sent;

	buffer_init(&bytes, FRAME_BYTES);
	pack_init(&p, &bytes);
	place = runner_begin(&p);
	runner_write_welcome(&p, &welcome);
	is_sent = runner_end(&p, place, RUNNER_MAX_BYTES) == OK &&
	    fd_write_whole(fd, buffer_at(&bytes), buffer_used(&bytes)) == OK;
	buffer_finish(&bytes);
	return is_sent;
}

/* hear waits for HELLO; any other first frame is none. */
static bool
hear(int fd)
{
	uint64_t until_ms = clock_mono_ms() + READY_MS;
	uint8_t bytes[FRAME_BYTES];
	size_t have = 0;

	while (have < sizeof(bytes) && clock_mono_ms() < until_ms) {
		struct pollfd one = {.fd = fd, .events = POLLIN};
		struct runner_hello hello;
		struct link_frame frame;
		size_t whole;
		ssize_t n;

		if (poll(&one, 1, (int)(until_ms - clock_mono_ms())) <= 0)
			continue;
		n = read(fd, bytes + have, sizeof(bytes) - have);
		if (n <= 0)
			return false;
		have += (size_t)n;
		if (runner_read(bytes, have, sizeof(bytes), &frame, &whole) ==
		    OK)
			return frame.kind == FRAME_HELLO &&
			    runner_read_hello(frame.value, &hello) == OK;
	}
	return false;
}

struct census {
	struct scaling_limit descriptors, processes;
	struct scaling_sockets sockets;
};

static void
count(struct census *c)
{
	*c = (struct census){0};
	/* what cannot be read counts as nothing, before and after */
	(void)!scaling_descriptors(getpid(), &c->descriptors);
	(void)!scaling_processes(getpid(), &c->processes);
	(void)!scaling_sockets(&c->sockets);
}

static void
compare(struct scaling_start *s, const struct census *before, pid_t pid)
{
	struct census now;

	count(&now);
	s->descriptors =
	    (int64_t)(now.descriptors.used - before->descriptors.used);
	s->processes = (int64_t)(now.processes.used - before->processes.used);
	s->sockets =
	    (int64_t)(now.sockets.established - before->sockets.established);
	s->memory_mb = (double)proc_rss_bytes((int)pid) / (1024.0 * 1024.0);
}

static void
fail(struct scaling_start *s, const char *what, int problem)
{
	snprintf(s->reason, sizeof(s->reason), "%s%s%s", what,
	    problem != 0 ? ": " : "", problem != 0 ? strerror(problem) : "");
}

void
scaling_start_one(const char *program, struct scaling_start *s)
{
	char name[] = "native_runner", plugins[] = BANYAN_PLUGINS;
	char *const argv[] = {name, plugins, NULL};
	uint64_t began_us = clock_mono_us();
	struct census before;
	int pair[2], problem;
	pid_t pid;

	count(&before);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		fail(s, "no socket", errno);
		return;
	}
	problem = start(program, argv, pair[1], &pid);
	fd_close(&pair[1]);
	if (problem != 0) {
		fail(s, "the worker cannot be started", problem);
		fd_close(&pair[0]);
		return;
	}
	s->is_started = greet(pair[0]) && hear(pair[0]);
	s->took_ms = (double)(clock_mono_us() - began_us) / 1e3;
	if (s->is_started)
		compare(s, &before, pid);
	else
		fail(s, "the worker did not get ready", 0);
	fd_close(&pair[0]); /* it ends with its socket */
	(void)!reap(pid, clock_mono_ms() + READY_MS / 10);
}
