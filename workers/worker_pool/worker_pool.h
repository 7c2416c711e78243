// SPDX-License-Identifier: MIT
#ifndef WORKERS_WORKER_POOL_WORKER_POOL_H
#define WORKERS_WORKER_POOL_WORKER_POOL_H

/*
 * worker_pool - pools of runner processes for local functions, and their
 * supervisor.
 *
 * Glue only: who gets which call is decided by modules that know no socket,
 * no process and no clock (pool.h). A crew is such a pool with its processes;
 * an errand is a call carried between a gateway and a runner.
 *
 * Trust:  runners are other people's programs: each byte of theirs is bounded
 *         and checked, and none of them can harm more than itself. Gateways
 *         are checked by the link.
 * Owner:  the struct is the kit's (worker_state), zeroed at the start.
 */

#include "protocol/base/arena.h"
#include "protocol/base/conn.h"
#include "protocol/events.h"
#include "protocol/hash.h"
#include "protocol/link/link_server.h"
#include "protocol/pool_spec.h"
#include "protocol/runner_peer.h"
#include "protocol/stats.h"
#include "protocol/tables/commands.h"
#include "protocol/tables/messages.h"
#include "supervisor/engine/keeper.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"
#include "workers/worker_pool/crash_barrier.h"
#include "workers/worker_pool/heartbeat.h"
#include "workers/worker_pool/lifecycle.h"
#include "workers/worker_pool/options.h"
#include "workers/worker_pool/output.h"
#include "workers/worker_pool/pool.h"
#include "workers/worker_pool/quarantine.h"

struct crew;
struct runner;
struct worker_pool;

enum {
	CREW_GROUPS = POOLS_RUNNERS / GROUP_MOST + 1,
	RUNNER_PULSE_MS = 100,  /* between looks at heartbeats */
	RUNNER_ENDING_MS = 250, /* from the end of its socket to its own */
	RUNNER_REASON = 200,
	RUNNER_HAD = 32, /* calls remembered of a death */
	ERRAND_LABEL = 64,
};

/* A call on its way: in the pool, or answered with its runner still at it. */
struct trace_span;

struct errand {
	struct pool_work work; /* first: pool_work is found again */
	struct crew *crew;
	struct link_session *session; /* NULL: nobody to answer any more */
	uint64_t link_id;             /* at the gateway */
	uint64_t runner_id;           /* at its runner; 0: not there */
	struct link_request request;  /* borrowed, or in `kept` */
	uint64_t received_us;
	struct trace_span *span;  /* of a traced call; NULL: of any other */
	char label[ERRAND_LABEL]; /* service.request_type, for people */
	uint64_t chunk_count;     /* handed to the gateway */
	struct buffer kept;       /* the request while it waits */
	struct buffer held;       /* frames the gateway has no room for yet */
	bool may_repeat;          /* `kept` stays for another try */
	bool is_stream;
	bool is_answered;             /* the gateway has heard */
	struct errand *given_up;      /* the next one of its runner */
	struct errand *next, *before; /* all of the process, or free */
};

/* A call that was on a runner when that was lost. */
struct runner_had {
	uint64_t fingerprint;
	char label[ERRAND_LABEL];
};

struct runner {
	struct crew *crew;
	uint32_t index; /* in its pool, from 0 */
	struct child *child;
	struct conn conn;
	struct runner_peer peer;
	struct output output;
	struct loop_watch pipe; /* standard output and error */
	int ours[2], theirs[2]; /* socket and pipe, while it is being made */
	bool is_greeted;        /* this life said HELLO */
	bool is_lost;           /* its calls were taken back */
	bool wants_end;         /* recycling: drain when it may */
	bool is_manual;         /* … because an operator said so */
	uint64_t alive_ms;      /* it spoke, or cannot speak and works */
	struct heartbeat heart;
	uint64_t pinged_us;
	uint64_t ended_ms;  /* its socket ended, the process has not */
	uint32_t chance;    /* drawn once a life */
	bool is_tainted;    /* ready again is worth an event */
	uint32_t had_count; /* calls it had when it was lost */
	struct runner_had had[RUNNER_HAD];
	uint64_t memory_bytes;   /* resident, as last seen */
	uint64_t latency_us;     /* of the last heartbeat */
	struct errand *given_up; /* still in it, nobody waits for them */
	uint64_t obituary_number;
	char reason[RUNNER_REASON]; /* why it is as it is */
};

struct crew {
	struct worker_pool *wp;
	const struct pool_spec *spec;
	struct pool *pool;
	struct runner *runners;
	uint32_t runner_count;
	uint64_t recycled;        /* for the inspector */
	uint64_t recycled_memory; /* of these, for memory */
	struct crash_window crashes;
	bool is_hopeless; /* nobody is ready, nobody will be soon */
	uint64_t told_ms; /* events that come in herds: the last one */
};

struct worker_pool {
	struct worker *worker;
	struct loop *loop;
	struct stats_slot *slot;
	struct conn_hub hub;
	struct link_server *server;
	struct keeper keeper;
	struct arena arena; /* of specs */
	struct pool_options options;
	struct crew *crews;
	uint32_t crew_count;
	struct errand *errands; /* all under way */
	struct errand *free_errands;
	uint32_t errand_count;
	struct hash_seed seed;
	struct loop_timer first_start; /* of all runners */
	struct loop_timer due;         /* the pools' next */
	struct loop_timer pulse;       /* heartbeats, strangers, gauges */
	struct loop_hook turn_end;
	uint64_t started_ms, census_ms, status_ms, lifecycle_ms, advised_ms;
	struct quarantine quarantine;
	uint64_t quarantine_written;            /* changes that the file has */
	uint64_t told_failed_ms, untold_failed; /* local_call_failed */
	bool is_started;      /* pool_init_complete was said */
	char obituaries[512]; /* folder */
	bool is_draining;
	bool is_shutting; /* the runners are told to leave */
};

