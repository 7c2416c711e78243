// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_CHECKER_H
#define WORKERS_MONITOR_CHECKER_H

/*
 * checker - the health checker: every health.interval_ms, and when asked, it
 * pings each process of the tree, runs the five checks of checkup.h, keeps
 * what came of it in checks.h, and tells the bus.
 *
 * A round is short: every ping has health.ping_timeout_ms. Who asks while one
 * is under way gets the next.
 *
 * Trust:  a process that answers anything is alive; nothing else is read.
 * Owner:  the monitor's, from checker_open to checker_close; not before
 *         records_start.
 */

#include "workers/monitor/checkup.h"

struct checker;
struct command;
struct monitor;
struct page;
struct settings;

struct checker *checker_open(struct monitor *);
void checker_close(struct checker **);
void checker_settings(struct checker *, const struct settings *);

/* checker_run calls `done` with the outcome of a round that begins now or
 * next; false when too many wait. */
bool checker_run(struct checker *,
    void (*done)(void *ctx, const struct checkup *), void *ctx);

#endif /* WORKERS_MONITOR_CHECKER_H */
