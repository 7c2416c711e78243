// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_INSIDE_H
#define WORKERS_KIT_INSIDE_H

/*
 * inside - what the kit's own files know of a worker and workers must not.
 *
 * Trust:  no input; see the headers of the parts.
 * Owner:  worker.c holds the one struct worker of the process.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/events.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"

struct asker;
struct conn_hub;
struct desks;

enum worker_phase {
	WORKER_STARTING,
	WORKER_WORKING,
	WORKER_DRAINING,
	WORKER_STOPPING
};

struct worker {
	const struct worker_spec *spec;
	void *state;
	struct loop *loop;

	/* from the parent */
	const char *runtime_dir;
	const char *state_dir;
	uint32_t given; /* bit per enum handover_fd: a hole may be any later
			   descriptor of ours */
	uint32_t instance;
	uint32_t slot_index;
	uint64_t life;
	struct loop_watch parent;
	void (*record_arrived)(struct worker *, const struct handover_record *);

	struct stats stats;
	struct stats_slot *slot;
	struct events events;
	struct settings *settings;
	struct settings *began; /* the settings this life began with */

	struct desks *desks;  /* desk.c: requests being answered */
	struct asker *asker;  /* ask.c: questions of our own; may be NULL */
	struct conn_hub *hub; /* worker_hub */

	enum worker_phase phase;
	bool is_ready;
	bool starts_later; /* worker_starting was called */
	uint64_t began_ms;
	struct loop_timer drain_timer;
	struct loop_hook beat;
	struct loop_timer census; /* heartbeat.c: memory, descriptors */
	uint64_t beat_us;
};

/* parent.c: the socket to whoever started us. */
void parent_open(struct worker *);

/* reload.c: HANDOVER_SETTINGS came; `fd` is now ours. */
void reload_settings(struct worker *, uint64_t generation, int fd);

/* worker.c: the ways to end. `drain_ms` 0 leaves now. */
void worker_end(struct worker *, uint32_t drain_ms);

#endif /* WORKERS_KIT_INSIDE_H */
