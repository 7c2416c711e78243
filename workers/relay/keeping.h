// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_KEEPING_H
#define WORKERS_RELAY_KEEPING_H

/*
 * keeping - the groups' way to the disk: what changes in a turn is committed
 * together, answers wait for it, and a disk that refuses or sleeps stops
 * nobody: then groups live in memory until it takes them again, all at once.
 *
 * Trust:  the disk may refuse, sleep, or give back what we did not write.
 * Owner:  the struct is the caller's (open/close).
 */

#include "protocol/base/loop.h"
#include "protocol/shelf_writer.h"
#include "workers/relay/groups.h"
#include "workers/relay/judge.h"

struct worker;

struct keeping {
	struct worker *worker;
	struct groups *groups;
	struct shelf *shelf; /* NULL: could not be opened; retried */
	struct shelf_writer writer;
	struct shelf_job job;
	struct buffer batch; /* changes since the job was given */
	void (*durable)(void *ctx);
	void *ctx;
	uint64_t since_ms; /* the job at work was given */
	uint32_t ticks;
	bool is_writing;
	bool is_loaded; /* what the disk had is in the table */
	bool is_degraded;
	bool wants_anew; /* changes were lost: all must be written again */
};

/*
 * keeping_open loads the groups. `durable` runs when the job at work has
 * ended, or will not for some time: nobody need wait any longer.
 */
void keeping_open(struct keeping *, struct worker *, struct groups *,
    void (*durable)(void *ctx), void *ctx);
void keeping_close(struct keeping *);

void keeping_note_group(struct keeping *, const struct group *, bool is_gone);
void keeping_note_member(struct keeping *, const struct member *, bool is_gone);

/* keeping_waits: answers should wait for the disk. */
bool keeping_waits(const struct keeping *);

/* keeping_commit starts a job if there is something and none is at work;
 * whether it did. */
bool keeping_commit(struct keeping *);

/*
 * keeping_compare holds what is stored against what we have, unless that is
 * more than `most` records: "compared", "too_many", "behind" (the disk has
 * not caught up with us, and will), or "unreadable".
 */
const char *keeping_compare(struct keeping *, uint32_t most, struct findings *);

/* keeping_write_anew: all groups are written again, with the next tick. */
void keeping_write_anew(struct keeping *);

/* keeping_tick, once a second. */
void keeping_tick(struct keeping *);

#endif /* WORKERS_RELAY_KEEPING_H */
