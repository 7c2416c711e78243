// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_SPAWN_H
#define SUPERVISOR_ENGINE_SPAWN_H

/*
 * spawn - makes one process: fork and exec, with nothing between them but
 * async-signal-safe calls, for the parent may be a library's host.
 *
 * The child leads a process group of its own, dies with its parent
 * (PR_SET_PDEATHSIG), gains no privileges, has default signals and an empty
 * mask, and holds exactly: standard input (null), output and error, its end of
 * the parent's channel at FD_PARENT, and the descriptors of the plan.
 *
 * A stranger (is_stranger) has no channel: what it finds at FD_PARENT is the
 * plan's.
 *
 * Trust:  program, arguments and environment come from our own tables and
 *         settings, never from a message.
 * Owner:  the plan is the caller's; pid, pidfd and channel become the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	SPAWN_FDS = 12,
	SPAWN_ARGUMENTS = 64,
	SPAWN_ENVIRONMENT = 272,
	SPAWN_TEXT = 32768 /* of arguments and environment */
};

struct spawn_fd {
	int from; /* -1: leave out */
	int to;   /* enum handover_fd */
};

struct spawn_plan {
	char program[512];
	char *arguments[SPAWN_ARGUMENTS + 1]; /* ends with NULL */
	char *environment[SPAWN_ENVIRONMENT + 1];
	struct spawn_fd fds[SPAWN_FDS];
	uint32_t fd_count;
	int32_t oom_adjust;    /* written always: ours is not to be inherited */
	uint64_t open_files;   /* RLIMIT_NOFILE; 0: leave */
	uint64_t memory_bytes; /* RLIMIT_AS; 0: leave */
	uint64_t core_bytes;   /* RLIMIT_CORE */
	uint32_t nice;         /* added to the niceness */
	bool outlives_us;      /* no PR_SET_PDEATHSIG (the supervisor) */
	uint64_t processes;    /* RLIMIT_NPROC; 0: leave */
	bool keeps_group;      /* stay in our process group (the supervisor) */
	/*
	 * Other people's program: our channel is closed by exec, so it can only
	 * tell that the exec failed, and FD_PARENT is free for the plan; limits
	 * cannot be raised again.
	 */
	bool is_stranger;

	char text[SPAWN_TEXT]; /* of spawn_set and spawn_argument */
	size_t text_used;
	uint32_t argument_count;
	uint32_t environment_count;
};

struct spawned {
	int pid;
	int pidfd;   /* CLOEXEC */
	int channel; /* our end: SEQPACKET, non-blocking, CLOEXEC */
};

/* spawn_plan_init starts from our own environment, BANYAN_ names left out. */
void spawn_plan_init(struct spawn_plan *, const char *program);
/* spawn_plan_bare starts from an empty environment. */
void spawn_plan_bare(struct spawn_plan *, const char *program);

/* spawn_argument and spawn_try_set copy; false: no room is left. */
bool spawn_argument(struct spawn_plan *, struct text) MUST_USE;
bool spawn_try_set(
    struct spawn_plan *, const char *name, struct text value) MUST_USE;

void spawn_set(struct spawn_plan *, const char *name, const char *value);
void spawn_set_number(struct spawn_plan *, const char *name, uint64_t value);
void spawn_give(struct spawn_plan *, int from, int to);

/*
 * spawn_process: ERR_SYSTEM when socketpair, fork or pidfd_open fail (errno).
 * An exec that fails is told over the channel: HANDOVER_UNSTARTED, a = errno.
 */
enum err spawn_process(struct spawn_plan *, struct spawned *) MUST_USE;

/* spawn_signal signals through the pidfd: never a stranger with an old pid. */
void spawn_signal(int pidfd, int signal);

#endif /* SUPERVISOR_ENGINE_SPAWN_H */
