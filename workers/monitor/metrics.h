// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_METRICS_H
#define WORKERS_MONITOR_METRICS_H

/*
 * metrics - what Prometheus is told of the tree: every counter, gauge and
 * histogram of every process from shared memory, the pools as worker_pool
 * tells them, and what health makes of it.
 *
 * A text is told again while it is younger than four times what it cost, so
 * that however many scrape, a fifth of the time goes into it at most.
 *
 * Trust:  shared words and worker_pool's answer are bounded before use.
 * Owner:  created and destroyed by monitor.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct exposition;
struct metrics;
struct monitor;

struct metrics *metrics_create(struct monitor *);
void metrics_destroy(struct metrics **);

/*
 * metrics_ask calls `done` when worker_pool's figures are as fresh as they
 * need be: at once, and true is given, or later.
 */
bool metrics_ask(struct metrics *, void (*done)(void *ctx), void *ctx);

/* metrics_text is the text in one of its two forms; empty: it is too big. */
struct text metrics_text(struct metrics *, bool is_open);

/* ---- metrics_tree.c: what is in it ---- */

/* metrics_tell writes all; `pools` is worker_pool's answer or empty. */
void metrics_tell(struct monitor *, struct exposition *, struct text pools);

/* ---- metrics_functions.c: each function's part of it ---- */
struct arena;
struct census;
void metrics_tell_functions(struct monitor *, struct exposition *,
    struct arena *, const struct census *);

/* ---- metrics_world.c: the records' part of it ---- */
void metrics_tell_world(struct monitor *, struct exposition *);

#endif /* WORKERS_MONITOR_METRICS_H */
