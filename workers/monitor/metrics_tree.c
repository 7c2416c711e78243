// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/census.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "protocol/verdict.h"
#include "workers/kit/worker.h"
#include "workers/monitor/exposition.h"
#include "workers/monitor/metrics.h"
#include "workers/monitor/monitor.h"

enum {
	CHILD_NAME = 48,
	FIRST_BOUND = 4, /* 2^4 - 1 units … */
	LAST_BOUND = 25,
};

struct teller {
	struct exposition *e;
	const struct census *census;
	char names[STATS_SLOTS][CHILD_NAME]; /* "gateway/1", by census index */
	const char *node;
};

static struct text
role_of(const struct census_process *p)
{
	return text_of(role_name((enum role)p->child.role));
}

static void
name_children(struct teller *t)
{
	for (uint32_t i = 0; i < t->census->count; i++) {
		const struct stats_child *c = &t->census->process[i].child;
		const char *role = role_name((enum role)c->role);

		if (c->instance == 0)
			snprintf(t->names[i], CHILD_NAME, "%s", role);
		else
			snprintf(t->names[i], CHILD_NAME, "%s/%u", role,
			    c->instance);
	}
}

/* --- counters, gauges, histograms: the tables --- */

/* A process's series are told apart by its role and its name in the tree.
 * (Not `instance`: that is Prometheus's own word for whom it scrapes.) */
static void
tell_of(struct teller *t, uint32_t i, double value)
{
	const struct exposition_label labels[] = {
	    {"role", role_of(&t->census->process[i])},
	    {"child", text_of(t->names[i])}};

	exposition_value(t->e, (struct exposition_labels){labels, 2}, value);
}

static void
tell_counters(struct teller *t)
{
	for (uint32_t id = 0; id < COUNTERS; id++) {
		const struct counter_info *info =
		    counter_info((enum counter)id);
		char name[EXPOSITION_NAME];
		double scale;

		exposition_name(
		    info->role, info->name, info->unit, name, &scale);
		exposition_family(t->e, name,
		    info->is_gauge ? EXPOSITION_GAUGE : EXPOSITION_COUNTER,
		    info->meaning);
		for (uint32_t i = 0; i < t->census->count; i++) {
			const struct census_process *p = &t->census->process[i];

			if (counter_is_of(
				(enum counter)id, (enum role)p->child.role))
				tell_of(t, i,
				    (double)stats_get(
					p->stats, (enum counter)id) /
					scale);
		}
	}
}

static uint64_t
in_bucket(const struct stats_slot *slot, enum histogram id, uint32_t bucket)
{
	return atomic_load_explicit(
	    &slot->histograms[id][bucket], memory_order_relaxed);
}

/* take_times adds fine buckets up to bounds where both have an edge. */
static void
take_times(const struct stats_slot *slot, enum histogram id, double scale,
    double bounds[], uint64_t at_most[], struct exposition_times *times)
{
	uint64_t sum = 0;
	uint32_t bucket = 0, n = 0;

	for (uint32_t k = FIRST_BOUND; k <= LAST_BOUND; k++, n++) {
		uint64_t top = ((uint64_t)1 << k) - 1;

		while (
		    bucket < STATS_BUCKETS && stats_bucket_top(bucket) <= top)
			sum += in_bucket(slot, id, bucket++);
		bounds[n] = (double)top / scale;
		at_most[n] = sum;
	}
	while (bucket < STATS_BUCKETS)
		sum += in_bucket(slot, id, bucket++);
	*times = (struct exposition_times){.bounds = bounds,
	    .at_most = at_most,
	    .count = n,
	    .total = sum,
	    .sum = (double)atomic_load_explicit(
		       &slot->sums[id], memory_order_relaxed) /
		scale};
}

