// SPDX-License-Identifier: MIT
/* records_metrics - throughput, latency, resources, connections and what is
 * kept on disk. */

#include <sys/stat.h>

#include "workers/kit/worker.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

/* --- per operation, over the last minute --- */

static void
pack_throughput(struct packer *p, const struct records *r, enum operation op)
{
	enum counter counter = operation_counter(op);

	pack_map(p, 6);
	pack_field_string(p, "operation", operation_name(op));
	pack_field_u64(p, "count", world_recent(r->world, counter));
	pack_field_u64(p, "duration_ms", world_window_ms(r->world));
	tell_number(p, "rate_per_sec", world_rate(r->world, counter));
	pack_field_string(p, "node", records_node(r));
	tell_time(p, "timestamp", r->census.wall_ms);
}

enum page_status
page_metrics_throughput(struct page *page)
{
	pack_map(page->out, 1);
	pack_string(page->out, "throughput");
	pack_array(page->out, OPERATIONS);
	for (int i = 0; i < OPERATIONS; i++)
		pack_throughput(page->out, records_of(page), (enum operation)i);
	return PAGE_OK;
}

static void
pack_latency(struct packer *p, const struct records *r, enum operation op)
{
	struct world_times t;

	world_times_of(r->world, operation_histogram(op), &t);
	pack_map(p, 11);
	pack_field_string(p, "operation", operation_name(op));
	pack_field_u64(p, "sample_count", t.count);
	pack_field_string(p, "unit", "ms");
	tell_ms(p, "p50", (double)t.p50 / 1000);
	tell_ms(p, "p95", (double)t.p95 / 1000);
	tell_ms(p, "p99", (double)t.p99 / 1000);
	tell_ms(p, "min", (double)t.least / 1000);
	tell_ms(p, "max", (double)t.most / 1000);
	tell_ms(p, "avg", t.average / 1000);
	pack_field_string(p, "node", records_node(r));
	tell_time(p, "timestamp", r->census.wall_ms);
}

/* pack_percentiles tells the same as records of one figure each. */
static void
pack_percentiles(struct packer *p, const struct records *r, enum operation op)
{
	struct world_times t;

	world_times_of(r->world, operation_histogram(op), &t);
	const struct {
		const char *name;
		double us;
	} rows[] = {{"p50", (double)t.p50}, {"p95", (double)t.p95},
	    {"p99", (double)t.p99}, {"max", (double)t.most},
	    {"min", (double)t.least}, {"avg", t.average}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		pack_map(p, 6);
		pack_field_string(p, "operation", operation_name(op));
		tell_ms(p, "latency_ms", rows[i].us / 1000);
		pack_field_string(p, "percentile", rows[i].name);
		pack_field_u64(p, "sample_count", t.count);
		pack_field_string(p, "node", records_node(r));
		tell_time(p, "timestamp", r->census.wall_ms);
	}
}

enum page_status
page_metrics_latency(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;

	pack_map(p, 2);
	pack_string(p, "latency");
	pack_array(p, OPERATIONS);
	for (int i = 0; i < OPERATIONS; i++)
		pack_latency(p, r, (enum operation)i);
	pack_string(p, "latency_metrics");
	pack_array(p, OPERATIONS * 6);
	for (int i = 0; i < OPERATIONS; i++)
		pack_percentiles(p, r, (enum operation)i);
	return PAGE_OK;
}

/* --- resources --- */

struct resource {
	const char *type, *unit, *source;
	double total, used;
};

static void
pack_resource(
    struct packer *p, const struct records *r, const struct resource *of)
{
	pack_map(p, 8);
	pack_field_string(p, "resource_type", of->type);
	tell_number(p, "usage_percent", machine_percent(of->used, of->total));
	tell_number(p, "total_available", of->total);
	tell_number(p, "current_used", of->used);
	pack_field_string(p, "unit", of->unit);
	pack_field_string(p, "source", of->source);
	pack_field_string(p, "node", records_node(r));
	tell_time(p, "timestamp", r->census.wall_ms);
}

enum page_status
page_metrics_resources(struct page *page)
{
	const struct records *r = records_of(page);
	const struct machine *m = &r->machine;
	const struct resource all[] = {
	    {"cpu", "cores", "/proc/stat", m->cores,
		m->cpu_percent * m->cores / 100},
	    {"memory", "bytes", "/proc/meminfo", (double)m->memory_total,
		(double)m->memory_used},
	    {"disk", "bytes", worker_state_dir(r->worker),
		(double)m->disk_total, (double)m->disk_used},
	    {"network", "bytes/s",
		m->network_is_assumed
		    ? "/proc/net/dev without lo; 10 Gbit/s assumed"
		    : "/proc/net/dev without lo",
		(double)m->network_capacity, m->network_per_second},
	};

	pack_map(page->out, 1);
	pack_string(page->out, "resources");
	pack_array(page->out, COUNT_OF(all));
	for (size_t i = 0; i < COUNT_OF(all); i++)
		pack_resource(page->out, r, &all[i]);
	return PAGE_OK;
}

