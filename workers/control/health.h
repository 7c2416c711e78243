// SPDX-License-Identifier: MIT
#ifndef WORKERS_CONTROL_HEALTH_H
#define WORKERS_CONTROL_HEALTH_H

/*
 * health - one look at everything, judged check by check.
 *
 * A check has a name and a stage; each stage presumes the ones before:
 *   1  supervision: deaths are seen and followed by another life
 *   2  processes: everybody is there
 *   3  parts: stores take writes, circuits are closed, limits are enforced
 *   4  the world: services can be reached and pulled from
 *
 * Trust:  the command's arguments are an operator's; everything else is our
 *         own shared memory, read with checks.
 * Owner:  a health lives in its command's arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/census.h"
#include "protocol/verdict.h"

struct command;
struct packer;
struct worker;

struct health {
	struct worker *worker;
	struct command *command;
	struct packer *out;
	const struct census *census;
	uint64_t max_memory_bytes; /* 0: no limit */
	uint64_t memory_bytes;
	uint64_t process_limit;
	uint64_t last_stage;
};

/* What one check found. */
struct finding {
	enum verdict verdict;
	const char *reason;        /* NULL: nothing to say */
	const char *next;          /* what to type; NULL: nothing */
	uint64_t descriptors;      /* of a process that has hardly any left */
	uint64_t descriptor_limit; /* 0: it has */
};

enum {
	HEALTH_STAGES = 4
};

/* health_put_finding packs `extra` more fields' head: status, reason, next. */
void health_put_finding(
    struct packer *, const struct finding *, uint32_t extra);

/* health_checks.c: packs the map of checks; gives the worst verdict. */
enum verdict health_pack_checks(struct health *);
/* One by its name; false: there is none. */
bool health_pack_check(struct health *, const char *name, enum verdict *);
/* The names, for a suggestion; gives how many. */
size_t health_check_names(const struct health *, const char **to, size_t most);

/* health_process.c: the checks of a role's processes. */
enum verdict health_pack_role(struct health *, uint32_t at);
/* health_pack_process leaves room for `extra` fields of the caller. */
void health_pack_process(struct packer *, const struct census *,
    const struct census_process *, struct text node, uint32_t extra);

/* The same of a runner, as worker_pool told; gives its pid. */
uint64_t health_pack_runner(
    struct packer *, struct text runner, struct text node, uint32_t extra);

#endif /* WORKERS_CONTROL_HEALTH_H */
