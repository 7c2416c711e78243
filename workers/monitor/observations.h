// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_OBSERVATIONS_H
#define WORKERS_MONITOR_OBSERVATIONS_H

/*
 * observations - what operators have looked at again and again: targets, when
 * each is due, and the newest points of each.
 *
 * Pure: the time is an argument, points were packed by whoever took them.
 *
 * Trust:  ids are typed by operators; they are only compared.
 * Owner:  init/finish; points are copies.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

#define OBSERVE_TARGETS(O) \
	O(system_metrics)  /* processor, load, memory, disk of the machine */ \
	O(process_metrics) /* each process: memory, processor time */ \
	O(memory_usage)    /* the machine's memory and the tree's part of it */

enum observe_target {
#define O(name) OBSERVE_##name,
	OBSERVE_TARGETS(O)
#undef O
	OBSERVE_TARGET_COUNT
};

enum {
	OBSERVATIONS = 16,         /* at a time */
	OBSERVE_POINTS = 600,      /* kept of each */
	OBSERVE_BYTES = 256 << 10, /* … and at most so many bytes */
	OBSERVE_ID = 24
};

struct observation {
	uint64_t number; /* of obs_N; 0: this place is free */
	enum observe_target target;
	uint64_t interval_ms;
	uint64_t started_ms, due_ms; /* monotonic */
	uint64_t taken;              /* points ever */
	uint32_t count;              /* points kept */
	struct buffer points;        /* each: its length, its bytes */
};

struct observations {
	struct observation at[OBSERVATIONS];
	uint64_t last; /* number given */
};

void observations_finish(struct observations *);

const char *observe_target_name(enum observe_target);

/* observe_target_find gives OBSERVE_TARGET_COUNT for another word. */
enum observe_target observe_target_find(struct text);

/* observations_start gives NULL when there are OBSERVATIONS already; the
 * first point is due at once. */
struct observation *observations_start(struct observations *,
    enum observe_target, uint64_t interval_ms, uint64_t now_ms);

void observation_id(const struct observation *, char to[OBSERVE_ID]);
struct observation *observations_find(struct observations *, struct text id);
void observation_stop(struct observation *);

/* observations_due gives one that is due and sets when it is due next; NULL:
 * none. Times that have passed unused are left out. */
struct observation *observations_due(struct observations *, uint64_t now_ms);

/* observations_next_ms: when the next is due; 0: nothing is observed. */
uint64_t observations_next_ms(const struct observations *);

/* observation_add keeps a point; the oldest may go. ERR_TOO_BIG: not kept. */
enum err observation_add(struct observation *, struct text point) MUST_USE;

/* observation_next takes the next point off `rest`, which begins as the text
 * of `points`; false at the end. */
bool observation_next(struct text *rest, struct text *point);

#endif /* WORKERS_MONITOR_OBSERVATIONS_H */
