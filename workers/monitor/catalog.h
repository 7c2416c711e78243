// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_CATALOG_H
#define WORKERS_MONITOR_CATALOG_H

/*
 * catalog - asks the puller every two seconds which services there are, and
 * keeps what discovery.h makes of the answers.
 *
 * A puller that is down or silent costs nothing: lag grows until it answers.
 *
 * Trust:  answers come from a process of our own user, bounded by the ask.
 * Owner:  the monitor's, from catalog_open to catalog_close.
 */

#include "workers/monitor/discovery.h"

struct catalog;
struct monitor;
struct settings;

struct catalog *catalog_open(struct monitor *);
void catalog_close(struct catalog **);
void catalog_settings(struct catalog *, const struct settings *);

const struct discovery *catalog_discovery(const struct catalog *);

/* catalog_audit_lines: how many lines the audit has, read on from last time. */
uint64_t catalog_audit_lines(struct catalog *, const char *path);

#endif /* WORKERS_MONITOR_CATALOG_H */
