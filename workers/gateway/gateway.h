// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_GATEWAY_H
#define WORKERS_GATEWAY_GATEWAY_H

/*
 * gateway - what the modules of this worker share: one struct, wired in
 * gateway.c, so that no module has state of its own outside it.
 *
 * Trust:  see client.h (strangers) and nodes.h (services).
 * Owner:  the kit gives the memory; gateway.c starts and stops the parts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/conn.h"
#include "protocol/base/loop.h"
#include "protocol/json_out.h"
#include "protocol/limits.h"
#include "protocol/routes.h"
#include "protocol/stats.h"
#include "protocol/trace_watch.h"
#include "workers/gateway/auth.h"
#include "workers/gateway/calls.h"
#include "workers/gateway/client.h"
#include "workers/gateway/door.h"
#include "workers/gateway/function_places.h"
#include "workers/gateway/functions.h"
#include "workers/gateway/notes.h"
#include "workers/gateway/options.h"
#include "workers/gateway/slow_log.h"
#include "workers/gateway/stage_clock.h"
#include "protocol/tables/commands.h"
#include "protocol/tables/messages.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

struct limiter;
struct nodes;
struct relay_feed;
struct store;
struct tracing;

struct gateway {
	struct worker *worker;
	struct loop *loop;
	struct stats *stats;
	struct stats_slot *slot; /* ours */
	struct conn_hub hub;
	struct options *options;
	struct door door;
	struct clients clients;
	struct calls calls;
	uint32_t async_count;       /* of them: async and none */
	uint32_t stream_count;      /* of them: streams */
	struct call_list creditors; /* streams whose credit may be due */
	struct loop_hook credits;   /* before the links send */
	struct functions functions;
	struct functions builtins;
	struct function_places places; /* where functions count */
	struct relay_feed *feed;
	uint64_t
	    appended; /* bytes for clients since the budget was looked at */
	struct nodes *nodes;
	struct auth *auth;
	struct limiter *limiter;
	struct trace_watch watch; /* traces in force */
	struct tracing *tracing;
	struct routes routes;
	bool has_routes;
	uint32_t sticky_from; /* where the next sweep of them begins */
	struct store *store;
	uint64_t generation_seen; /* of the store, when last read */
	uint64_t settings_mark;   /* of what functions were compiled with */
	struct loop_timer reread; /* the store, when its time has come */
	struct loop_timer wheel;  /* deadlines of calls */
	struct loop_timer second; /* gauges and budgets, once a second */
	struct loop_timer drain;
	struct loop_hook turn_end;
	uint64_t drain_until_ms;
	struct slow_log slow;
	struct stage_clock stages;  /* of a call's way in */
	struct stage_clock encodes; /* of answers */
	struct notes denials;
	struct notes exhaustions;
	struct notes slow_notes;
	struct notes hook_failures;
	uint64_t chance;    /* state of the generator behind random choices */
	struct arena arena; /* of the message being read */
	struct buffer payload; /* a binary payload as JSON */
	struct buffer args;    /* arguments as sent */
	struct buffer packed;  /* arguments as the function gets them */
	struct buffer info;    /* the caller's facts */
	struct buffer hints;   /* of the call being sent */
	struct json_stats json;
	bool is_draining;
	bool is_closing; /* draining: sockets are being closed */
};

#define COUNT(gateway, name) \
	stats_add((gateway)->slot, COUNTER_gateway_##name, 1)

static inline struct function_counts *
gateway_counts_of(struct gateway *g, struct compiled *f)
{
	return f->counts != NULL ? f->counts
				 : functions_count_in(f, &g->places);
}

/* COUNT_FOR counts for the gateway, and at once for the function. */
#define COUNT_FOR(gateway, compiled, name) \
	(COUNT(gateway, name), \
	    function_stats_count( \
		gateway_counts_of(gateway, compiled), FUNCTION_COUNT_##name))

/* What the kit runs. */
void gateway_start(struct worker *);
void gateway_stop(struct worker *);
void gateway_drain(struct worker *, uint32_t allowed_ms);
enum reload_result gateway_on_settings(struct worker *, struct worker_reload *);

GATEWAY_COMMANDS(DECLARE_COMMAND)
GATEWAY_MESSAGES(DECLARE_MESSAGE)

/* gateway_chance gives 64 bits for choices nobody must foresee exactly. */
uint64_t gateway_chance(struct gateway *);
/* gateway_chance_look gives what comes next, and leaves it there. */
uint64_t gateway_chance_look(const struct gateway *);

/* gateway_tells_details: clients may hear inner reasons, by the settings or
 * by an operator's word for a while (protocol/log_watch.h). */
bool gateway_tells_details(const struct gateway *);

/* gateway_look_at_store rereads the functions if the store has moved on. */
void gateway_look_at_store(struct gateway *);

/* gateway_appended counts what was queued for many clients at once, and keeps
 * the sum of all buffers in its budget in between the seconds. */
void gateway_appended(struct gateway *, uint64_t bytes);

/* slow.c: slow_note keeps a call that slow_log_wants. */
void slow_note(struct gateway *, const struct call *, uint64_t took_us,
    const char *answer);

/* drain.c */
void drain_begin(struct gateway *, uint32_t allowed_ms);
void drain_look(struct gateway *); /* a call or a client has gone */

#endif /* WORKERS_GATEWAY_GATEWAY_H */
