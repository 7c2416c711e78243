// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_VERDICT_H
#define PROTOCOL_VERDICT_H

/*
 * verdict - ok, degraded or error: the rules of health, without asking
 * anybody or packing anything.
 *
 * Trust:  a census of our own processes; no bytes from outside.
 * Owner:  no memory; reasons are literals.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/census.h"

enum verdict {
	VERDICT_OK,
	VERDICT_DEGRADED, /* it works, somebody should look */
	VERDICT_ERROR
};

const char *verdict_name(enum verdict); /* "ok", "degraded", "error" */
enum verdict verdict_worst(enum verdict, enum verdict);

/* verdict_of_process gives a reason word for anything but OK. */
enum verdict verdict_of_process(
    const struct census_process *, const char **reason);

/* verdict_is_short: hardly a descriptor is left, of those that were counted. */
bool verdict_is_short(const struct census_process *);

enum verdict verdict_of_tree(
    uint64_t flags, uint32_t children, uint32_t running, const char **reason);

#endif /* PROTOCOL_VERDICT_H */
