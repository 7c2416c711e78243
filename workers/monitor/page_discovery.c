// SPDX-License-Identifier: MIT
/*
 * page_discovery - /discovery/…: which services there are, how fresh that is,
 * and the stream of changes.
 */

#include "protocol/base/clock.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/monitor/catalog.h"
#include "workers/monitor/catalog_query.h"
#include "workers/monitor/discovery_page.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/page_ask.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"

static const struct discovery *
discovery_of(const struct page *page)
{
	return catalog_discovery(page->monitor->catalog);
}

static void
pack_age(struct packer *p, const char *key, uint64_t wall_ms, uint64_t now_ms)
{
	pack_string(p, key);
	if (wall_ms == 0)
		pack_nil(p);
	else
		pack_f64(p,
		    now_ms > wall_ms ? (double)(now_ms - wall_ms) / 1000 : 0.0);
}

static const char *
node_of(const struct page *page)
{
	return settings_string(discovery_settings(page), SETTING_node);
}

/* counter_of sums a counter over all processes of its role. */
static uint64_t
counter_of(const struct page *page, enum counter id)
{
	const struct stats *stats = worker_stats(page->monitor->worker);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		const struct stats_slot *slot = stats_slot_at(stats, i);
		enum role role = (enum role)atomic_load(&slot->role);

		if (counter_is_of(id, role))
			sum += stats_get(slot, id);
	}
	return sum;
}

/* ---- summaries ---- */

static void
pack_namespace(struct packer *p, const struct discovery_service *s)
{
	pack_map(p, 5);
	pack_field_string(p, "namespace", s->name);
	pack_field_u64(p, "exports_total", s->exports);
	pack_field_u64(p, "summaries_exported", s->summaries);
	discovery_pack_when(p, "last_export_at", s->exported_at_ms);
	pack_field_u64(p, "last_export_count", s->exported_count);
}

static void
pack_names(struct packer *p, const char *key, const struct discovery *d)
{
	pack_string(p, key);
	pack_array(p, d->count);
	for (uint32_t i = 0; i < d->count; i++)
		pack_string(p, d->services[i].name);
}

enum page_status
page_discovery_summary(struct page *page)
{
	const struct discovery *d = discovery_of(page);
	struct packer *p = page->out;
	char scope[16];

	pack_map(p, 1);
	pack_string(p, "summary_export");
	if (!d->rules.exports) {
		pack_map(p, 1);
		pack_field_bool(p, "enabled", false);
		return PAGE_OK;
	}
	pack_map(p, 16);
	pack_field_bool(p, "enabled", true);
	discovery_pack_when(p, "generated_at", clock_wall_ms());
	pack_field_u64(p, "interval_seconds", d->rules.interval_ms / 1000);
	pack_field_string(p, "export_scope",
	    settings_choice_word(discovery_settings(page),
		SETTING_discovery_scope, scope, sizeof(scope)));
	pack_field_u64(p, "hold_down_seconds", 0);
	pack_field_u64(p, "store_forward_seconds", 0);
	pack_field_u64(p, "store_forward_max_messages", DISCOVERY_CHANGES);
	pack_names(p, "configured_namespaces", d);
	pack_field_u64(p, "exports_total", d->exports);
	pack_field_u64(p, "summaries_exported", d->summaries);
	discovery_pack_when(p, "last_export_at", d->exported_at_ms);
	pack_field_u64(p, "last_export_count", d->exported_count);
	pack_names(p, "last_export_namespaces", d);
	pack_field_u64(p, "hold_downs_total", 0);
	pack_field_u64(p, "store_forward_queued", 0);
	pack_string(p, "per_namespace");
	pack_array(p, d->count);
	for (uint32_t i = 0; i < d->count; i++)
		pack_namespace(p, &d->services[i]);
	return PAGE_OK;
}

/* ---- the cache ---- */

