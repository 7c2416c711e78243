// SPDX-License-Identifier: MIT
/* diag_pages - the records of the debugger: made, listed, shown. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/census.h"
#include "protocol/settings.h"
#include "protocol/stats_tree.h"
#include "workers/kit/worker.h"
#include "workers/monitor/diag.h"
#include "workers/monitor/machine.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/tell.h"

enum {
	TRACE_MS = 1000,
	ANALYZE_MS = 5000,
	MOST_MS = 60000,
	LARGEST = 10,
	SHOWN = 100
};

/* --- two looks --- */

struct times {
	uint64_t writes[STATS_BUCKETS];
	uint64_t nodes[STATS_BUCKETS];
};

/* One page that waits for its second look; lives in the page's arena. */
struct looking {
	struct page *page;
	struct component component;
	struct component_look before;
	struct times times;
	struct loop_timer timer;
	uint64_t began_us;
	bool is_trace; /* a DebugTrace; else a PerformanceAnalysis */
};

static void
add(uint64_t *to, const struct stats_slot *s, enum histogram id)
{
	for (uint32_t i = 0; i < STATS_BUCKETS; i++)
		to[i] += atomic_load_explicit(
		    &s->histograms[id][i], memory_order_relaxed);
}

static void
look_at_times(struct page *page, const struct component *c, struct times *to)
{
	const struct stats *stats = worker_stats(page->monitor->worker);
	struct stats_child child;

	memset(to, 0, sizeof(*to));
	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++) {
		const struct stats_slot *s = stats_slot_at(stats, i);

		if (stats_child_get(stats, i, &child) != OK ||
		    child.role != (uint32_t)c->role ||
		    (c->instance != 0 && c->instance != child.instance))
			continue;
		if (c->role == ROLE_config_db)
			add(to->writes, s, HISTOGRAM_config_db_commit_us);
		else if (c->role == ROLE_relay)
			add(to->writes, s, HISTOGRAM_relay_commit_us);
		else if (c->role == ROLE_gateway)
			add(to->nodes, s, HISTOGRAM_gateway_node_us);
	}
}

static enum page_status
tell_trace(struct looking *l, const struct component_look *after,
    const struct analysis *a)
{
	struct diag_record r;
	struct packer *p = diag_begin_record(l->page, DIAGNOSTICS_TRACE, 5, &r);

	pack_field_string(p, "trace_id", r.id);
	pack_field_string(p, "component", l->component.name);
	pack_field_string(p, "trace_type", "performance_analysis");
	pack_field_u64(p, "duration_ms", a->duration_us / 1000);
	pack_string(p, "data");
	pack_map(p, 7);
	pack_field_u64(p, "function_calls", a->calls);
	pack_field_u64(p, "memory_allocations", a->allocated_bytes);
	pack_field_u64(p, "gc_collections", 0);
	pack_field_u64(p, "message_queue_length", after->queue);
	tell_number(p, "cpu_percent", a->cpu_percent);
	pack_field_u64(p, "memory_bytes", after->memory_bytes);
	pack_field_u64(p, "processes", after->processes);
	return diag_end_record(l->page, &r);
}

static void
pack_results(struct packer *p, const struct analysis *a)
{
	pack_map(p, 13);
	pack_string(p, "bottlenecks");
	pack_array(p, a->bottlenecks);
	for (int i = 0; i < BOTTLENECK_COUNT; i++)
		if (a->has[i])
			pack_string(p, bottleneck_name((enum bottleneck)i));
	pack_string(p, "recommendations");
	pack_array(p, a->bottlenecks);
	for (int i = 0; i < BOTTLENECK_COUNT; i++)
		if (a->has[i])
			pack_string(
			    p, bottleneck_recommendation((enum bottleneck)i));
	tell_number(p, "performance_score", a->score);
	tell_number(p, "cpu_percent", a->cpu_percent);
	tell_number(p, "memory_growth_percent", a->growth_percent);
	tell_number(p, "error_rate", a->error_rate);
	pack_field_u64(p, "write_p95_us", a->write_p95_us);
	pack_field_u64(p, "network_p95_us", a->network_p95_us);
	tell_number(p, "hottest_cpu_percent", a->hottest_percent);
	tell_number(p, "queue_percent", a->queue_percent);
	pack_field_u64(p, "io_wait_us", a->io_wait_us);
	pack_field_u64(p, "read_bytes", a->read_bytes);
	pack_field_u64(p, "written_bytes", a->written_bytes);
}

