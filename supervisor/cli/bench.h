// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_BENCH_H
#define SUPERVISOR_CLI_BENCH_H

/*
 * bench - what `banyan observe bench` makes of its calls: total, average, a
 * second, percentiles, and errors by their class.
 *
 * Pure: durations in, an answer out. Times are those of calls that got an
 * answer, good or bad; calls nobody answered are only counted.
 *
 * Trust:  classes are what a gateway says, bounded here.
 * Owner:  init/finish.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/pack.h"

enum {
	BENCH_CLASSES = 32, /* of errors; those behind them are "other" */
	BENCH_CLASS_BYTES = 48
};

struct bench_class {
	char name[BENCH_CLASS_BYTES];
	uint64_t count;
};

struct bench {
	uint64_t asked; /* calls that were to be made */
	uint64_t made;
	uint64_t answered; /* of them; so many are in took_ns */
	uint64_t failed;   /* answered with an error, or not at all */
	uint64_t elapsed_ns;
	uint64_t *took_ns;
	struct bench_class classes[BENCH_CLASSES + 1];
	uint32_t class_count;
};

void bench_init(struct bench *, uint64_t asked);
void bench_finish(struct bench *);

/* bench_add notes a call that was answered; `class` is empty for success. */
void bench_add(struct bench *, uint64_t took_ns, struct text class);

/* bench_lose notes a call that got no answer. */
void bench_lose(struct bench *, struct text class);

/* bench_pack packs one map; it sorts what was noted. */
void bench_pack(struct bench *, struct packer *);

#endif /* SUPERVISOR_CLI_BENCH_H */