/* --- crew.c: the pools, as the settings have them --- */

void crews_create(struct worker_pool *);
void crews_destroy(struct worker_pool *);
struct crew *crew_find(const struct worker_pool *, struct text name);
struct runner *crew_runner_of(struct worker_pool *, const struct child *);

/* crew_judge tells the pool whether anybody will ever be ready. */
void crew_judge(struct crew *);

/* --- lives.c: what the keeper asks and tells --- */

struct keeper_ops lives_ops(struct worker_pool *);
void lives_policy(
    const struct worker_pool *, const struct settings *, struct policy *);
void lives_policy_of(
    const struct crew *, const struct settings *, struct child *);

/* --- runner_plan.c: what a runner's process is made of --- */

void runner_plan(struct runner *, struct spawn_plan *);

/* --- runner.c: the wire to one runner --- */

void runner_init(struct runner *, struct crew *, uint32_t index);
void runner_finish(struct runner *);
void runner_open(struct runner *);  /* a life begins */
void runner_close(struct runner *); /* it has ended */

/* runner_send: ERR_TOO_BIG, ERR_FULL: it was not given. */
enum err runner_send(struct runner *, struct errand *) MUST_USE;
void runner_give_up(struct runner *, struct errand *);
void runner_credit(struct runner *, uint64_t id, uint64_t bytes);
void runner_ping(struct runner *);
void runner_drain(struct runner *);

/* runner_lost takes its calls back; it may be dead, or as good as dead. */
void runner_lost(struct runner *);

/* --- errand.c: one call, from its arrival to its answer --- */

struct errand *errand_take(struct crew *, struct link_session *, uint64_t id);
void errand_submit(struct errand *);
void errand_result(struct errand *, struct text value);
void errand_error(struct errand *, struct text code, struct text text);
void errand_chunk(struct errand *, struct text value);
void errand_end(struct errand *);
void errand_bad(struct errand *, bool is_over);
void errand_late(struct errand *);
void errand_cancel(struct errand *);
void errand_lost(struct errand *, bool is_wanted);
void errand_forget(struct errand *); /* its gateway is gone */
void errand_flush(struct errand *);  /* chunks may go again */

/* errand_trace.c: nothing, unless the gateway asked for hops in its hints. */
void errand_trace_begin(struct errand *, struct text parent, struct text hints);
void errand_trace_run(const struct errand *);
void errand_trace_ran(const struct errand *, const char *status);
void errand_trace_end(struct errand *);
/* errand_trace_listen: lines logged from now on are hops of it; NULL ends. */
void errand_trace_listen(const struct errand *);

/* Between errand.c and errand_answer.c. */
#define ERRAND_UNAVAILABLE "Service temporarily unavailable"
void errand_settle(struct errand *); /* given back when nobody needs it */
void errand_refuse(struct errand *, struct text code, struct text text);
void errand_executed(struct errand *, bool is_success, const char *reason);
void errand_abandon(struct errand *); /* its runner is told */

/* errands_feed gives a runner what waits; errands_due does what is due. */
void errands_feed(struct runner *);
void errands_due(struct crew *);

/* --- advise.c: what could be better about the pools --- */

void advise_look(struct worker_pool *, uint64_t now_ms);

/* --- recycle.c: healthy runners that are replaced --- */

void recycle_look(struct worker_pool *, uint64_t now_ms);

/* recycle_served: one more call went well; that may have been its last. */
void recycle_served(struct runner *);

/* recycle_runner drains it now; `why` is a word of the event. */
void recycle_runner(struct runner *, const char *why);
uint32_t recycle_leaving(const struct crew *);
struct lifecycle_facts recycle_facts(const struct runner *);

/* --- deaths.c: what a death says about a runner, and about its calls --- */

void deaths_open(struct worker_pool *); /* reads the quarantine's file */
void deaths_judge(struct runner *, const char *last_line);
void deaths_had(struct runner *, const struct errand *);
void deaths_ready(struct runner *);     /* a tainted one is back */
void deaths_keep(struct worker_pool *); /* writes the file when it is stale */

/* --- front.c: the gateways' door --- */

void front_open(struct worker_pool *);

/* --- pulse.c: heartbeats, memory, recycling --- */

void pulse_start(struct worker_pool *);

/* --- worker_pool.c --- */

/* worker_pool_wake moves the timer to the pools' next time. */
void worker_pool_wake(struct worker_pool *);

void worker_pool_start(struct worker *);
void worker_pool_drain(struct worker *, uint32_t allowed_ms);
void worker_pool_stop(struct worker *);
enum reload_result worker_pool_on_settings(
    struct worker *, struct worker_reload *);

WORKER_POOL_COMMANDS(DECLARE_COMMAND)
WORKER_POOL_MESSAGES(DECLARE_MESSAGE)

#endif /* WORKERS_WORKER_POOL_WORKER_POOL_H */
