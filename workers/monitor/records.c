// SPDX-License-Identifier: MIT
#include "workers/monitor/records.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/records_facts.h"

enum {
	LOOK_MS = 1000,
	MACHINE_LOOKS = 5 /* the machine is looked at every so many looks */
};

/* --- a look at the tree --- */

/* note_restored: what config_db found on disk when its life began. */
static void
note_restored(struct records *r)
{
	for (uint32_t i = 0; i < r->census.count; i++) {
		const struct stats_child *c = &r->census.process[i].child;

		if (c->role != ROLE_config_db || c->ready_ms == 0 ||
		    c->life == r->restored_life)
			continue;
		r->restored_life = c->life;
		r->restored_wall_ms =
		    r->census.wall_ms - (r->census.now_ms - c->ready_ms);
		r->restored_functions =
		    world_gauge(r->world, COUNTER_config_db_functions);
	}
}

static void
look(struct records *r)
{
	uint64_t began_us = clock_mono_us();
	const struct census *census;
	struct records_peer *peers;

	arena_reset(&r->arena);
	census = census_take(&r->arena, worker_stats(r->worker));
	r->census = *census;
	world_look(r->world, census);
	systems_read(
	    r->world, records_peers(r, &r->arena, &peers), &r->systems);
	note_restored(r);
	if (r->looks % MACHINE_LOOKS == 0)
		machine_look(
		    &r->machine, worker_state_dir(r->worker), census->now_ms);
	r->looks++;
	r->look_us = clock_mono_us() - began_us;
	stats_set(worker_slot(r->worker), COUNTER_monitor_look_us, r->look_us);
}

static void
look_is_due(void *ctx)
{
	struct records *r = ctx;
	struct loop *loop = worker_loop(r->worker);

	look(r);
	history_tick(&r->history);
	loop_timer_start(loop, &r->look, loop_now_ms(loop) + LOOK_MS);
}

/* --- a point of the history --- */

static uint64_t
tree_bytes(const struct records *r)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < r->census.count; i++)
		bytes += r->census.process[i].memory_bytes;
	return bytes;
}

/* put_systems: a system that is off leaves its figures unknown. */
static void
put_systems(const struct records *r, float *v)
{
	const struct system_record *of = r->systems.of;

	if (r->systems.grade != GRADE_UNAVAILABLE)
		v[SERIES_health_score] = (float)r->systems.score;
	v[SERIES_requests_per_second] = (float)of[SYSTEM_rpc].per_second;
	v[SERIES_latency_ms] = (float)of[SYSTEM_rpc].average_ms;
	v[SERIES_p95_latency_ms] = (float)of[SYSTEM_rpc].p95_ms;
	v[SERIES_p99_latency_ms] = (float)of[SYSTEM_rpc].p99_ms;
	v[SERIES_error_rate_percent] = (float)of[SYSTEM_rpc].error_percent;
	v[SERIES_messages_per_second] = (float)of[SYSTEM_pubsub].per_second;
	if (of[SYSTEM_federation].is_on)
		v[SERIES_cross_cluster_latency_ms] =
		    (float)of[SYSTEM_federation].p95_ms;
	if (of[SYSTEM_queue].is_on)
		v[SERIES_pool_requests_per_second] =
		    (float)of[SYSTEM_queue].per_second;
}

static void
put_gauges(const struct records *r, float *v)
{
	const struct world *w = r->world;

	v[SERIES_active_correlations] =
	    (float)world_gauge(w, COUNTER_gateway_in_flight);
	v[SERIES_connections] =
	    (float)world_gauge(w, COUNTER_gateway_connections);
	v[SERIES_pool_in_flight] =
	    (float)world_gauge(w, COUNTER_worker_pool_in_flight);
	v[SERIES_pool_queued] =
	    (float)world_gauge(w, COUNTER_worker_pool_queued);
}

static void
put_machine(const struct records *r, float *v)
{
	const struct machine *m = &r->machine;

	v[SERIES_cpu_percent] = (float)m->cpu_percent;
	v[SERIES_memory_percent] = (float)machine_percent(
	    (double)m->memory_used, (double)m->memory_total);
	v[SERIES_tree_memory_bytes] = (float)tree_bytes(r);
	v[SERIES_disk_percent] =
	    (float)machine_percent((double)m->disk_used, (double)m->disk_total);
	v[SERIES_network_bytes_per_second] = (float)m->network_per_second;
}

