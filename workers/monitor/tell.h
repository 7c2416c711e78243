// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_TELL_H
#define WORKERS_MONITOR_TELL_H

/*
 * tell - fields of records as the catalogue wants them: figures rounded,
 * times as seconds or as RFC 3339.
 *
 * Trust:  figures of our own.
 * Owner:  no memory.
 */

#include <stdint.h>

#include "protocol/pack.h"

/* tell_number rounds to two decimals: percentages, rates, memory. */
void tell_number(struct packer *, const char *key, double value);

/* tell_ms and tell_score keep more: a call takes microseconds. */
void tell_ms(struct packer *, const char *key, double value);
void tell_score(struct packer *, const char *key, double value);

void tell_nil(struct packer *, const char *key);

/* tell_seconds: float seconds since 1970 (seed 004); 0 is null. */
void tell_seconds(struct packer *, const char *key, uint64_t wall_ms);

/* tell_time: RFC 3339 with milliseconds (seed 003); 0 is null. */
void tell_time(struct packer *, const char *key, uint64_t wall_ms);

#endif /* WORKERS_MONITOR_TELL_H */
