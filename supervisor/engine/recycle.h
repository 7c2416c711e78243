// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_ENGINE_RECYCLE_H
#define SUPERVISOR_ENGINE_RECYCLE_H

/*
 * recycle - when a healthy child is replaced: it holds too much memory for too
 * long, is too old, or holds too many descriptors (R26).
 *
 * Pure: facts, time and chance come as arguments.
 *
 * Trust:  facts come from /proc and the kernel, limits from validated settings.
 * Owner:  whoever holds the struct; nothing inside needs freeing.
 */

#include <stdint.h>

enum {
	RECYCLE_SUSTAINED_MS = 30000 /* of too much memory: a peak may pass */
};

/* 0 is no limit. */
struct recycle_rule {
	uint64_t rss_bytes;
	uint64_t age_ms; /* ±10 %, so that instances do not go together */
	uint64_t descriptors;
};

struct recycle_facts {
	uint64_t life;
	uint64_t ready_ms; /* since when */
	uint64_t rss_bytes;
	uint64_t descriptors;
};

struct recycle {
	uint64_t life;    /* the life the rest is about */
	uint64_t high_ms; /* too much memory since; 0: it is not */
	uint32_t chance;  /* drawn once per life */
};

enum recycle_why {
	RECYCLE_NOT,
	RECYCLE_RSS,
	RECYCLE_AGE,
	RECYCLE_DESCRIPTORS,
};

enum recycle_why recycle_judge(struct recycle *, const struct recycle_rule *,
    const struct recycle_facts *, uint64_t now_ms, uint32_t chance);

/* recycle_word: "rss", "age", "fd"; "none" for RECYCLE_NOT. */
const char *recycle_word(enum recycle_why);

#endif /* SUPERVISOR_ENGINE_RECYCLE_H */
