// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_FIGURES_H
#define WORKERS_CONTROL_FIGURES_H

/*
 * figures - the counters of every process, told from shared memory without
 * asking any of them, and what has changed since they were last told.
 *
 * Trust:  our own shared memory; names come from the tables.
 * Owner:  what was told last is control's; it lives until the process ends.
 */

#include <stdint.h>

#include "protocol/census.h"
#include "protocol/function_look.h"

struct packer;
struct worker;

/* All counters at one moment; by slot, so that they survive a child's lives. */
struct figures_seen {
	uint64_t seen_ms; /* monotonic; 0: never */
	uint64_t cpu_us;
	uint64_t switches;
	uint64_t counters[STATS_SLOTS][COUNTERS];
};

/* figures.c */
void figures_take(struct figures_seen *, const struct census *);
void figures_pack_processes(struct packer *, const struct census *,
    const struct figures_seen *now, const struct figures_seen *before);

/* figures_totals: what all gateways counted of what functions count. */
void figures_totals(struct function_totals *, const struct census *,
    const struct figures_seen *);

/* What worker_pool said last, as it said it. */
struct figures_pools {
	char *bytes; /* NULL: never */
	uint32_t len;
};

/* figures_pools.c: the key `since_last` with a map of each pool's rises. */
void figures_pack_pools(
    struct packer *, struct text answer, const struct figures_pools *before);
void figures_keep_pools(struct figures_pools *, struct text answer);

/* figures_vm.c: the machine as the tree sees it, spec 11.2. */
void figures_pack_vm(struct packer *, const struct census *,
    const struct figures_seen *now, const struct figures_seen *before,
    struct worker *);
/* figures_pack_memory packs the key `memory`, for health as well. */
void figures_pack_memory(
    struct packer *, const struct census *, const struct worker *);
uint64_t figures_cpu_us(const struct census *);
uint64_t figures_switches(const struct census *);

/* figures_segment_bytes: what a shared segment takes of memory now. */
uint64_t figures_segment_bytes(const struct worker *, int fd);
/* figures_store_bytes: what a store takes on disk. */
uint64_t figures_store_bytes(const struct worker *, const char *folder);
uint64_t figures_tables(const struct worker *); /* of all of them */
/* figures_runners: resident memory of what worker_pool runs, as it last saw. */
uint64_t figures_runners(const struct census *);

#endif /* WORKERS_CONTROL_FIGURES_H */
