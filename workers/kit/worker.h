// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_WORKER_H
#define WORKERS_KIT_WORKER_H

/*
 * worker - the one life of every worker: a worker is a table and a job.
 *
 * worker_run is main's only call. Its order is fixed:
 *    1 take over descriptors and environment   (protocol/handover.h)
 *    2 log: who we are, in every line
 *    3 map the segments; last words          (last_words.h)
 *    4 read the settings
 *    5 the loop and its signals; limits, no_new_privs     (sandbox.h)
 *    6 open our endpoint, <runtime_dir>/<role>[-N].ipc    (desk.h)
 *    7 spec->start
 *    8 say READY
 *    9 loop: messages, commands, settings, deaths of siblings, heartbeat
 *   10 drain on TERM or HANDOVER_DRAIN; INT skips it
 *   11 spec->stop
 *   12 exit 0
 * Nothing of this is repeated in a worker.
 *
 * Trust:  what arrives on the endpoint comes from a process of the same user
 *         (checked), but is scanned and bounded like a stranger's.
 * Owner:  `struct worker` is the kit's and lives until exit; so does the
 *         state (spec->state_size bytes, zeroed) that worker_state returns.
 * Threads: everything below runs on the loop.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/handover.h"
#include "protocol/role.h"
#include "workers/kit/route.h"

struct conn_hub;
struct loop;
struct events;
struct settings;
struct stats;
struct stats_slot;
struct worker;

struct worker_sibling {
	enum role role;
	uint32_t instance; /* 1-based; 0 for a single one */
	int pid;
	uint64_t life;
	const char *why; /* enum child_reason's name; "": left as asked */
};

struct worker_reload {
	const struct settings *old;  /* in force until this returns */
	const struct settings *next; /* validated; in force afterwards */
	char text[HANDOVER_TEXT];    /* the kit's */
};

struct worker_spec {
	enum role role;
	size_t state_size;

	/*
	 * start opens what the job needs. If the world is wrong it calls
	 * worker_fail. READY is said when it returns, or later by
	 * worker_ready if it called worker_starting.
	 */
	void (*start)(struct worker *);

	/* drain (may be NULL): take nothing new; call worker_drained when all
	 * in flight is finished. After `allowed_ms` the kit goes on alone. */
	void (*drain)(struct worker *, uint32_t allowed_ms);

	/* stop (may be NULL): the last act; the kit frees its own things. */
	void (*stop)(struct worker *);

	/*
	 * on_settings (may be NULL) applies what the table marks live and
	 * says so. The kit adds what the table knows: NEEDS_RESTART and the
	 * keys, when one of this role's that is not live differs.
	 */
	enum reload_result (*on_settings)(
	    struct worker *, struct worker_reload *);
	void (*on_sibling_died)(struct worker *, const struct worker_sibling *);

	const struct worker_route *routes; /* what other roles may ask */
	size_t route_count;
	const struct command_route *commands; /* what operators may ask */
	size_t command_count;

	/*
	 * unrouted (may be NULL) gets every op of the command table that is
	 * not in `commands`: how control passes orders on to other roles.
	 */
	void (*unrouted)(struct worker *, struct command *);

	/*
	 * gate (may be NULL) is asked before any op of the command table is
	 * run or passed on. False: it has failed the command.
	 */
	bool (*gate)(struct worker *, struct command *);
	bool takes_json;   /* control: JSON when the first byte is `{` */
	uint32_t contexts; /* requests answered at once; 0 means 4, most 64 */
};

/* worker_run lives the life and never returns. */
int worker_run(const struct worker_spec *, int argc, char **argv);

/* --- what a worker may ask of its kit --- */

struct loop *worker_loop(const struct worker *);
/* worker_hub: of all connections that need no hub of their own. */
struct conn_hub *worker_hub(struct worker *);
void *worker_state(const struct worker *);
const struct settings *worker_settings(const struct worker *);
struct stats *worker_stats(struct worker *);
struct stats_slot *worker_slot(const struct worker *); /* our own counters */
struct events *worker_events(struct worker *);
uint32_t worker_instance(const struct worker *); /* 0 for a single one */
uint64_t worker_life(const struct worker *);
const char *worker_runtime_dir(const struct worker *);
const char *worker_state_dir(const struct worker *);

/*
 * worker_fd_listener is the inherited listening socket (gateway), or -1.
 * worker_segment_fd also gives those of the monitor, FD_LISTEN_MONITOR.
 * Segments: pass worker_segment_fd(FD_LIMITS) to protocol/segment.h; -1 when
 * this role was not given it. `stats` and `events` are mapped by the kit; use
 * protocol/stats.h and protocol/events.h directly.
 */
int worker_fd_listener(const struct worker *);
int worker_segment_fd(const struct worker *, enum handover_fd);

/* worker_starting asks the supervisor for `ms` more before READY. */
void worker_starting(struct worker *, uint32_t ms);
void worker_ready(struct worker *);

/* worker_busy announces a call that may block, at most 60 s. */
void worker_busy(struct worker *, uint32_t ms);
void worker_busy_over(struct worker *);

bool worker_is_draining(const struct worker *);
void worker_drained(struct worker *);

/* worker_send tells the parent something; dropped when it does not read. */
void worker_send(struct worker *, const struct handover_record *);

/* worker_on_record: control alone listens to what the kit does not know. */
void worker_on_record(struct worker *,
    void (*arrived)(struct worker *, const struct handover_record *));

/* worker_fail logs, says farewell and exits (71, 75, 78 …): start only. */
_Noreturn void worker_fail(
    struct worker *, enum handover_exit, const char *fmt, ...) PRINTF(3, 4);

#endif /* WORKERS_KIT_WORKER_H */