/* put_pools: a column a pool, made when the pool is first seen. */
static void
put_pools(const struct records *r, float *v)
{
	struct text list = gather_of(&r->gather, GATHERED_pools);
	struct unpacker u;
	struct text map, name;
	char column[SERIES_NAME];
	uint32_t count = 0;

	if (!gather_is_fresh(&r->gather, GATHERED_pools) ||
	    unpack_map_find(list, TEXT("pools"), &list) != OK)
		return;
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &map) == OK; i++) {
		uint64_t busy = 0, workers = 0;

		(void)!unpack_field_u64(map, "busy", &busy);
		(void)!unpack_field_u64(map, "workers", &workers);
		if (unpack_field_text(map, "name", &name) != OK ||
		    snprintf(column, sizeof(column), "pool_utilization.%.*s",
			TEXT_ARG(name)) >= (int)sizeof(column))
			continue;
		uint32_t at = series_column(r->history.series, text_of(column));
		if (at != SERIES_NONE)
			v[at] = (float)machine_percent(
			    (double)busy, (double)workers);
	}
}

static void
point_is_due(void *ctx)
{
	struct records *r = ctx;
	struct loop *loop = worker_loop(r->worker);
	struct series_point p = {.at_ms = (int64_t)loop_now_ms(loop),
	    .wall_ms = (int64_t)clock_wall_ms()};

	series_blank(&p);
	put_systems(r, p.values);
	put_gauges(r, p.values);
	put_machine(r, p.values);
	put_pools(r, p.values);
	history_add(&r->history, &p);
	loop_timer_start(loop, &r->point, loop_now_ms(loop) + r->interval_ms);
}

/* --- life --- */

void
records_start(struct worker *w, struct records **records)
{
	struct records *r = MEMORY_NEW(struct records);
	const struct settings *s = worker_settings(w);
	const uint32_t sizes[SERIES_RINGS] = {
	    [SERIES_FINE] =
		(uint32_t)settings_u64(s, SETTING_history_fine_points),
	    [SERIES_COARSE] =
		(uint32_t)settings_u64(s, SETTING_history_coarse_points),
	};
	uint64_t now_ms = loop_now_ms(worker_loop(w));

	r->worker = w;
	r->interval_ms = settings_u64(s, SETTING_history_interval_ms);
	r->look = (struct loop_timer){.due = look_is_due, .ctx = r};
	r->point = (struct loop_timer){.due = point_is_due, .ctx = r};
	arena_init(&r->arena);
	world_create(&r->world);
	history_open(&r->history, w, sizes);
	gather_start(&r->gather, w);
	records_bus_start(&r->bus, worker_state(w));
	look(r);
	loop_timer_start(worker_loop(w), &r->look, now_ms + LOOK_MS);
	loop_timer_start(worker_loop(w), &r->point, now_ms + r->interval_ms);
	*records = r;
}

void
records_stop(struct records **records)
{
	struct records *r = *records;

	if (r == NULL)
		return;
	loop_timer_stop(worker_loop(r->worker), &r->look);
	loop_timer_stop(worker_loop(r->worker), &r->point);
	records_bus_stop(&r->bus);
	gather_stop(&r->gather);
	history_close(&r->history);
	world_destroy(&r->world);
	arena_finish(&r->arena);
	memory_free(r);
	*records = NULL;
}

struct records *
records_of(const struct page *page)
{
	return page->monitor->records;
}

uint64_t
records_since(const struct records *r, enum counter id)
{
	return world_total(r->world, id) - r->reset[id];
}

double
records_average_us(const struct records *r, enum histogram id)
{
	uint64_t n = world_samples(r->world, id) - r->reset_samples[id];
	uint64_t sum = world_sum(r->world, id) - r->reset_sums[id];

	return n > 0 ? (double)sum / (double)n : 0;
}

void
records_reset(struct records *r)
{
	for (int i = 0; i < COUNTERS; i++)
		r->reset[i] = world_total(r->world, (enum counter)i);
	for (int i = 0; i < HISTOGRAMS; i++) {
		enum histogram id = (enum histogram)i;

		r->reset_samples[i] = world_samples(r->world, id);
		r->reset_sums[i] = world_sum(r->world, id);
	}
	r->reset_unreadable = records_events(r, EVENT_store_unreadable);
	r->reset_wall_ms = clock_wall_ms();
}
