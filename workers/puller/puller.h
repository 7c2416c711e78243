// SPDX-License-Identifier: MIT
#ifndef WORKERS_PULLER_PULLER_H
#define WORKERS_PULLER_PULLER_H

/*
 * puller - asks services which functions they have, and gives what they answer
 * to config_db.
 *
 * Trust:  what a service answers is a stranger's; the link has checked that it
 *         is msgpack within bounds, config_db judges every function.
 * Owner:  the state is the kit's; services and sources live from one reading
 *         of the settings to the next.
 */

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/conn.h"
#include "protocol/base/loop.h"
#include "protocol/link/link_client.h"
#include "protocol/tables/commands.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"
#include "workers/puller/pull.h"
#include "workers/puller/schedule.h"

struct puller;
struct service;

enum {
	PULLER_ERROR_BYTES = 256
};

/* A node of a service, and our link to it. */
struct source {
	struct service *service;
	struct text name;
	struct text url;          /* len 0: no such name in `nodes:` */
	struct link_client *link; /* NULL: not dialled */
	bool wants_close;         /* destroyed at the end of the turn */
	struct link_client
	    *old; /* replaced, maybe from inside its own
		     callback: destroyed at the end of the turn */
};

/* What is called on a node. */
struct service_target {
	struct text module;
	struct text function;
	struct text args; /* span of an array */
};

struct service {
	struct puller *puller;
	struct text name;
	struct service_target config;
	struct service_target version;
	struct text node_names; /* span: for functions that name no nodes */
	struct source *sources;
	struct pull pull;
	uint64_t began_us; /* the fetch at work */
	bool is_wanted;    /* to be started when there is room */
	bool is_in_round;
	bool was_seen;    /* it answered once */
	bool is_call_out; /* the source has been sent the question */
	uint64_t call_id;
	uint64_t deadline_ms; /* of the source being asked */
	uint64_t retry_ms;    /* when to ask a service never seen again */
	struct ask *ask;      /* batch_add under way */
	struct buffer names;  /* packed array: what it has */
	uint64_t pulled_ms;   /* monotonic: last success; 0: never */
	uint32_t failures;    /* in a row */
	char error[PULLER_ERROR_BYTES]; /* of the last failure; "" after a
					   success */
};

struct puller {
	struct worker *worker;
	struct conn_hub hub;
	struct arena arena; /* services and their texts */
	struct service *services;
	uint32_t service_count;
	struct schedule schedule;
	struct loop_timer timer; /* the only one */
	struct loop_hook turn_end;
	uint64_t timeout_ms;
	uint64_t retry_ms;
	uint64_t parallel;
};

/* --- services.c: what the settings say --- */

/* services_read builds all services anew; what was known of those that stay
 * is kept. */
void services_read(struct puller *, const struct settings *);
void services_forget(struct puller *); /* closes links, frees */

/* --- fetch.c: one service's fetch --- */

void fetch_begin(struct service *);
void fetch_tick(struct service *, uint64_t now_ms); /* budgets, refusals */
void fetch_cancel(struct service *);
bool fetch_is_active(const struct service *);

/* --- between fetch.c and fetch_store.c --- */

struct source *fetch_source(const struct service *); /* being asked */
void fetch_step(struct service *, enum pull_step);

/* fetch_keep_error: %q is the node's name, %r `what`. */
void fetch_keep_error(struct service *, const char *fmt, struct text what);

/* fetch_functions_in: the answer is the list, or a map that has it. */
bool fetch_functions_in(struct text answer, struct text *list);

/* fetch_store gives the functions of an answer to config_db. */
void fetch_store(struct service *, struct text answer);

/* --- puller.c --- */

/* puller_finished is told when a fetch ended. */
void puller_finished(struct service *, bool is_success);

/* puller_wake moves the timer to now. */
void puller_wake(struct puller *);

void puller_start(struct worker *);
void puller_stop(struct worker *);
enum reload_result puller_on_settings(struct worker *, struct worker_reload *);

PULLER_COMMANDS(DECLARE_COMMAND)

#endif /* WORKERS_PULLER_PULLER_H */
