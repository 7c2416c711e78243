// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * posix_spawn, since a fork without exec would abort in nng; the child gets
 * three descriptors and nothing else of ours (all are CLOEXEC). Its end is
 * seen at the pipe of its standard error: the end of file comes when it is
 * gone, or when it is killed at the deadline.
 */

#include "workers/monitor/file_check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/buffer.h"
#include "protocol/base/fd.h"
#include "protocol/base/loop.h"
#include "protocol/base/memory.h"
#include "protocol/handover.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"

enum {
	DEADLINE_MS = 5000,
	FRESH_MS = 1000,
	LINES_BYTES = 64 << 10,
	WAITING = 32,
	ARGUMENTS = 16,
};

struct waiter {
	void (*done)(void *ctx, const struct file_finding *);
	void *ctx;
};

struct file_check {
	struct monitor *monitor;
	struct loop *loop;
	int pid; /* 0: none runs */
	int channel;
	struct loop_watch errors; /* its standard error */
	struct loop_timer deadline;
	struct loop_timer again; /* tells a finding that is fresh */
	struct buffer lines;
	struct file_finding finding;
	struct settings *next;
	uint64_t found_ms; /* 0: never */
	struct waiter waiting[WAITING];
	uint32_t waiting_count;
};

static void
tell(struct file_check *c)
{
	struct waiter waiting[WAITING];
	uint32_t count = c->waiting_count;

	memcpy(waiting, c->waiting, count * sizeof(waiting[0]));
	c->waiting_count = 0;
	for (uint32_t i = 0; i < count; i++)
		waiting[i].done(waiting[i].ctx, &c->finding);
}

static void
tell_again(void *ctx)
{
	tell(ctx);
}

/* take_settings reads what the program handed over before it ended. */
static void
take_settings(struct file_check *c)
{
	struct handover_record record;
	int fd = -1;

	while (handover_receive(c->channel, &record, &fd) == OK) {
		if (record.kind == HANDOVER_SETTINGS_READ && fd >= 0) {
			settings_close(&c->next);
			if (settings_open(fd, &c->next) != OK)
				c->next = NULL;
		}
		fd_close(&fd);
	}
}

static void
is_over(struct file_check *c)
{
	int status = 0;

	loop_timer_stop(c->loop, &c->deadline);
	loop_watch_remove(c->loop, &c->errors);
	fd_close(&c->errors.fd);
	take_settings(c);
	fd_close(&c->channel);
	waitpid(c->pid, &status, 0); /* it has closed all it had: at once */
	c->pid = 0;
	c->found_ms = loop_now_ms(c->loop);
	c->finding = (struct file_finding){.is_read = WIFEXITED(status) &&
		(WEXITSTATUS(status) == EXIT_ASKED ||
		    WEXITSTATUS(status) == EXIT_SETTINGS),
	    .is_valid = WIFEXITED(status) &&
		WEXITSTATUS(status) == EXIT_ASKED && c->next != NULL,
	    .lines = buffer_text(&c->lines),
	    .next = c->next};
	tell(c);
}

static void
too_late(void *ctx)
{
	struct file_check *c = ctx;

	/* the end of file at its standard error follows */
	kill(c->pid, SIGKILL);
}

static void
errors_came(void *ctx, uint32_t events)
{
	struct file_check *c = ctx;
	char bytes[4096];
	ssize_t n;

	(void)events;
	while ((n = read(c->errors.fd, bytes, sizeof(bytes))) > 0)
		if (buffer_append(&c->lines, bytes, (size_t)n) != OK)
			continue; /* more than anybody reads */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		is_over(c);
}

/* --- starting it --- */

static size_t
add_overrides(char **arguments, size_t at, char *lines)
{
	char *rest = lines;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (line[0] != '\0' && at < ARGUMENTS - 1)
			arguments[at++] = line;
	arguments[at] = NULL;
	return at;
}

