// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * <runtime_dir>/banyand.lock is held (flock) by the guard and, through the
 * same open file, by its supervisor: a tree whose guard was killed keeps its
 * lock, so a second tree cannot start beside it. The file names both with
 * their start times. A new guard that finds the first dead and the second
 * alive takes port and segments from it, asks it to drain and stop, and goes
 * on when the lock is free.
 *
 * The state folder itself is locked too, by the guard alone: two trees with
 * run folders of their own must not write one function table.
 */

#include "supervisor/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/proc.h"

enum {
	ASK_MS = 15000,  /* TERM: it drains */
	HURRY_MS = 5000, /* INT, then KILL */
	LOCK_MS = 5000,
	STATE_LOCK_MS = 2000, /* the other one may just be ending */
};

struct holder {
	int pid;
	unsigned long long born; /* ticks since boot: pids are used again */
};

/* born_of gives the start time of a process, 0 when it is gone. */
static unsigned long long
born_of(int pid)
{
	struct proc_stat stat;

	if (pid <= 0 || !proc_stat(pid, &stat) || stat.state == 'Z')
		return 0;
	return stat.born_ticks;
}

static bool
is_alive(const struct holder *h)
{
	return h->born != 0 && born_of(h->pid) == h->born;
}

void
guard_lock_write(struct guard *g)
{
	char text[160];
	int n = snprintf(text, sizeof(text),
	    "guard %d %llu supervisor %d %llu\n", getpid(), born_of(getpid()),
	    g->supervisor.pid, born_of(g->supervisor.pid));

	if (pwrite(g->lock_fd, text, (size_t)n, 0) != n ||
	    ftruncate(g->lock_fd, n) < 0)
		event_note(EVENT_endpoints_unwritten, "file=banyand.lock");
}

static bool
read_holders(int fd, struct holder *guard, struct holder *supervisor)
{
	char text[160] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 &&
	    sscanf(text, "guard %d %llu supervisor %d %llu", &guard->pid,
		&guard->born, &supervisor->pid, &supervisor->born) == 4;
}

static bool
has_ended(int pidfd, int wait_ms)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};

	return poll(&wait, 1, wait_ms) > 0;
}

/* take_over asks the orphaned supervisor to leave; a fd of it cannot be a
 * stranger's: its start time is looked at again behind pidfd_open. */
static void
take_over(struct guard *g, const struct holder *supervisor)
{
	int pidfd = (int)syscall(SYS_pidfd_open, supervisor->pid, 0);

	if (pidfd < 0 || !is_alive(supervisor)) {
		fd_close(&pidfd);
		return;
	}
	event_note(EVENT_takeover, "supervisor=%d", supervisor->pid);
	guard_inherit(g, pidfd);
	spawn_signal(pidfd, SIGTERM);
	if (!has_ended(pidfd, ASK_MS)) {
		spawn_signal(pidfd, SIGINT);
		if (!has_ended(pidfd, HURRY_MS)) {
			spawn_signal(pidfd, SIGKILL);
			has_ended(pidfd, HURRY_MS);
		}
	}
	fd_close(&pidfd);
}

void
guard_lock(struct guard *g)
{
	struct holder guard = {0}, supervisor = {0};
	char path[GUARD_PATH + 16];
	uint64_t deadline_ms = clock_mono_ms() + LOCK_MS;

	snprintf(path, sizeof(path), "%s/banyand.lock", g->runtime_dir);
	g->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (g->lock_fd < 0)
		guard_fail(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	while (flock(g->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		bool is_known = read_holders(g->lock_fd, &guard, &supervisor);

		if (is_known && is_alive(&guard))
			guard_fail(EXIT_SYSTEM,
			    "already running as pid %d in %s; stop it with "
			    "`banyan shutdown` or choose another "
			    "--runtime-dir",
			    guard.pid, g->runtime_dir);
		if (is_known && is_alive(&supervisor)) {
			take_over(g, &supervisor);
			deadline_ms = clock_mono_ms() + LOCK_MS;
		} else if (clock_mono_ms() > deadline_ms) {
			guard_fail(EXIT_SYSTEM,
			    "%s is locked by a process that does not say who "
			    "it is; see `fuser %s`",
			    path, path);
		}
		poll(NULL, 0, 5); /* it is just ending */
	}
	guard_lock_write(g);
}

/* guard_lock_state needs no file of its own: it works on a full disk too. */
void
guard_lock_state(struct guard *g)
{
	uint64_t deadline_ms = clock_mono_ms() + STATE_LOCK_MS;

	g->state_fd = open(g->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->state_fd < 0)
		guard_fail(EXIT_SYSTEM, "state_dir %s: %s", g->state_dir,
		    strerror(errno));
	while (flock(g->state_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return; /* a file system without locks */
		if (clock_mono_ms() > deadline_ms)
			guard_fail(EXIT_SYSTEM,
			    "state_dir %s belongs to another running tree; "
			    "stop that one or choose another with --state-dir",
			    g->state_dir);
		poll(NULL, 0, 5);
	}
}