static enum page_status
tell_analysis(struct looking *l, const struct analysis *a)
{
	struct diag_record r;
	struct packer *p =
	    diag_begin_record(l->page, DIAGNOSTICS_ANALYSIS, 6, &r);

	pack_field_string(p, "analysis_id", r.id);
	pack_field_string(p, "component", l->component.name);
	pack_field_string(p, "analysis_type", "bottleneck_detection");
	pack_field_u64(p, "duration_ms", a->duration_us / 1000);
	pack_field_string(p, "severity", a->severity);
	pack_string(p, "results");
	pack_results(p, a);
	return diag_end_record(l->page, &r);
}

static void
look_again(void *ctx)
{
	struct looking *l = ctx;
	struct component_look after;
	struct times *now = ARENA_NEW(l->page->arena, struct times);
	struct analysis a;

	diag_look(l->page, &l->component, &after);
	look_at_times(l->page, &l->component, now);
	const struct analysis_times times = {
	    .duration_us = clock_mono_us() - l->began_us,
	    .write_p95_us = analysis_p95(
		l->times.writes, now->writes, STATS_BUCKETS, stats_bucket_top),
	    .network_p95_us = analysis_p95(
		l->times.nodes, now->nodes, STATS_BUCKETS, stats_bucket_top)};
	analysis_make(&l->before, &after, &times, &a);
	page_finish(l->page,
	    l->is_trace ? tell_trace(l, &after, &a) : tell_analysis(l, &a));
}

static enum page_status
look_twice(struct page *page, bool is_trace)
{
	struct looking *l = ARENA_NEW(page->arena, struct looking);
	struct loop *loop = worker_loop(page->monitor->worker);
	uint64_t ms = is_trace ? TRACE_MS : ANALYZE_MS;

	*l = (struct looking){.page = page, .is_trace = is_trace};
	if (!diag_component(page, &l->component))
		return page->message.len > 0 &&
			text_find(page->message, '`') >= 0
		    ? PAGE_NOT_FOUND
		    : PAGE_BAD;
	if (page_u64_in(page, "duration", 1, MOST_MS, &ms) != OK)
		return PAGE_BAD;
	l->began_us = clock_mono_us();
	diag_look(page, &l->component, &l->before);
	look_at_times(page, &l->component, &l->times);
	l->timer = (struct loop_timer){.due = look_again, .ctx = l};
	loop_timer_start(loop, &l->timer, clock_mono_ms() + ms + 1);
	return page_park(page);
}

enum page_status
page_diagnostics_trace(struct page *page)
{
	return look_twice(page, true);
}

enum page_status
page_diagnostics_analyze(struct page *page)
{
	return look_twice(page, false);
}

/* --- snapshots --- */

static void
pack_process(struct packer *p, const struct census_process *process)
{
	char name[48];

	if (process->child.instance != 0)
		snprintf(name, sizeof(name), "%s/%u",
		    role_name((enum role)process->child.role),
		    process->child.instance);
	else
		snprintf(name, sizeof(name), "%s",
		    role_name((enum role)process->child.role));
	pack_map(p, 3);
	pack_field_u64(p, "pid", process->child.pid);
	pack_field_u64(p, "memory", process->memory_bytes);
	pack_field_string(p, "name", name);
}

/* pack_largest packs those with most memory, the largest first. */
static uint32_t
pack_largest(struct page *page, const struct census *census)
{
	const struct census_process **by_size = ARENA_ARRAY(
	    page->arena, const struct census_process *, STATS_SLOTS + 1);
	uint32_t count = 0;

	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *one = &census->process[i];
		uint32_t at = count;

		if (one->child.pid == 0)
			continue;
		for (; at > 0 &&
		     by_size[at - 1]->memory_bytes < one->memory_bytes;
		     at--)
			by_size[at] = by_size[at - 1];
		by_size[at] = one;
		count++;
	}
	uint32_t shown = count < LARGEST ? count : LARGEST;
	pack_string(page->out, "largest_processes");
	pack_array(page->out, shown);
	for (uint32_t i = 0; i < shown; i++)
		pack_process(page->out, by_size[i]);
	return count;
}

static void
read_memory(uint64_t *total, uint64_t *used)
{
	char text[8192];
	size_t bytes = 0;

	*total = *used = 0;
	if (fd_read_file("/proc/meminfo", text, sizeof(text), &bytes) == OK &&
	    machine_parse_memory(
		(struct text){text, (uint32_t)bytes}, total, used) != OK)
		*total = *used = 0;
}

