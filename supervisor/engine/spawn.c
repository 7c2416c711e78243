// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Everything that needs memory or formatting (environment, the text for
 * oom_score_adj, the record that tells of a failed exec) is made before the
 * fork. After it: dup2, prctl, setrlimit, sigaction, write, send, execve,
 * _exit and nothing else.
 *
 * Descriptors: first all are copied above 64, so that no dup2 lands on one
 * still needed; then close_range marks everything CLOEXEC; then dup2 puts the
 * chosen ones in place, which clears the mark. What was forgotten anywhere in
 * the parent cannot leak.
 */

#include "supervisor/engine/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"

enum {
	SPAWN_HIGH_FD = 64,
	SPAWN_EXEC_FAILED = 127
};

void
spawn_plan_bare(struct spawn_plan *p, const char *program)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->program, sizeof(p->program), "%s", program);
	p->arguments[p->argument_count++] = p->program;
}

/* is_passed_on: what a parent says to a child is not its own parent's word;
 * what turns diagnostics on is for the whole tree. */
static bool
is_passed_on(const char *entry)
{
	static const char debug[] = ENV_DEBUG_PREFIX;

	if (strncmp(entry, debug, sizeof(debug) - 1) == 0)
		return true;
	return strncmp(entry, "BANYAN_", 7) != 0 &&
	    strncmp(entry, "LISTEN_", 7) != 0 &&
	    strncmp(entry, "NOTIFY_SOCKET=", 14) != 0 &&
	    strncmp(entry, "WATCHDOG_", 9) != 0;
}

void
spawn_plan_init(struct spawn_plan *p, const char *program)
{
	spawn_plan_bare(p, program);
	for (char **at = environ; *at != NULL; at++)
		if (is_passed_on(*at) &&
		    p->environment_count < SPAWN_ENVIRONMENT - 16)
			p->environment[p->environment_count++] = *at;
}

bool
spawn_argument(struct spawn_plan *p, struct text argument)
{
	char *at = p->text + p->text_used;

	if (p->argument_count == SPAWN_ARGUMENTS ||
	    argument.len >= sizeof(p->text) - p->text_used)
		return false;
	memcpy(at, argument.at, argument.len);
	at[argument.len] = '\0';
	p->text_used += argument.len + 1;
	p->arguments[p->argument_count++] = at;
	return true;
}

bool
spawn_try_set(struct spawn_plan *p, const char *name, struct text value)
{
	char *at = p->text + p->text_used;
	size_t room = sizeof(p->text) - p->text_used;

	if (p->environment_count == SPAWN_ENVIRONMENT || value.len >= room)
		return false;
	int n = snprintf(at, room, "%s=%.*s", name, TEXT_ARG(value));
	if (n <= 0 || (size_t)n >= room)
		return false;
	p->text_used += (size_t)n + 1;
	p->environment[p->environment_count++] = at;
	return true;
}

void
spawn_set(struct spawn_plan *p, const char *name, const char *value)
{
	bool has_room = spawn_try_set(p, name, text_of(value));

	INVARIANT(has_room);
}

void
spawn_set_number(struct spawn_plan *p, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	spawn_set(p, name, text);
}

void
spawn_give(struct spawn_plan *p, int from, int to)
{
	if (from < 0)
		return;
	INVARIANT(p->fd_count < SPAWN_FDS);
	p->fds[p->fd_count++] = (struct spawn_fd){from, to};
}

/* place_fds runs in the child. */
static bool
place_fds(struct spawn_plan *p)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return false;
	for (uint32_t i = 0; i < p->fd_count; i++) {
		p->fds[i].from = fcntl(p->fds[i].from, F_DUPFD, SPAWN_HIGH_FD);
		if (p->fds[i].from < 0)
			return false;
	}
	if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return false;
	/* the channel comes last; a stranger's stays high and CLOEXEC */
	for (uint32_t i = 0; i < p->fd_count - p->is_stranger; i++)
		if (dup2(p->fds[i].from, p->fds[i].to) < 0)
			return false;
	return true;
}

static void
limit(const struct spawn_plan *p, int what, uint64_t value)
{
	struct rlimit now;

	if (getrlimit(what, &now) < 0)
		return;
	if (value > now.rlim_max)
		value = now.rlim_max;
	now.rlim_cur = value;
	if (p->is_stranger)
		now.rlim_max = value;
	setrlimit(what, &now);
}

static void
limit_all(const struct spawn_plan *p)
{
	limit(p, RLIMIT_CORE, p->core_bytes);
	if (p->open_files > 0)
		limit(p, RLIMIT_NOFILE, p->open_files);
	if (p->memory_bytes > 0)
		limit(p, RLIMIT_AS, p->memory_bytes);
	if (p->processes > 0)
		limit(p, RLIMIT_NPROC, p->processes);
}

/* adjust_oom: the kernel's choice of victim; needs privilege, else ignored. */
static void
adjust_oom(const char *text, size_t bytes)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = write(fd, text, bytes);
	(void)n;
	close(fd);
}

static void
reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* become is the child's whole life before exec: async-signal-safe only. */
static _Noreturn void
become(struct spawn_plan *p, struct handover_record *sorry, int parent,
    const char *oom)
{
	if (!p->keeps_group)
		setpgid(0, 0);
	if (!p->outlives_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(SPAWN_EXEC_FAILED); /* died before the prctl */
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	reset_signals();
	if (p->nice > 0)
		setpriority(PRIO_PROCESS, 0, (int)p->nice);
	adjust_oom(oom, strlen(oom));
	if (place_fds(p)) {
		limit_all(p); /* the copies went above a small limit */
		execve(p->program, p->arguments, p->environment);
	}
	sorry->a = (uint64_t)errno;
	send(p->is_stranger ? p->fds[p->fd_count - 1].from : FD_PARENT, sorry,
	    sizeof(*sorry), MSG_NOSIGNAL | MSG_DONTWAIT);
	_exit(SPAWN_EXEC_FAILED);
}

static int
fork_it(struct spawn_plan *p)
{
	struct handover_record sorry;
	char oom[16];
	int parent = getpid();

	handover_fill(&sorry, HANDOVER_UNSTARTED, "%s", p->program);
	snprintf(oom, sizeof(oom), "%d", (int)p->oom_adjust);
	int pid = fork();
	if (pid == 0)
		become(p, &sorry, parent, oom);
	return pid;
}

enum err
spawn_process(struct spawn_plan *p, struct spawned *out)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends) < 0)
		return ERR_SYSTEM;
	uint32_t count = p->fd_count;
	spawn_give(p, ends[1], FD_PARENT);
	int pid = fork_it(p);
	int saved_errno = errno;
	p->fd_count = count;
	fd_close(&ends[1]);
	if (pid < 0) {
		fd_close(&ends[0]);
		errno = saved_errno;
		return ERR_SYSTEM;
	}
	if (!p->keeps_group)
		setpgid(pid, pid); /* both sides: whoever is first */
	*out = (struct spawned){.pid = pid,
	    .pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
	    .channel = ends[0]};
	if (out->pidfd >= 0)
		return OK;
	saved_errno = errno;
	kill(pid, SIGKILL); /* ours and unreaped: the pid cannot be another's */
	fd_close(&out->channel);
	errno = saved_errno;
	return ERR_SYSTEM;
}

void
spawn_signal(int pidfd, int signal)
{
	syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
