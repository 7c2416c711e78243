// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A message is one record as its page packs it: the pages are run, and their
 * records taken out of what they packed. The bus has a node and a timestamp
 * of its own, so the record's are left out.
 */

#include "workers/monitor/records_bus.h"

#include "protocol/base/buffer.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"

enum {
	PAGE_MOST = 4 << 20
};

/* What is published: each record of a section, or the section itself. */
struct publication {
	const char *topic;
	const char *message;
	page_handler *handler;
	const char *section;
};

static const struct publication of_health[] = {
    {"health/cluster", "cluster_health_updated", page_health_cluster,
	"cluster_health"},
    {"health/node", "node_health_updated", page_health_nodes, "nodes"},
    {"health/component", "component_health_updated", page_health_components,
	"components"},
    {"health/subscription", "subscription_health", page_health_subscriptions,
	"subscriptions"},
    {"health/subscriptions", "subscription_health_summary",
	page_health_subscriptions, "summary"},
    {"health/summary", "health_summary", page_health_summary, "health_summary"},
};

static const struct publication of_metrics[] = {
    {"metrics/throughput", "throughput_metric", page_metrics_throughput,
	"throughput"},
    {"metrics/latency", "latency_metric", page_metrics_latency,
	"latency_metrics"},
    {"metrics/resources", "resource_usage", page_metrics_resources,
	"resources"},
    {"metrics/performance", "metrics_update", page_metrics_performance,
	"performance"},
    {"metrics/persistence", "metrics_update", page_metrics_persistence,
	"persistence_snapshots"},
};

struct record {
	const char *message;
	struct text map;
};

static bool
is_of_bus(struct text key)
{
	return text_is(key, "node") || text_is(key, "timestamp");
}

/* each_pair packs the pairs of a record, or only counts them. */
static uint32_t
each_pair(struct text map, struct packer *p)
{
	struct unpacker u;
	struct text key, value;
	uint32_t listed = 0, count = 0;

	unpack_init(&u, map);
	if (unpack_map(&u, &listed) != OK)
		return 0;
	for (uint32_t i = 0; i < listed; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &value) != OK)
			break;
		if (is_of_bus(key))
			continue;
		count++;
		if (p == NULL)
			continue;
		pack_text(p, key);
		pack_raw(p, value);
	}
	return count;
}

static void
pack_record(struct packer *p, void *ctx)
{
	const struct record *record = ctx;

	pack_field_string(p, "message", record->message);
	(void)each_pair(record->map, p);
}

/* publish_one: what the bus could not take, it has counted. */
static void
publish_one(struct monitor *m, const struct publication *what, struct text map)
{
	struct record record = {.message = what->message, .map = map};

	(void)!bus_publish(
	    m, what->topic, 1 + each_pair(map, NULL), pack_record, &record);
}

static void
publish_section(
    struct monitor *m, const struct publication *what, struct text section)
{
	struct unpacker u;
	struct text map;
	uint32_t count = 0;

	unpack_init(&u, section);
	if (unpack_array(&u, &count) != OK) {
		publish_one(m, what, section);
		return;
	}
	for (uint32_t i = 0; i < count && unpack_raw(&u, &map) == OK; i++)
		publish_one(m, what, map);
}

static void
publish(struct monitor *m, const struct publication *what)
{
	struct arena arena;
	struct buffer bytes;
	struct packer p;
	struct page page;
	struct text section;

	arena_init(&arena);
	buffer_init(&bytes, PAGE_MOST);
	pack_init(&p, &bytes);
	page_init(&page, m, &arena, &p, TEXT(""));
	if (page_run(&page, what->handler) == PAGE_OK &&
	    unpack_map_find(
		buffer_text(&bytes), text_of(what->section), &section) == OK)
		publish_section(m, what, section);
	page_close(&page);
	buffer_finish(&bytes);
	arena_finish(&arena);
}

static void
publish_all(struct monitor *m, const struct publication *list, size_t count)
{
	for (size_t i = 0; bus_has_listeners(m) && i < count; i++)
		publish(m, &list[i]);
}

static void
start_timer(
    struct records_bus *b, struct loop_timer *timer, enum setting interval)
{
	struct worker *w = b->monitor->worker;

	loop_timer_start(worker_loop(w), timer,
	    loop_now_ms(worker_loop(w)) +
		settings_u64(worker_settings(w), interval));
}

static void
health_is_due(void *ctx)
{
	struct records_bus *b = ctx;

	publish_all(b->monitor, of_health, COUNT_OF(of_health));
	start_timer(b, &b->health, SETTING_telemetry_bus_health_interval_ms);
}

static void
metrics_are_due(void *ctx)
{
	struct records_bus *b = ctx;

	publish_all(b->monitor, of_metrics, COUNT_OF(of_metrics));
	start_timer(b, &b->metrics, SETTING_telemetry_bus_metrics_interval_ms);
}

void
records_bus_start(struct records_bus *b, struct monitor *m)
{
	b->monitor = m;
	b->health = (struct loop_timer){.due = health_is_due, .ctx = b};
	b->metrics = (struct loop_timer){.due = metrics_are_due, .ctx = b};
	start_timer(b, &b->health, SETTING_telemetry_bus_health_interval_ms);
	start_timer(b, &b->metrics, SETTING_telemetry_bus_metrics_interval_ms);
}

void
records_bus_stop(struct records_bus *b)
{
	struct loop *loop = worker_loop(b->monitor->worker);

	loop_timer_stop(loop, &b->health);
	loop_timer_stop(loop, &b->metrics);
}
