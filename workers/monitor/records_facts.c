// SPDX-License-Identifier: MIT
#include "workers/monitor/records_facts.h"

#include <string.h>

#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/tell.h"

const char *
records_node(const struct records *r)
{
	return settings_string(worker_settings(r->worker), SETTING_node);
}

bool
records_is_node(const struct page *page)
{
	struct text id;

	return page_text(page, "id", &id) == OK &&
	    text_is(id, records_node(records_of(page)));
}

enum page_status
records_no_node(struct page *page)
{
	struct text id = TEXT("");

	(void)!page_text(page, "id", &id);
	return page_fail(page, PAGE_NOT_FOUND,
	    "there is no cluster `%.*s`; /health/clusters has all",
	    TEXT_ARG(id));
}

void
records_connections(const struct records *r, struct records_connections *to)
{
	const struct world *w = r->world;
	uint64_t refused = world_recent(w, COUNTER_gateway_refused) +
	    world_recent(w, COUNTER_gateway_upgrades_refused) +
	    world_recent(w, COUNTER_gateway_auth_refused);
	uint64_t upgraded = world_recent(w, COUNTER_gateway_upgrades);

	*to = (struct records_connections){
	    .total = world_total(w, COUNTER_gateway_accepted),
	    .active = world_gauge(w, COUNTER_gateway_connections),
	    .success_percent = 100};
	if (refused + upgraded > 0)
		to->success_percent = machine_percent(
		    (double)upgraded, (double)(refused + upgraded));
}

/* --- service nodes --- */

static void
read_peer(struct text map, struct records_peer *to)
{
	(void)!unpack_field_text(map, "name", &to->name);
	(void)!unpack_field_text(map, "url", &to->url);
	(void)!unpack_field_text(map, "state", &to->state);
	(void)!unpack_field_u64(map, "in_flight", &to->in_flight);
	(void)!unpack_field_u64(map, "calls", &to->calls);
	(void)!unpack_field_u64(map, "lost", &to->lost);
	(void)!unpack_field_u64(map, "generations", &to->generations);
	to->is_live = text_is(to->state, "live");
	if (to->calls > to->lost)
		to->reliability =
		    (double)(to->calls - to->lost) / (double)to->calls;
	else if (to->calls == 0 && to->is_live)
		to->reliability = 1;
}

uint32_t
records_peers(
    const struct records *r, struct arena *arena, struct records_peer **to)
{
	struct text answer = gather_of(&r->gather, GATHERED_nodes);
	struct records_peer *all;
	struct unpacker u;
	uint32_t listed = 0, count = 0;

	*to = NULL;
	unpack_init(&u, answer);
	if (answer.len == 0 || unpack_array(&u, &listed) != OK)
		return 0;
	*to = all = ARENA_ARRAY(arena, struct records_peer, GRAPH_NODES);
	for (uint32_t i = 0; i < listed && count < GRAPH_NODES - 1; i++) {
		struct text map;
		bool is_own = false;

		if (unpack_raw(&u, &map) != OK)
			break;
		(void)!unpack_field_bool(map, "is_own", &is_own);
		if (!is_own)
			read_peer(map, &all[count++]);
	}
	return count;
}

/* add_named: a node of the settings gives the link to its URL its name, or is
 * one more that nothing is linked to. */
static void
add_named(struct text map, struct records_peer *all, uint32_t *count)
{
	struct records_peer named = {.state = TEXT("not linked")};

	if (unpack_field_text(map, "name", &named.name) != OK ||
	    unpack_field_text(map, "url", &named.url) != OK)
		return;
	for (uint32_t i = 0; i < *count; i++)
		if (text_eq(all[i].name, named.name) ||
		    text_eq(all[i].url, named.url)) {
			all[i].name = named.name;
			return;
		}
	all[(*count)++] = named;
}

uint32_t
records_nodes(
    const struct records *r, struct arena *arena, struct records_peer **to)
{
	struct text named =
	    settings_list(worker_settings(r->worker), SETTING_nodes);
	struct records_peer *peers;
	struct unpacker u;
	struct text map;
	uint32_t count = records_peers(r, arena, &peers), listed = 0;

	unpack_init(&u, named);
	if (unpack_array(&u, &listed) != OK)
		listed = 0;
	*to =
	    ARENA_ARRAY(arena, struct records_peer, (size_t)count + listed + 1);
	for (uint32_t i = 0; i < count; i++)
		(*to)[i] = peers[i];
	while (listed-- > 0 && unpack_raw(&u, &map) == OK)
		add_named(map, *to, &count);
	return count;
}

enum grade
records_grade(const struct records_peer *peer)
{
	if (peer->is_live)
		return GRADE_HEALTHY;
	return peer->reliability > 0.1 && !text_is(peer->state, "down")
	    ? GRADE_DEGRADED
	    : GRADE_CRITICAL;
}

uint64_t
records_events(const struct records *r, enum event event)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < r->census.count; i++)
		all += events_count(
		    worker_events(r->worker), r->census.process[i].slot, event);
	return all;
}

/* --- parts of records --- */