enum page_status
page_diagnostics_snapshot(struct page *page)
{
	const struct census *census =
	    census_take(page->arena, worker_stats(page->monitor->worker));
	struct diag_record r;
	uint64_t total, used, ours = 0;
	struct packer *p = diag_begin_record(page, DIAGNOSTICS_SNAPSHOT, 4, &r);

	read_memory(&total, &used);
	for (uint32_t i = 0; i < census->count; i++)
		ours += census->process[i].memory_bytes;
	pack_field_string(p, "snapshot_id", r.id);
	pack_field_string(p, "snapshot_type", "memory_usage");
	pack_field_string(p, "trigger_reason", "asked");
	pack_string(p, "state_data");
	pack_map(p, 5);
	pack_field_u64(p, "total_memory", total);
	pack_field_u64(p, "used_memory", used);
	pack_field_u64(p, "tree_memory", ours);
	pack_field_u64(p, "process_count", pack_largest(page, census));
	return diag_end_record(page, &r);
}

/* --- what was kept --- */

static const char *
kind_name(enum diagnostics_kind kind)
{
	static const char *const names[DIAGNOSTICS_KINDS] = {
	    [DIAGNOSTICS_TRACE] = "trace",
	    [DIAGNOSTICS_ANALYSIS] = "analysis",
	    [DIAGNOSTICS_SNAPSHOT] = "snapshot",
	};

	return names[kind];
}

enum page_status
page_diagnostics(struct page *page)
{
	const struct diagnostics *d = &page->monitor->diag->store;
	const struct diagnostics_record *r;
	struct text component = TEXT("");
	uint64_t before = UINT64_MAX, limit = SHOWN;
	uint32_t count = 0;

	if (page_u64_in(page, "limit", 1, DIAGNOSTICS_KINDS * DIAGNOSTICS_KEPT,
		&limit) != OK)
		return PAGE_BAD;
	pack_map(page->out, 1);
	pack_string(page->out, "records");
	size_t place = pack_open(page->out);
	while (count < limit && (r = diagnostics_next(d, before)) != NULL) {
		before = r->serial;
		count++;
		if (unpack_field_text(
			buffer_text(&r->map), "component", &component) != OK)
			component = TEXT("");
		pack_map(page->out, 4);
		pack_field_string(page->out, "id", r->id);
		pack_field_string(page->out, "kind", kind_name(r->kind));
		pack_string(page->out, "component");
		pack_text(page->out, component);
		pack_field_u64(page->out, "at_ms", r->wall_ms);
	}
	pack_close_array(page->out, place, count);
	return PAGE_OK;
}

enum page_status
page_diagnostic(struct page *page)
{
	const struct diagnostics_record *r = NULL;
	struct text id = TEXT("");

	if (page_text(page, "id", &id) == OK)
		r = diagnostics_find(&page->monitor->diag->store, id);
	if (r == NULL)
		return page_fail(page, PAGE_NOT_FOUND,
		    "no record is `%.*s`; `banyan diag list` lists them",
		    (int)(id.len < 64 ? id.len : 64), id.at);
	pack_map(page->out, 1);
	pack_string(page->out, "record");
	pack_raw(page->out, buffer_text(&r->map));
	return PAGE_OK;
}

static void
pack_error(struct packer *p, const struct error_group *e, const char *node)
{
	pack_map(p, 7);
	pack_field_string(p, "error_type", e->type);
	pack_field_string(p, "error_message", e->message);
	pack_field_string(p, "process", e->process);
	pack_field_u64(p, "frequency", e->frequency);
	pack_field_u64(p, "first_seen_ms", e->first_ms);
	pack_field_u64(p, "last_seen_ms", e->last_ms);
	pack_field_string(p, "node", node);
}

enum page_status
page_diagnostics_errors(struct page *page)
{
	struct diag *d = page->monitor->diag;
	const struct settings *s = worker_settings(page->monitor->worker);
	const struct error_group *e;
	uint64_t before = UINT64_MAX, limit = ERRORS_KEPT;
	uint32_t count = 0;

	if (page_u64_in(page, "limit", 1, ERRORS_KEPT, &limit) != OK)
		return PAGE_BAD;
	diag_read(d);
	pack_map(page->out, 1);
	pack_string(page->out, "errors");
	size_t place = pack_open(page->out);
	while (count < limit &&
	    (e = diagnostics_next_error(&d->store, before)) != NULL) {
		before = e->last_serial;
		pack_error(page->out, e, settings_string(s, SETTING_node));
		count++;
	}
	pack_close_array(page->out, place, count);
	return PAGE_OK;
}

/* --- the same as commands --- */

#define COMMAND(name, page) \
	void monitor_cmd_diag_##name( \
	    struct worker *w, struct command *command) \
	{ \
		page_answer_command(w, command, page); \
	}

COMMAND(trace, page_diagnostics_trace)
COMMAND(analyze, page_diagnostics_analyze)
COMMAND(snapshot, page_diagnostics_snapshot)
COMMAND(list, page_diagnostics)
COMMAND(show, page_diagnostic)
COMMAND(errors, page_diagnostics_errors)
