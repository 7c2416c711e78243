// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_NATIVE_RUNNER_PLUGINS_H
#define WORKERS_WORKER_POOL_NATIVE_RUNNER_PLUGINS_H

/*
 * plugins - the shared objects of one runner, and their functions by name.
 *
 * Trust:  a plug-in is code that will run as us, so the question is who could
 *         have put it there: file and folder must belong to root or to our
 *         user and be writable by nobody else, and the file must be one,
 *         not a link to elsewhere. It is loaded through the folder that was
 *         checked, whatever happens to its path meanwhile.
 * Owner:  init/finish; plug-ins are never unloaded (their threads, their
 *         static data), and their strings are borrowed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/base/text.h"
#include "protocol/service/plugin.h"
#include "workers/worker_pool/native_runner/estimate.h"

enum {
	PLUGINS_MOST = 64,
	PLUGINS_FUNCTIONS_MOST = 4096,
};

struct plugin_function {
	struct text module;
	struct text name;
	const struct service_function *function;
	struct estimate estimate;
};

struct plugins {
	const struct service_plugin *all[PLUGINS_MOST];
	uint32_t count;
	uint32_t started; /* of them, whose start has been called */
	struct plugin_function *functions;
	uint32_t function_count;
	uint16_t *buckets; /* index + 1; 0: free */
	uint32_t bucket_count;
	char why[512]; /* the last refusal, one sentence */
};

void plugins_init(struct plugins *);

/*
 * plugins_load takes a plug-in, or a folder: then every *.so in it. On false
 * `why` has the reason.
 */
bool plugins_load(struct plugins *, const char *path);

/* plugins_take enters a descriptor that is here already; `file` names it. */
bool plugins_take(
    struct plugins *, const char *file, const struct service_plugin *);

/* plugins_start calls each start; false: `why` names who refused. */
bool plugins_start(struct plugins *);
void plugins_stop(struct plugins *);

/* plugins_find: NULL when no plug-in has it. */
struct plugin_function *plugins_find(
    const struct plugins *, struct text module, struct text function);

/* plugins_print lists what there is, for --check. */
void plugins_print(const struct plugins *, FILE *);

#endif /* WORKERS_WORKER_POOL_NATIVE_RUNNER_PLUGINS_H */