void
records_pack_system(
    struct packer *p, const struct records *r, enum system system)
{
	const struct system_record *s = &r->systems.of[system];

	if (!s->is_on) {
		pack_nil(p);
		return;
	}
	pack_map(p, 12);
	pack_field_string(p, "system_type", system_name(system));
	pack_field_string(p, "system_name", system_provider(system));
	tell_number(p, "requests_per_second", s->per_second);
	tell_ms(p, "average_latency_ms", s->average_ms);
	tell_ms(p, "p95_latency_ms", s->p95_ms);
	tell_ms(p, "p99_latency_ms", s->p99_ms);
	tell_number(p, "error_rate_percent", s->error_percent);
	pack_field_u64(p, "active_connections", s->active);
	pack_field_u64(p, "total_operations_last_hour", s->last_hour);
	tell_score(p, "health_score", s->score);
	pack_field_string(p, "status", grade_name(s->grade));
	tell_seconds(p, "last_updated", r->census.wall_ms);
}

void
records_pack_overall(
    struct packer *p, const struct records *r, bool with_unavailable)
{
	const struct systems *s = &r->systems;

	pack_map(p, with_unavailable ? 6 : 5);
	tell_score(p, "health_score", s->score);
	pack_field_string(p, "status", grade_name(s->grade));
	pack_field_u64(p, "systems_healthy", s->counts[GRADE_HEALTHY]);
	pack_field_u64(p, "systems_degraded", s->counts[GRADE_DEGRADED]);
	pack_field_u64(p, "systems_critical", s->counts[GRADE_CRITICAL]);
	if (with_unavailable)
		pack_field_u64(
		    p, "systems_unavailable", s->counts[GRADE_UNAVAILABLE]);
}

void
records_pack_collection(struct packer *p, const struct records *r)
{
	pack_string(p, "collection_info");
	pack_map(p, 2);
	tell_seconds(p, "collection_timestamp", r->census.wall_ms);
	tell_ms(p, "collection_duration_ms", (double)r->look_us / 1000);
}

/* One row of transport_health_snapshots. */
struct transport {
	struct text endpoint;
	double score;
	uint64_t active, total, healthy, degraded, failed, last_hour;
	double response_ms, error_percent;
};

static void
pack_transport(
    struct packer *p, const struct records *r, const struct transport *t)
{
	pack_text(p, t->endpoint);
	pack_map(p, 11);
	pack_string(p, "endpoint");
	pack_text(p, t->endpoint);
	tell_score(p, "overall_health_score", t->score);
	pack_field_u64(p, "active_connections", t->active);
	pack_field_u64(p, "total_connections", t->total);
	pack_field_u64(p, "healthy_connections", t->healthy);
	pack_field_u64(p, "degraded_connections", t->degraded);
	pack_field_u64(p, "failed_connections", t->failed);
	tell_ms(p, "average_response_time_ms", t->response_ms);
	pack_field_u64(p, "total_operations_last_hour", t->last_hour);
	tell_number(p, "error_rate_percent", t->error_percent);
	tell_seconds(p, "last_health_check", r->census.wall_ms);
}

/* clients is the front door: one endpoint, all clients. */
static struct transport
clients(const struct records *r)
{
	const struct system_record *rpc = &r->systems.of[SYSTEM_rpc];
	const struct world *w = r->world;

	return (struct transport){.endpoint = TEXT("gateway"),
	    .score = rpc->score,
	    .active = world_gauge(w, COUNTER_gateway_connections),
	    .total = world_total(w, COUNTER_gateway_accepted),
	    .healthy = world_gauge(w, COUNTER_gateway_connections),
	    .degraded = world_recent(w, COUNTER_gateway_slow_told),
	    .failed = world_total(w, COUNTER_gateway_cut),
	    .last_hour = rpc->last_hour,
	    .response_ms = rpc->average_ms,
	    .error_percent = rpc->error_percent};
}

static struct transport
link_of(const struct records *r, const struct records_peer *peer)
{
	const struct system_record *links = &r->systems.of[SYSTEM_federation];
	enum grade grade = records_grade(peer);

	return (struct transport){.endpoint = peer->name,
	    .score = peer->is_live ? peer->reliability : 0,
	    .active = peer->is_live,
	    .total = peer->generations,
	    .healthy = grade == GRADE_HEALTHY,
	    .degraded = grade == GRADE_DEGRADED,
	    .failed = grade == GRADE_CRITICAL,
	    .last_hour = peer->calls,
	    .response_ms = peer->is_live ? links->average_ms : 0,
	    .error_percent = peer->calls > 0
		? machine_percent((double)peer->lost, (double)peer->calls)
		: 0};
}

void
records_pack_transports(struct page *page)
{
	const struct records *r = records_of(page);
	struct records_peer *peers;
	uint32_t count = records_peers(r, page->arena, &peers);
	struct transport t = clients(r);

	pack_string(page->out, "transport_health_snapshots");
	pack_map(page->out, count + 1);
	pack_transport(page->out, r, &t);
	for (uint32_t i = 0; i < count; i++) {
		t = link_of(r, &peers[i]);
		pack_transport(page->out, r, &t);
	}
}