static int
spawn_with(const char *program, char **arguments, int channel, int errors)
{
	posix_spawn_file_actions_t actions;
	int pid = 0, failure;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(
	    &actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, channel, FD_PARENT);
	failure =
	    posix_spawn(&pid, program, &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	errno = failure;
	return failure == 0 ? pid : -1;
}

static enum err
start(struct file_check *c)
{
	const char *libexec = getenv(ENV_LIBEXEC_DIR), *file = getenv(ENV_FILE);
	const char *overrides = getenv(ENV_OVERRIDES);
	char program[512], path[512], lines[2048];
	char *arguments[ARGUMENTS] = {program, path};
	int ends[2] = {-1, -1}, errors[2] = {-1, -1};

	if (libexec == NULL || file == NULL)
		return ERR_MISSING;
	snprintf(program, sizeof(program), "%s/settings", libexec);
	snprintf(path, sizeof(path), "%s", file);
	snprintf(
	    lines, sizeof(lines), "%s", overrides != NULL ? overrides : "");
	add_overrides(arguments, 2, lines);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends) < 0 ||
	    pipe2(errors, O_CLOEXEC) < 0)
		c->pid = -1;
	else
		c->pid = spawn_with(program, arguments, ends[1], errors[1]);
	fd_close(&ends[1]);
	fd_close(&errors[1]);
	c->channel = ends[0];
	c->errors.fd = errors[0];
	if (c->pid > 0 && fd_set_nonblocking(errors[0]) == OK &&
	    loop_watch_add(c->loop, &c->errors, EPOLLIN) == OK)
		return OK;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	fd_close(&c->channel);
	fd_close(&c->errors.fd);
	return ERR_SYSTEM;
}

static void
begin(struct file_check *c)
{
	uint64_t now_ms = loop_now_ms(c->loop);

	buffer_truncate(&c->lines, 0);
	settings_close(&c->next);
	if (start(c) == OK) {
		loop_timer_start(c->loop, &c->deadline, now_ms + DEADLINE_MS);
		return;
	}
	if (buffer_printf(&c->lines, "the settings program cannot run: %s\n",
		strerror(errno)) != OK)
		buffer_truncate(&c->lines, 0);
	c->found_ms = now_ms;
	c->finding = (struct file_finding){.lines = buffer_text(&c->lines)};
	loop_timer_start(c->loop, &c->again, now_ms);
}

bool
file_check_ask(struct file_check *c,
    void (*done)(void *ctx, const struct file_finding *), void *ctx)
{
	uint64_t now_ms = loop_now_ms(c->loop);

	if (c->waiting_count == WAITING)
		return false;
	c->waiting[c->waiting_count++] = (struct waiter){done, ctx};
	if (c->pid > 0 || c->again.slot != 0)
		return true; /* a finding is on its way */
	if (c->found_ms != 0 && now_ms - c->found_ms < FRESH_MS)
		loop_timer_start(c->loop, &c->again, now_ms);
	else
		begin(c);
	return true;
}

struct file_check *
file_check_create(struct monitor *monitor)
{
	struct file_check *c = MEMORY_NEW(struct file_check);

	c->monitor = monitor;
	c->loop = worker_loop(monitor->worker);
	c->channel = c->errors.fd = -1;
	c->errors.ready = errors_came;
	c->errors.ctx = c;
	c->deadline = (struct loop_timer){.due = too_late, .ctx = c};
	c->again = (struct loop_timer){.due = tell_again, .ctx = c};
	buffer_init(&c->lines, LINES_BYTES);
	return c;
}

void
file_check_destroy(struct file_check **check)
{
	struct file_check *c = *check;

	if (c == NULL)
		return;
	loop_timer_stop(c->loop, &c->again);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		c->waiting_count = 0;
		is_over(c);
	}
	settings_close(&c->next);
	buffer_finish(&c->lines);
	memory_free(c);
	*check = NULL;
}