static void
pack_entries(struct page *page, const struct discovery *d)
{
	struct packer *p = page->out;

	pack_string(p, "entry_counts");
	pack_map(p, 7);
	pack_field_u64(
	    p, "functions", counter_of(page, COUNTER_config_db_functions));
	pack_field_u64(
	    p, "topics", discovery_items(page, SETTING_gateway_channels));
	pack_field_u64(p, "services", d->count);
	records_pack_kinds(page);
}

static void
pack_deltas(struct page *page, const struct discovery *d)
{
	struct packer *p = page->out;

	pack_string(p, "stats");
	pack_map(p, 12);
	pack_field_u64(p, "deltas_applied", d->deltas);
	pack_field_u64(
	    p, "deltas_skipped", counter_of(page, COUNTER_puller_unchanged));
	pack_field_u64(p, "deltas_invalid", d->lists_invalid);
	pack_field_u64(p, "last_delta_id", d->deltas);
	pack_field_string(p, "last_delta_service", d->delta_service);
	pack_field_string(p, "last_delta_cluster", node_of(page));
	discovery_pack_when(p, "last_delta_at", d->delta_at_ms);
	pack_field_u64(p, "last_delta_counts", d->delta_functions);
	discovery_pack_when(p, "last_seed_at", d->seed_at_ms);
	pack_field_u64(p, "last_seed_counts", d->count);
	discovery_pack_when(p, "last_prune_at", d->prune_at_ms);
	pack_field_u64(p, "last_prune_counts", d->prune_count);
}

static void
pack_queries(struct page *page)
{
	struct packer *p = page->out;
	uint64_t calls = counter_of(page, COUNTER_gateway_calls);
	uint64_t missed = counter_of(page, COUNTER_gateway_not_found);

	pack_string(p, "query_cache");
	pack_map(p, 12);
	pack_field_u64(
	    p, "catalog_entries", counter_of(page, COUNTER_gateway_functions));
	pack_field_u64(p, "catalog_hits", calls > missed ? calls - missed : 0);
	pack_field_u64(p, "catalog_misses", missed);
	/* a gateway's table is the store's or is read again: nothing stale is
	 * served, and what is not there is not remembered */
	pack_field_u64(p, "catalog_stale_serves", 0);
	pack_field_u64(p, "catalog_negative_hits", 0);
	pack_field_u64(
	    p, "catalog_refreshes", counter_of(page, COUNTER_gateway_compiled));
	/* and the map of a cluster of one tree is this process's own memory */
	pack_field_u64(p, "cluster_map_entries", 1);
	pack_field_u64(p, "cluster_map_hits", 0);
	pack_field_u64(p, "cluster_map_misses", 0);
	pack_field_u64(p, "cluster_map_stale_serves", 0);
	pack_field_u64(p, "cluster_map_negative_hits", 0);
	pack_field_u64(p, "cluster_map_refreshes", 0);
}

/* pack_summaries: of this tree's own services, no others send any. */
static void
pack_summaries(struct page *page, const struct discovery *d)
{
	struct packer *p = page->out;

	pack_string(p, "summary_cache");
	pack_map(p, 6);
	pack_field_bool(p, "enabled", d->rules.exports);
	discovery_pack_when(p, "generated_at", clock_wall_ms());
	pack_names(p, "namespaces", d);
	pack_string(p, "entry_counts");
	pack_map(p, 1);
	pack_field_u64(p, "summaries", d->rules.exports ? d->count : 0);
	pack_field_u64(p, "summaries", d->rules.exports ? d->count : 0);
	pack_string(p, "stats");
	pack_map(p, 9);
	pack_field_u64(p, "messages_applied", d->exports);
	pack_field_u64(p, "messages_skipped", 0);
	pack_field_u64(p, "messages_invalid", d->lists_invalid);
	pack_field_u64(p, "summaries_applied", d->summaries);
	pack_field_u64(p, "summaries_expired", d->prunes);
	discovery_pack_when(p, "last_message_at", d->exported_at_ms);
	pack_field_string(p, "last_source_cluster", node_of(page));
	pack_field_string(p, "last_source_node", node_of(page));
	discovery_pack_when(p, "last_prune_at", d->prune_at_ms);
}

