// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_CRASH_BARRIER_H
#define WORKERS_WORKER_POOL_CRASH_BARRIER_H

/*
 * crash_barrier - what kind of death it was, whether it taints the runner,
 * and whether a call that was lost is tried again. And how many crashes there
 * were of late.
 *
 * Pure: facts and time come as arguments.
 *
 * Trust:  the last words are a runner's own output: only searched for words.
 * Owner:  whoever holds the structs; nothing inside needs freeing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/pool_spec.h"

enum crash_class {
	CRASH_NONE, /* it ended as it should */
	CRASH_SEGFAULT,
	CRASH_ABORT,
	CRASH_OOM,
	CRASH_GPU,
	CRASH_UNKNOWN,
};

/* How a runner ended by itself. */
struct crash_facts {
	int code;               /* exit code, or -1 */
	int signal;             /* or 0 */
	bool is_oom;            /* the kernel said so */
	struct text last_words; /* the end of its output */
};

enum crash_class crash_classify(const struct crash_facts *);
const char *crash_word(enum crash_class); /* "segfault" */

/* crash_code is what a shell would say: 139 for a segfault; 0 for signal 0. */
int crash_code(const struct crash_facts *);

/* crash_taints: by its class, or by its exit code. */
bool crash_taints(const struct crash_barrier_spec *, enum crash_class,
    const struct crash_facts *);

/*
 * crash_retries: a call lost after `tries` tries may be tried again, after
 * `pause_ms`. One that must run once never is.
 */
bool crash_retries(const struct crash_barrier_spec *, bool is_once,
    uint32_t tries, uint64_t *pause_ms);

/* ---- crashes of late ----------------------------------------------------- */

enum {
	CRASH_TIMES = 100, /* kept; more in the window are not told apart */
	CRASH_WORKER_UNHEALTHY = 3,
};

struct crash_window {
	uint64_t window_ms;
	uint32_t most;  /* that make the pool unhealthy */
	uint64_t total; /* since it was made */
	uint32_t next;
	uint64_t at_ms[CRASH_TIMES]; /* 0: none */
	uint32_t runner[CRASH_TIMES];
};

void crash_window_init(struct crash_window *, uint64_t window_ms, uint32_t);
void crash_window_add(struct crash_window *, uint32_t runner, uint64_t now_ms);
uint32_t crash_window_count(const struct crash_window *, uint64_t now_ms);
uint32_t crash_window_of(
    const struct crash_window *, uint32_t runner, uint64_t now_ms);

/* Runners with a crash in the window. */
uint32_t crash_window_runners(const struct crash_window *, uint64_t now_ms);
bool crash_window_is_healthy(const struct crash_window *, uint64_t now_ms);

#endif /* WORKERS_WORKER_POOL_CRASH_BARRIER_H */
