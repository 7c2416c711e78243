// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_GUARD_H
#define SUPERVISOR_GUARD_H

/*
 * guard - banyand: owns the listening socket and the segments, restarts the
 * supervisor, relays signals and systemd's datagrams, and nothing else.
 *
 * Whatever dies below, these stay; so the guard does as little as can be: it
 * parses nothing, allocates nothing after start, and speaks to one child.
 *
 * Trust:  command line and environment are the operator's; the file is read
 *         by another process.
 * Owner:  guard_main.c's static.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/handover.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "supervisor/engine/hang.h"
#include "supervisor/engine/spawn.h"

enum {
	GUARD_PATH = 512,
	GUARD_SEGMENTS = FD_ROUTES - FD_STATS + 1
};

struct guard {
	/* from the command line and the settings: guard_setup.c */
	bool is_check;
	char file[GUARD_PATH];
	char runtime_dir[GUARD_PATH], state_dir[GUARD_PATH];
	char libexec_dir[GUARD_PATH];
	char overrides[2048]; /* "key=value", one a line */
	int settings_fd;
	struct settings *settings; /* as first read: closed after set-up */
	uint64_t generation;
	uint64_t stop_budget_ms;

	/* what outlives all others */
	int state_fd; /* held, never read: the lock on state_dir */
	int lock_fd;
	int listen_fd;
	int monitor_fd;    /* the monitor's HTTP; -1: none */
	int prometheus_fd; /* /metrics on a port of its own; -1: none */
	int segments[GUARD_SEGMENTS]; /* FD_STATS … */
	struct stats stats;
	struct events events;
	struct stats_slot *slot;

	/* guard.c */
	struct loop *loop;
	struct loop_timer tick, again;
	struct loop_watch pidfd, channel;
	struct spawn_plan plan;
	struct spawned supervisor; /* pid 0: none */
	struct hang hang;
	DIR *proc; /* opened once: readdir needs no memory afterwards */
	uint64_t life;
	uint64_t started_ms, ticked_ms, died_ms;
	uint64_t kill_ms;    /* hung: KILL then; 0: not */
	uint64_t stop_by_ms; /* stopping: KILL then; 0: not */
	uint32_t failures;   /* deaths in a row, each soon after the start */
	bool is_stopping, is_clearing, was_ready, was_remade;
	int exit_code;
	int notify_fd;
	struct sockaddr_un notify;
	uint32_t notify_bytes;
};

/* guard_fail prints one line that says what to do, and exits. */
_Noreturn void guard_fail(int code, const char *fmt, ...) PRINTF(2, 3);

/* ---- guard_setup.c: all that may fail, before anything lives ---- */
void guard_arguments(struct guard *, int argc, char **argv);
void guard_read_settings(struct guard *);
void guard_folders(struct guard *);

/* ---- guard_lock.c: one tree per run folder ---- */
void guard_lock(struct guard *);
void guard_lock_state(struct guard *); /* one tree per state folder */
void guard_lock_write(struct guard *); /* who we are, for the next guard */

/* ---- guard_listen.c: the ports ---- */
void guard_listen(struct guard *); /* the clients' */

/*
 * guard_listen_monitor opens what operators read. A port in use is no reason
 * not to start: another is taken, with a warning.
 */
void guard_listen_monitor(struct guard *);
void guard_tell_monitor(const struct guard *); /* where it is, on stdout */

/* ---- guard_own.c: the segments ---- */
void guard_segments(struct guard *);
void guard_remake_segments(struct guard *);

/* guard_inherit takes port and segments of a tree whose guard is gone. */
void guard_inherit(struct guard *, int supervisor_pidfd);

/* ---- guard.c ---- */
int guard_run(struct guard *);

#endif /* SUPERVISOR_GUARD_H */