static void
tell_histograms(struct teller *t)
{
	double bounds[EXPOSITION_BOUNDS];
	uint64_t at_most[EXPOSITION_BOUNDS];
	struct exposition_times times;

	for (uint32_t id = 0; id < HISTOGRAMS; id++) {
		const struct counter_info *info =
		    histogram_info((enum histogram)id);
		char name[EXPOSITION_NAME];
		double scale;

		exposition_name(
		    info->role, info->name, info->unit, name, &scale);
		exposition_family(
		    t->e, name, EXPOSITION_HISTOGRAM, info->meaning);
		for (uint32_t i = 0; i < t->census->count; i++) {
			const struct census_process *p = &t->census->process[i];
			const struct exposition_label labels[] = {
			    {"role", role_of(p)},
			    {"child", text_of(t->names[i])}};

			if (!histogram_is_of(
				(enum histogram)id, (enum role)p->child.role))
				continue;
			take_times(p->stats, (enum histogram)id, scale, bounds,
			    at_most, &times);
			exposition_times(t->e,
			    (struct exposition_labels){labels, 2}, &times);
		}
	}
}

/* --- health --- */

static void
tell_gauge(struct teller *t, const char *name, double value, const char *help)
{
	exposition_family(t->e, name, EXPOSITION_GAUGE, help);
	exposition_value(t->e, (struct exposition_labels){0}, value);
}

static enum verdict
tell_components(struct teller *t)
{
	enum verdict worst = VERDICT_OK;
	const char *reason;

	exposition_family(t->e, "component_status", EXPOSITION_GAUGE,
	    "0 healthy, 1 degraded, 2 unhealthy, 3 unknown; of each process");
	for (uint32_t i = 0; i < t->census->count; i++) {
		const struct census_process *p = &t->census->process[i];
		const struct exposition_label label = {
		    "component", text_of(t->names[i])};
		enum verdict v;

		if (!census_is_child(p))
			continue;
		v = verdict_of_process(p, &reason);
		worst = verdict_worst(worst, v);
		exposition_value(
		    t->e, (struct exposition_labels){&label, 1}, (double)v);
	}
	return worst;
}

static void
tell_nodes(struct teller *t, enum verdict worst)
{
	const char *reason;
	uint32_t children = 0, running = 0;
	enum verdict tree;

	for (uint32_t i = 0; i < t->census->count; i++) {
		const struct census_process *p = &t->census->process[i];

		if (!census_is_child(p))
			continue;
		children++;
		running += p->child.state == CHILD_UP;
	}
	tree = verdict_worst(worst,
	    verdict_of_tree(t->census->flags, children, running, &reason));
	tell_gauge(t, "total_nodes", 1, "trees in this cluster");
	tell_gauge(t, "healthy_nodes", tree == VERDICT_OK, "trees all well");
	tell_gauge(t, "degraded_nodes", tree == VERDICT_DEGRADED,
	    "trees that work and want somebody to look");
	tell_gauge(t, "unhealthy_nodes", tree == VERDICT_ERROR,
	    "trees that do not work");
	tell_gauge(t, "quorum", 1, "1: most trees of this cluster are there");
}

static void
tell_performance_of(
    struct teller *t, uint32_t i, const char *metric, double value)
{
	const struct exposition_label labels[] = {
	    {"component", text_of(t->names[i])}, {"node", text_of(t->node)},
	    {"metric", text_of(metric)}};

	exposition_value(t->e, (struct exposition_labels){labels, 3}, value);
}

static void
tell_performance(struct teller *t)
{
	exposition_family(t->e, "performance", EXPOSITION_GAUGE,
	    "figures of each process, by the name in `metric`");
	for (uint32_t i = 0; i < t->census->count; i++) {
		const struct census_process *p = &t->census->process[i];
		uint64_t started_ms = p->child.started_ms;

		tell_performance_of(
		    t, i, "memory_bytes", (double)p->memory_bytes);
		tell_performance_of(t, i, "life", (double)p->child.life);
		if (started_ms > 0 && started_ms <= t->census->now_ms)
			tell_performance_of(t, i, "uptime_seconds",
			    (double)(t->census->now_ms - started_ms) / 1e3);
	}
}

/* --- pools --- */

