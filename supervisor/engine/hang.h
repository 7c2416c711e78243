// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_HANG_H
#define SUPERVISOR_ENGINE_HANG_H

/*
 * hang - tells a hung process from a busy, a starved and a stopped one.
 *
 * A process writes the time of each turn of its loop into shared memory; when
 * it has not for `beat_ms` we look at what the kernel knows of it. Pure: the
 * facts come as arguments (hang_read_facts reads them, the only part here that
 * touches /proc).
 *
 * Trust:  beat and lease were written by the child; a lease is cut at 60 s, so
 *         a mad one cannot buy itself for ever.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	HANG_LEASE_MOST_MS = 60000
};

enum hang_verdict {
	HANG_FINE,
	HANG_STARVED, /* wants the processor and does not get it: wait */
	HANG_STOPPED, /* state T: no signal but KILL will do */
	HANG_HUNG,    /* ask for a backtrace, then kill */
};

/* What a process writes about itself; monotonic milliseconds. */
struct hang_beat {
	uint64_t beat_ms;       /* its last turn; 0: never */
	uint64_t busy_until_ms; /* lease for a call that may block; 0: none */
};

/* What the kernel says about it. */
struct hang_facts {
	char state;          /* of /proc/PID/stat: R S D T t Z …; 0 unknown */
	uint64_t cpu_ns;     /* on a processor, ever */
	uint64_t waiting_ns; /* runnable but not running, ever */
};

/* What we remember between looks. */
struct hang {
	uint64_t floor_ms;      /* count no absence before this */
	uint64_t beat_ms;       /* the beat that `seen` belongs to */
	uint64_t seen_ms;       /* when `seen` was true */
	uint64_t judge_ms;      /* judged again then, not before */
	struct hang_facts seen; /* facts when that beat was first late-ish */
	uint64_t stopped_ms;    /* while starting: in state T since; 0: not */
	bool is_starved;        /* in this episode */
};

/* How to get the facts, when they are needed. */
struct hang_look {
	bool (*facts)(void *ctx, struct hang_facts *);
	void *ctx;
};

/* hang_reset: a new life, or our own absence: nothing before now counts. */
void hang_reset(struct hang *, uint64_t now_ms);

/*
 * hang_check judges the process at `now_ms`. It asks `look` for facts only
 * when the beat is older than half of `limit_ms`; a look that gives none (the
 * process is gone) is HANG_FINE, for its death will be told otherwise.
 */
enum hang_verdict hang_check(struct hang *, const struct hang_beat *,
    uint32_t limit_ms, uint64_t now_ms, struct hang_look);

/*
 * hang_check_start judges one that has not said READY and so has no pulse: it
 * may take its time, but one that stays in state T for half of `limit_ms` will
 * never be ready. It asks `look` first when half of the limit is over.
 */
enum hang_verdict hang_check_start(
    struct hang *, uint32_t limit_ms, uint64_t now_ms, struct hang_look);

/* hang_read_facts reads those of `pid` from /proc; false when it is gone. */
bool hang_read_facts(int pid, struct hang_facts *);

#endif /* SUPERVISOR_ENGINE_HANG_H */
