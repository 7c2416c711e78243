// SPDX-License-Identifier: MIT
#include "workers/gateway/gateway.h"

#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/log_watch.h"
#include "protocol/settings.h"
#include "protocol/store.h"
#include "workers/gateway/conversation.h"
#include "workers/gateway/dispatch.h"
#include "workers/gateway/limiter.h"
#include "workers/gateway/nodes.h"
#include "workers/gateway/builtins.h"
#include "workers/gateway/relay_feed.h"
#include "workers/gateway/order.h"
#include "workers/gateway/reach.h"
#include "workers/gateway/settle.h"
#include "workers/gateway/stream.h"
#include "workers/gateway/tracing.h"

enum {
	REREAD_SHARE = 4, /* looking at the store takes a quarter at most */
	REREAD_RETRY_MS = 100,
	BUDGET_SHARE = 8, /* of the budget, before it is looked at again */
	SCRATCH_BYTES = 64 << 20 /* hard stop of a buffer that never gets
				    there: payloads are bounded before */
};

/* next_chance: xorshift64*, fair enough for choosing among nodes. */
static uint64_t
next_chance(uint64_t state)
{
	state ^= state >> 12;
	state ^= state << 25;
	return state ^ state >> 27;
}

uint64_t
gateway_chance(struct gateway *g)
{
	g->chance = next_chance(g->chance);
	return g->chance * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t
gateway_chance_look(const struct gateway *g)
{
	return next_chance(g->chance) * UINT64_C(0x2545f4914f6cdd1d);
}

bool
gateway_tells_details(const struct gateway *g)
{
	const struct log_watch *words =
	    log_watch_at(events_watch_area(worker_events(g->worker)));

	return g->options->detail_error ||
	    log_watch_detail_until(words, loop_now_ms(g->loop)) != 0;
}

static uint64_t
shared_generation(const struct gateway *g)
{
	return atomic_load_explicit(
	    &g->stats->shared->config_generation, memory_order_acquire);
}

static struct functions_context
compile_context(const struct gateway *g)
{
	return (struct functions_context){
	    .nodes = g->nodes,
	    .limits = &g->options->arguments,
	    .hooks = &g->options->hooks,
	    .targets = &g->options->targets,
	    .settings_mark = g->settings_mark,
	};
}

static void
compile_builtins(struct gateway *g)
{
	struct functions_context context = compile_context(g);

	context.targets = NULL;
	builtins_compile(&g->builtins, &context,
	    settings_choice(worker_settings(g->worker), SETTING_auth_mode) !=
		0);
}

/*
 * reread looks at the store; the next look waits in proportion to its cost.
 * The cost is our own time on a processor: on a busy machine the wall's would
 * keep what was acknowledged from calls for longer than our share asks.
 */
static void
reread(void *ctx)
{
	struct gateway *g = ctx;
	const struct functions_context context = compile_context(g);
	uint64_t generation = shared_generation(g);
	uint64_t before_us = clock_cpu_us();
	uint32_t compiled = 0;
	enum err e = ERR_NOT_FOUND;

	if (g->store == NULL)
		e = store_open(
		    worker_state_dir(g->worker), STORE_READ, &g->store);
	if (g->store != NULL)
		e = functions_read(
		    &g->functions, g->store, &context, &compiled);
	if (e == OK)
		e = auth_read_revoked(g->auth, g->store);
	stats_add(g->slot, COUNTER_gateway_compiled, compiled);
	stats_set(g->slot, COUNTER_gateway_functions, g->functions.count);
	loop_refresh_now(g->loop);
	uint64_t took_us = clock_cpu_us() - before_us;
	if (e == OK) {
		g->generation_seen = generation;
		diag_note(DIAG_catalog_snapshot, NULL,
		    "generation=%llu functions=%u took_us=%llu",
		    (unsigned long long)generation, g->functions.count,
		    (unsigned long long)took_us);
		loop_timer_start(g->loop, &g->reread,
		    loop_now_ms(g->loop) + took_us / 1000 * REREAD_SHARE + 1);
	} else {
		event_note(EVENT_store_unreadable, "error=%s", err_name(e));
		loop_timer_start(g->loop, &g->reread,
		    loop_now_ms(g->loop) + REREAD_RETRY_MS);
	}
}

/* is_stale: the store has moved on since we looked. */
static bool
is_stale(const struct gateway *g)
{
	return g->generation_seen != shared_generation(g) ||
	    !g->functions.is_read ||
	    g->functions.settings_mark != g->settings_mark;
}

static void
on_reread_timer(void *ctx)
{
	struct gateway *g = ctx;

	if (is_stale(g))
		reread(g);
}

void
gateway_look_at_store(struct gateway *g)
{
	if (is_stale(g) && !loop_timer_is_running(&g->reread))
		reread(g);
}

static void
on_turn_end(void *ctx)
{
	struct gateway *g = ctx;
	bool has_calls = g->calls.count > 0;

	auth_on_turn_end(g->auth);
	gateway_look_at_store(g);
	if (has_calls && !loop_timer_is_running(&g->wheel))
		loop_timer_start(
		    g->loop, &g->wheel, loop_now_ms(g->loop) + CALL_TICK_MS);
}

static void
on_wheel(void *ctx)
{
	struct gateway *g = ctx;

	dispatch_expire(g);
	if (g->calls.count > 0)
		loop_timer_start(
		    g->loop, &g->wheel, loop_now_ms(g->loop) + CALL_TICK_MS);
}

/* cut_slowest ends the client with most unread bytes. */
static uint64_t
cut_slowest(struct gateway *g)
{
	struct client *slowest = NULL;
	size_t most = 0;

	for (struct client *c = g->clients.first; c != NULL; c = c->next) {
		if (c->state == CLIENT_OPEN && conn_unsent(&c->conn) > most) {
			slowest = c;
			most = conn_unsent(&c->conn);
		}
	}
	if (slowest != NULL)
		client_is_slow(slowest);
	return most;
}

/*
 * has_stopped_reading: it asks, and takes nothing of what waits for it. Its
 * streams would hold their places for ever, since they wait for it.
 */
static bool
has_stopped_reading(const struct client *c)
{
	const struct gateway *g = c->gateway;
	uint64_t since_ms = c->conn.blocked_since_ms;

	return c->state == CLIENT_OPEN && since_ms != 0 &&
	    loop_now_ms(g->loop) >= since_ms + g->options->idle_timeout_ms;
}

/* keep_budget cuts those who read least while all buffers are too large. */
static void
keep_budget(struct gateway *g)
{
	uint64_t bytes = 0;

	for (struct client *c = g->clients.first; c != NULL; c = c->next) {
		if (has_stopped_reading(c))
			client_is_slow(c);
		bytes += conn_unsent(&c->conn);
	}
	stats_set(g->slot, COUNTER_gateway_buffered_bytes, bytes);
	g->appended = 0;
	while (bytes > g->options->total_buffer_bytes) {
		uint64_t cut = cut_slowest(g);

		if (cut == 0)
			break;
		bytes -= cut < bytes ? cut : bytes;
	}
}

void
gateway_appended(struct gateway *g, uint64_t bytes)
{
	g->appended += bytes;
	if (g->appended > g->options->total_buffer_bytes / BUDGET_SHARE)
		keep_budget(g);
}

/* on_second keeps the gauges true and the sum of all buffers in budget. */
static void
on_second(void *ctx)
{
	struct gateway *g = ctx;
	uint64_t wall_ms = clock_wall_ms();

	auth_on_second(g->auth);
	for (struct client *c = g->clients.first; c != NULL; c = c->next)
		auth_look(c, wall_ms);
	nodes_on_second(g->nodes);
	order_on_second(g);
	reach_on_second(g);
	stats_set(g->slot, COUNTER_gateway_in_flight, g->calls.count);
	stats_set(g->slot, COUNTER_gateway_texts_repaired, g->json.replaced);
	keep_budget(g);
	loop_timer_start(
	    g->loop, &g->second, loop_now_ms(g->loop) + AUTH_LOOK_MS);
}

static void
init_memory(struct gateway *g)
{
	arena_init(&g->arena);
	buffer_init(&g->payload, SCRATCH_BYTES);
	buffer_init(&g->args, SCRATCH_BYTES);
	buffer_init(&g->packed, SCRATCH_BYTES);
	buffer_init(&g->info, SCRATCH_BYTES);
	buffer_init(&g->hints, SCRATCH_BYTES);
	if (getrandom(&g->chance, sizeof(g->chance), 0) !=
		(ssize_t)sizeof(g->chance) ||
	    g->chance == 0)
		g->chance = 1; /* xorshift must not start at 0 */
}

static void
init_timers(struct gateway *g)
{
	g->reread = (struct loop_timer){.due = on_reread_timer, .ctx = g};
	g->wheel = (struct loop_timer){.due = on_wheel, .ctx = g};
	g->second = (struct loop_timer){.due = on_second, .ctx = g};
	g->turn_end = (struct loop_hook){.run = on_turn_end, .ctx = g};
	loop_on_turn_end(g->loop, &g->turn_end);
	loop_timer_start(
	    g->loop, &g->second, loop_now_ms(g->loop) + AUTH_LOOK_MS);
}

void
gateway_start(struct worker *w)
{
	struct gateway *g = worker_state(w);

	g->worker = w;
	g->loop = worker_loop(w);
	g->stats = worker_stats(w);
	g->slot = worker_slot(w);
	g->options = options_create(worker_settings(w));
	init_memory(g);
	conn_hub_init(&g->hub, g->loop);
	stream_init(g); /* before any link, so that it runs before theirs */
	calls_init(&g->calls, loop_now_ms(g->loop));
	slow_log_init(&g->slow, g->options->slow_log_us);
	function_places_init(
	    &g->places, g->stats, (uint32_t)(g->slot - g->stats->slots));
	function_places_bury(&g->places, g->slot);
	functions_init(&g->functions);
	functions_init(&g->builtins);
	relay_feed_create(&g->feed, g); /* for the same reason */
	nodes_create(&g->nodes, g);
	g->has_routes =
	    routes_map(worker_segment_fd(w, FD_ROUTES), &g->routes) == OK;
	g->limiter = limiter_create(g);
	tracing_create(&g->tracing, g);
	auth_create(&g->auth, g, worker_settings(w));
	init_timers(g);
	compile_builtins(g);
	reread(g);
	door_open(&g->door, g, worker_fd_listener(w));
}

void
gateway_drain(struct worker *w, uint32_t allowed_ms)
{
	drain_begin(worker_state(w), allowed_ms);
}

void
gateway_stop(struct worker *w)
{
	struct gateway *g = worker_state(w);

	door_close(&g->door);
	while (g->clients.first != NULL)
		client_destroy(g->clients.first);
	settle_rest(g);
	auth_destroy(&g->auth);
	functions_finish(&g->functions);
	functions_finish(&g->builtins);
	nodes_destroy(&g->nodes);
	relay_feed_destroy(&g->feed);
	limiter_destroy(&g->limiter);
	tracing_destroy(&g->tracing);
	calls_finish(&g->calls);
	function_places_finish(&g->places);
	store_close(&g->store);
	if (g->has_routes)
		routes_unmap(&g->routes);
	conn_hub_finish(&g->hub);
	arena_finish(&g->arena);
	buffer_finish(&g->payload);
	buffer_finish(&g->args);
	buffer_finish(&g->packed);
	buffer_finish(&g->info);
	buffer_finish(&g->hints);
	options_destroy(&g->options);
}

enum reload_result
gateway_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct gateway *g = worker_state(w);
	struct options *old = g->options;

	g->options = options_create(reload->next);
	g->settings_mark++;
	slow_log_least(&g->slow, g->options->slow_log_us);
	limiter_on_settings(g->limiter, reload->next);
	tracing_on_settings(g->tracing, reload->next);
	nodes_on_settings(g->nodes);
	auth_on_settings(g->auth);
	compile_builtins(g);
	for (struct client *c = g->clients.first, *next; c != NULL; c = next) {
		next = c->next;
		conversation_on_settings(c);
	}
	options_destroy(&old);
	return RELOAD_UNCHANGED; /* the kit adds what the table knows */
}

void
gateway_cmd_nodes(struct worker *w, struct command *command)
{
	struct gateway *g = worker_state(w);

	nodes_pack(g->nodes, command->result);
}