static const struct {
	const char *key, *name, *help;
	enum exposition_type type;
} pool_figures[] = {
    {"workers", "pool_capacity_workers", "workers that are alive",
	EXPOSITION_GAUGE},
    {"available", "pool_capacity_available", "calls it could take now",
	EXPOSITION_GAUGE},
    {"busy", "pool_capacity_used", "calls on its workers", EXPOSITION_GAUGE},
    {"queued", "pool_queued", "calls that wait for a worker", EXPOSITION_GAUGE},
    {"circuit_open", "pool_circuit_open",
	"1 while its calls are refused for a while", EXPOSITION_GAUGE},
    {"requests", "pool_requests", "calls it was given", EXPOSITION_COUNTER},
    {"errors", "pool_errors", "calls that failed", EXPOSITION_COUNTER},
    {"queued_total", "pool_queued_calls", "calls that had to wait",
	EXPOSITION_COUNTER},
    {"queue_timeouts", "pool_queue_timeouts", "calls that waited too long",
	EXPOSITION_COUNTER},
    {"pool_saturated", "pool_saturated",
	"calls refused because the queue was full", EXPOSITION_COUNTER},
};

/* figure_of reads a number or a bool of a pool's row; false: not there. */
static bool
figure_of(struct text row, const char *key, double *to)
{
	uint64_t number;
	bool flag;

	if (unpack_field_u64(row, key, &number) == OK) {
		*to = (double)number;
		return true;
	}
	if (unpack_field_bool(row, key, &flag) != OK)
		return false;
	*to = flag;
	return true;
}

static void
tell_pool_figure(struct teller *t, struct text rows, size_t figure)
{
	struct unpacker u;
	uint32_t count;

	exposition_family(t->e, pool_figures[figure].name,
	    pool_figures[figure].type, pool_figures[figure].help);
	unpack_init(&u, rows);
	if (unpack_array(&u, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		struct exposition_label label = {.name = "pool"};
		struct text row;
		double value;

		if (unpack_raw(&u, &row) != OK)
			return;
		if (unpack_field_text(row, "name", &label.value) == OK &&
		    figure_of(row, pool_figures[figure].key, &value))
			exposition_value(
			    t->e, (struct exposition_labels){&label, 1}, value);
	}
}

static void
tell_pools(struct teller *t, struct text answer)
{
	struct text rows;

	if (answer.len == 0 ||
	    unpack_map_find(answer, TEXT("pools"), &rows) != OK)
		return;
	for (size_t i = 0; i < COUNT_OF(pool_figures); i++)
		tell_pool_figure(t, rows, i);
}

/* --- all --- */

static void
tell_build(struct teller *t)
{
	const struct exposition_label labels[] = {
	    {"version", TEXT(BANYAN_VERSION)}, {"node", text_of(t->node)}};

	exposition_family(t->e, "build_info", EXPOSITION_GAUGE,
	    "always 1; the version and the node are in its labels");
	exposition_value(t->e, (struct exposition_labels){labels, 2}, 1);
}

static void
tell_itself(struct teller *t)
{
	tell_gauge(t, "exposition_series", (double)t->e->series,
	    "series of this answer, without the last");
	tell_gauge(t, "exposition_series_over", (double)t->e->over,
	    "series of this answer that are summed as __other__; see "
	    "prometheus.max_series");
}

void
metrics_tell(struct monitor *monitor, struct exposition *e, struct text pools)
{
	struct worker *w = monitor->worker;
	struct arena arena;
	struct teller t = {.e = e};

	arena_init(&arena);
	t.census = census_take(&arena, worker_stats(w));
	t.node = settings_string(worker_settings(w), SETTING_node);
	name_children(&t);
	tell_build(&t);
	tell_nodes(&t, tell_components(&t));
	tell_performance(&t);
	tell_pools(&t, pools);
	metrics_tell_world(monitor, e);
	tell_counters(&t);
	tell_histograms(&t);
	/* the last: of most series, and the first that a ceiling cuts */
	metrics_tell_functions(monitor, e, &arena, t.census);
	tell_itself(&t);
	arena_finish(&arena);
}