/* pack_spaces: services that are pulled, and those of every function; without
 * the store's answer the former alone. */
static void
pack_spaces(struct page *page, struct text functions)
{
	const struct gather *g = &page->monitor->records->gather;

	pack_string(page->out, "namespaces");
	catalog_spaces(functions, gather_of(g, GATHERED_services), page->out);
}

static enum page_status
take_cache(struct page *page, struct text functions)
{
	const struct discovery *d = discovery_of(page);
	struct packer *p = page->out;

	pack_map(p, 2);
	pack_string(p, "resolver_cache");
	pack_map(p, 6);
	pack_field_bool(p, "enabled", true);
	discovery_pack_when(p, "generated_at", clock_wall_ms());
	pack_spaces(page, functions);
	pack_entries(page, d);
	pack_deltas(page, d);
	pack_queries(page);
	pack_summaries(page, d);
	return PAGE_OK;
}

enum page_status
page_discovery_cache(struct page *page)
{
	return page_ask(page,
	    &(struct page_question){.role = ROLE_config_db,
		.op = "functions.list",
		.take = take_cache,
		.is_optional = true});
}

/* ---- lag ---- */

enum page_status
page_discovery_lag(struct page *page)
{
	const struct discovery *d = discovery_of(page);
	struct packer *p = page->out;
	uint64_t now_ms = clock_wall_ms();

	pack_map(p, 1);
	pack_string(p, "lag");
	pack_map(p, 9);
	discovery_pack_when(p, "generated_at", now_ms);
	pack_field_bool(p, "resolver_enabled", true);
	discovery_pack_when(p, "last_delta_at", d->delta_at_ms);
	pack_age(p, "delta_lag_seconds", d->delta_at_ms, now_ms);
	discovery_pack_when(p, "last_seed_at", d->seed_at_ms);
	pack_field_bool(p, "summary_export_enabled", d->rules.exports);
	discovery_pack_when(p, "last_summary_export_at", d->exported_at_ms);
	pack_age(p, "summary_export_lag_seconds", d->exported_at_ms, now_ms);
	pack_string(p, "per_namespace");
	pack_array(p, d->count);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct discovery_service *s = &d->services[i];

		pack_map(p, 4);
		pack_field_string(p, "namespace", s->name);
		pack_field_bool(p, "is_up", s->is_up);
		discovery_pack_when(p, "last_delta_at", s->pulled_at_ms);
		pack_age(p, "delta_lag_seconds", s->pulled_at_ms, now_ms);
	}
	return PAGE_OK;
}

/* ---- the stream ---- */

enum page_status
page_discovery_changes(struct page *page)
{
	const struct discovery *d = discovery_of(page);
	const struct discovery_change *c;
	struct packer *p = page->out;
	uint64_t after = d->sequence;
	uint32_t count = 0;

	if (page_u64_in(page, "after", 0, UINT64_MAX, &after) != OK)
		return PAGE_BAD;
	pack_map(p, 2);
	pack_field_u64(p, "last", d->sequence);
	pack_string(p, "changes");
	size_t place = pack_open(p);
	for (; (c = discovery_change_at(d, after)) != NULL; count++) {
		after = c->sequence;
		pack_map(p, 3);
		pack_field_string(p, "topic",
		    c->topic == DISCOVERY_DELTA ? "discovery/delta"
						: "discovery/summary");
		discovery_pack_when(p, "timestamp", c->at_ms);
		pack_string(p, "payload");
		pack_map(p, 5);
		pack_field_u64(p, "sequence", c->sequence);
		pack_field_string(p, "namespace", c->service);
		pack_field_string(p, "version", c->version);
		pack_field_u64(p, "functions", c->functions);
		pack_field_string(p, "event", c->what);
	}
	pack_close_array(p, place, count);
	return PAGE_OK;
}
