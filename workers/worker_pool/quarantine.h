// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_QUARANTINE_H
#define WORKERS_WORKER_POOL_QUARANTINE_H

/*
 * quarantine - calls that kill their runners are not given to any more.
 *
 * A call is known by its fingerprint: service, function, arguments. One that
 * was in flight at so many deaths in a row, and was never answered between
 * them, is refused for a while. Pure: the time comes as an argument.
 *
 * Trust:  names are strangers', cut to what is shown; the fingerprint is a
 *         hash nobody can aim at another's. A file that was written by
 *         another version or is damaged is taken for an empty one.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/pack.h"

enum {
	QUARANTINE_MOST = 256,     /* fingerprints refused; the oldest goes */
	QUARANTINE_SUSPECTS = 256, /* the same for those under suspicion */
	QUARANTINE_NAME = 64,
};

/* A call that was in flight when its runner died. */
struct quarantine_call {
	uint64_t fingerprint;
	struct text pool, service, function;
};

struct quarantine_entry {
	uint64_t fingerprint;
	uint64_t since_ms;
	uint64_t until_ms;
	uint32_t deaths;
	uint64_t refused; /* calls since */
	char pool[QUARANTINE_NAME];
	char service[QUARANTINE_NAME];
	char function[QUARANTINE_NAME];
};

struct quarantine_suspect {
	uint64_t fingerprint;
	uint64_t last_ms; /* of the last death */
	uint64_t death;   /* number of the last death */
	uint32_t deaths;
};

struct quarantine {
	uint64_t hold_ms; /* 0: nothing is quarantined */
	uint32_t deaths;  /* that it takes */
	uint64_t death;   /* deaths told */
	uint32_t count;
	uint32_t suspect_count;
	uint64_t changes; /* the file is stale when this has moved */
	struct quarantine_entry entries[QUARANTINE_MOST];
	struct quarantine_suspect suspects[QUARANTINE_SUSPECTS];
};

void quarantine_init(struct quarantine *, uint64_t hold_ms, uint32_t deaths);

/* quarantine_fingerprint is never 0. */
uint64_t quarantine_fingerprint(
    struct text service, struct text function, struct text args);

/* quarantine_refuses: count it as refused and say `quarantined`. */
bool quarantine_refuses(
    struct quarantine *, uint64_t fingerprint, uint64_t now_ms);

/*
 * quarantine_death tells what a runner had when it died by itself or hung;
 * deaths that we ordered are nobody's fault. Returns how many calls are
 * quarantined now that were not: they stand at the end of `entries`.
 */
uint32_t quarantine_death(struct quarantine *, const struct quarantine_call *,
    uint32_t count, uint64_t now_ms);

/* quarantine_answered: a runner survived it, so it is no suspect. */
void quarantine_answered(struct quarantine *, uint64_t fingerprint);

/* quarantine_expire forgets those whose time is over. */
void quarantine_expire(struct quarantine *, uint64_t now_ms);
bool quarantine_remove(struct quarantine *, uint64_t fingerprint);
uint32_t quarantine_clear(struct quarantine *);

/* The file: wall time, because it outlives the monotonic clock. */
void quarantine_write(const struct quarantine *, struct packer *,
    uint64_t now_ms, uint64_t wall_ms);
void quarantine_read(
    struct quarantine *, struct text file, uint64_t now_ms, uint64_t wall_ms);

#endif /* WORKERS_WORKER_POOL_QUARANTINE_H */