/* --- connections --- */

enum page_status
page_metrics_connections(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct records_connections c;

	records_connections(r, &c);
	pack_map(p, 1);
	pack_string(p, "connections");
	pack_map(p, 5);
	pack_field_u64(p, "total_connections", c.total);
	pack_field_u64(p, "active_connections", c.active);
	tell_number(p, "connection_success_rate", c.success_percent);
	tell_ms(p, "average_connection_latency_ms",
	    r->systems.of[SYSTEM_rpc].average_ms);
	pack_string(p, "connections_by_cluster");
	pack_map(p, 1);
	pack_field_u64(p, records_node(r), c.active);
	return PAGE_OK;
}

/* --- persistence: the store of config_db --- */

/* count_of: how many items a gathered answer lists under that key. */
static uint32_t
count_of(const struct records *r, enum gathered which, const char *key)
{
	struct text list = gather_of(&r->gather, which);
	struct unpacker u;
	uint32_t count = 0;

	if (list.len == 0 ||
	    (key != NULL && unpack_map_find(list, text_of(key), &list) != OK))
		return 0;
	unpack_init(&u, list);
	return unpack_array(&u, &count) == OK ? count : 0;
}

void
records_pack_kinds(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct records_peer *peers;

	pack_field_u64(p, "queues", count_of(r, GATHERED_pools, "pools"));
	/* every gateway holds a copy of the compiled functions */
	pack_field_u64(
	    p, "caches", world_gauge(r->world, COUNTER_gateway_functions) > 0);
	pack_field_u64(p, "cache_profiles",
	    world_gauge(r->world, COUNTER_rate_limiter_limits));
	pack_field_u64(p, "nodes", records_nodes(r, page->arena, &peers));
}

static void
pack_entries(struct page *page, uint64_t functions)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;

	pack_map(p, 7);
	pack_field_u64(p, "functions", functions);
	pack_field_u64(
	    p, "topics", world_gauge(r->world, COUNTER_relay_groups));
	pack_field_u64(
	    p, "services", world_gauge(r->world, COUNTER_puller_services));
	records_pack_kinds(page);
}

static void
pack_fabric(struct page *page, uint64_t saved_ms)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	uint64_t functions = world_gauge(r->world, COUNTER_config_db_functions);
	struct records_peer *peers;
	uint32_t nodes = records_peers(r, page->arena, &peers);

	pack_map(p, 8);
	pack_string(p, "catalog_entries");
	pack_entries(page, functions);
	pack_string(p, "route_keys");
	pack_map(p, 2);
	pack_field_u64(p, "clusters", 1);
	pack_field_u64(p, "active_keys", nodes);
	tell_seconds(p, "snapshot_last_saved_at", saved_ms);
	tell_seconds(p, "snapshot_last_restored_at", r->restored_wall_ms);
	pack_string(p, "snapshot_saved_counts");
	pack_map(p, 2);
	pack_field_u64(p, "functions", functions);
	pack_field_u64(p, "failed_configs",
	    world_gauge(r->world, COUNTER_config_db_failed_configs));
	pack_string(p, "snapshot_restored_counts");
	pack_map(p, 1);
	pack_field_u64(p, "functions", r->restored_functions);
	pack_field_u64(p, "snapshot_saved_route_keys", nodes);
	/* links are dialled anew by each gateway, never read from a disk */
	pack_field_u64(p, "snapshot_restored_route_keys", 0);
}

enum page_status
page_metrics_persistence(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct text folder = arena_printf(
	    page->arena, "%s/config_db", worker_state_dir(r->worker));
	struct text file = arena_printf(page->arena, "%s/data.mdb", folder.at);
	bool is_sick =
	    world_gauge(r->world, COUNTER_config_db_is_degraded) != 0;
	uint64_t saved_ms =
	    world_gauge(r->world, COUNTER_config_db_saved_at_ms);
	struct stat at;

	/* kept by the tree before this one; later its time says nothing: writes
	 * that fail move it too */
	if (saved_ms == 0 && stat(file.at, &at) == 0)
		saved_ms = (uint64_t)at.st_mtim.tv_sec * 1000 +
		    (uint64_t)at.st_mtim.tv_nsec / 1000000;
	pack_map(p, 1);
	pack_string(p, "persistence_snapshots");
	pack_map(p, 6);
	pack_field_bool(p, "enabled", true);
	pack_field_string(p, "mode", is_sick ? "memory" : "file");
	pack_string(p, "data_dir");
	pack_text(p, folder);
	pack_string(p, "sqlite_path"); /* the seed's word; it is LMDB */
	pack_text(p, file);
	pack_field_bool(
	    p, "registry_open", world_is_up(r->world, ROLE_config_db));
	pack_string(p, "fabric");
	pack_fabric(page, saved_ms);
	return PAGE_OK;
}
