// SPDX-License-Identifier: MIT
/* records_health - the pages below /health: clusters, nodes, components,
 * checks. */

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/component.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

/* --- the cluster, which is this tree --- */

static void
pack_cluster(struct packer *p, const struct records *r)
{
	pack_map(p, 6);
	pack_field_string(p, "cluster_id", records_node(r));
	pack_field_string(p, "status", grade_name(r->systems.grade));
	tell_score(p, "health_score", r->systems.score);
	pack_field_u64(p, "node_count", 1);
	pack_field_u64(p, "active_connections",
	    world_gauge(r->world, COUNTER_gateway_connections));
	tell_seconds(p, "last_heartbeat", r->census.wall_ms);
}

static void
pack_counts(struct packer *p, const struct records *r, const char *suffix)
{
	static const enum grade order[] = {
	    GRADE_HEALTHY, GRADE_DEGRADED, GRADE_CRITICAL, GRADE_UNAVAILABLE};
	char key[48];

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		snprintf(
		    key, sizeof(key), "%s%s", grade_name(order[i]), suffix);
		pack_field_u64(p, key, r->systems.grade == order[i]);
	}
}

enum page_status
page_health(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct records_connections c;

	records_connections(r, &c);
	pack_map(p, 1);
	pack_string(p, "federation_health");
	pack_map(p, 10);
	pack_field_string(p, "overall_status", grade_name(r->systems.grade));
	tell_score(p, "health_score", r->systems.score);
	pack_field_u64(p, "total_clusters", 1);
	pack_counts(p, r, "_clusters");
	pack_string(p, "connection_health");
	pack_map(p, 3);
	pack_field_u64(p, "total_connections", c.total);
	pack_field_u64(p, "active_connections", c.active);
	tell_number(p, "success_rate_percent", c.success_percent);
	pack_string(p, "performance");
	pack_map(p, 2);
	tell_ms(p, "cross_cluster_latency_p95_ms",
	    r->systems.of[SYSTEM_federation].p95_ms);
	pack_field_string(p, "federation_mode", RECORDS_FEDERATION_MODE);
	tell_seconds(p, "last_updated", r->census.wall_ms);
	return PAGE_OK;
}

enum page_status
page_health_summary(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct records_connections c;

	records_connections(r, &c);
	pack_map(p, 1);
	pack_string(p, "health_summary");
	pack_map(p, 4);
	pack_string(p, "overall");
	pack_map(p, 3);
	tell_score(p, "health_score", r->systems.score);
	pack_field_string(p, "status", grade_name(r->systems.grade));
	pack_field_string(p, "federation_mode", RECORDS_FEDERATION_MODE);
	pack_string(p, "cluster_counts");
	pack_map(p, 5);
	pack_field_u64(p, "total", 1);
	pack_counts(p, r, "");
	pack_string(p, "connections");
	pack_map(p, 3);
	pack_field_u64(p, "total", c.total);
	pack_field_u64(p, "active", c.active);
	tell_number(p, "success_rate_percent", c.success_percent);
	pack_string(p, "cluster_details");
	pack_map(p, 1);
	pack_string(p, records_node(r));
	pack_cluster(p, r);
	return PAGE_OK;
}

enum page_status
page_health_clusters(struct page *page)
{
	const struct records *r = records_of(page);

	pack_map(page->out, 2);
	pack_string(page->out, "clusters");
	pack_map(page->out, 1);
	pack_string(page->out, records_node(r));
	pack_cluster(page->out, r);
	pack_field_u64(page->out, "total_clusters", 1);
	return PAGE_OK;
}

enum page_status
page_health_clusters_id(struct page *page)
{
	const struct records *r = records_of(page);

	if (!records_is_node(page))
		return records_no_node(page);
	pack_map(page->out, 1);
	pack_string(page->out, "cluster");
	pack_cluster(page->out, r);
	return PAGE_OK;
}

/* --- components: the processes of the tree --- */

/* judged fills all components and gives the worst. */
static enum component_status
judged(const struct page *page, struct component **to, uint32_t *count)
{
	const struct records *r = records_of(page);
	const struct census *census =
	    census_take(page->arena, worker_stats(r->worker));
	struct component *all =
	    ARENA_ARRAY(page->arena, struct component, STATS_SLOTS);
	enum component_status worst = COMPONENT_HEALTHY;

	for (uint32_t i = 0; i < census->count; i++) {
		component_judge(
		    &census->process[i], &r->checks, census->now_ms, &all[i]);
		worst = component_worst(worst, all[i].status);
	}
	*to = all;
	*count = census->count;
	return worst;
}

static void
pack_details(struct packer *p, const struct component *c)
{
	const struct stats_child *child = &c->process->child;
	size_t place = pack_open(p);
	uint32_t count = 8;

	pack_field_u64(p, "pid", child->pid);
	pack_field_u64(p, "instance", child->instance);
	pack_field_string(
	    p, "state", child_state_name((enum child_state)child->state));
	pack_field_u64(p, "life", child->life);
	pack_field_u64(p, "restarts", child->restarts);
	pack_field_u64(p, "memory_usage", c->process->memory_bytes);
	pack_field_u64(p, "heartbeat_age_ms", c->beat_age_ms);
	pack_string(p, "response_time_ms");
	if (c->ping != NULL)
		pack_f64(p, (double)c->ping->duration_us / 1000);
	else
		pack_nil(p);
	if (c->reason != NULL) {
		pack_field_string(p, "reason", c->reason);
		count++;
	}
	if (child->reason[0] != '\0') {
		pack_field_string(p, "explanation", child->reason);
		count++;
	}
	pack_close_map(p, place, count);
}

static void
pack_component(
    struct packer *p, const struct records *r, const struct component *c)
{
	uint64_t now_ms = clock_wall_ms();

	pack_map(p, 6);
	pack_field_string(p, "component", c->name);
	pack_field_string(p, "node", records_node(r));
	pack_field_string(p, "status", component_status_name(c->status));
	pack_string(p, "details");
	pack_details(p, c);
	tell_time(p, "last_check", c->ping != NULL ? c->ping->wall_ms : now_ms);
	tell_time(p, "timestamp", now_ms);
}

enum page_status
page_health_components(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct component *all;
	uint32_t count;
	enum component_status worst = judged(page, &all, &count);

	pack_map(p, 3);
	pack_field_string(p, "overall_status", component_status_name(worst));
	pack_field_u64(p, "total_components", count);
	pack_string(p, "components");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_component(p, r, &all[i]);
	return PAGE_OK;
}

/* pack_several tells a role with instances as one, the worst of them. */
static void
pack_several(
    struct page *page, struct component *all, uint32_t count, struct text name)
{
	struct packer *p = page->out;
	enum component_status worst = COMPONENT_HEALTHY;
	uint32_t instances = 0;
	uint64_t now_ms = clock_wall_ms();

	for (uint32_t i = 0; i < count; i++) {
		if (!component_is(&all[i], name))
			continue;
		worst = component_worst(worst, all[i].status);
		instances++;
	}
	pack_map(p, 6);
	pack_string(p, "component");
	pack_text(p, name);
	pack_field_string(p, "node", records_node(records_of(page)));
	pack_field_string(p, "status", component_status_name(worst));
	pack_string(p, "details");
	pack_map(p, 1);
	pack_string(p, "instances");
	pack_map(p, instances);
	for (uint32_t i = 0; i < count; i++) {
		if (!component_is(&all[i], name))
			continue;
		pack_string(p, all[i].name);
		pack_details(p, &all[i]);
	}
	tell_time(p, "last_check", now_ms);
	tell_time(p, "timestamp", now_ms);
}

enum page_status
page_health_component(struct page *page)
{
	struct component *all;
	const struct component *found = NULL;
	struct text name = TEXT("");
	uint32_t count, matches = 0;

	(void)!page_text(page, "id", &name);
	(void)judged(page, &all, &count);
	for (uint32_t i = 0; i < count; i++) {
		if (!component_is(&all[i], name))
			continue;
		found = &all[i];
		matches++;
	}
	if (found == NULL)
		return page_fail(page, PAGE_NOT_FOUND,
		    "there is no component `%.*s`; /health/components has all",
		    TEXT_ARG(name));
	pack_map(page->out, 1);
	pack_string(page->out, "component");
	if (matches == 1)
		pack_component(page->out, records_of(page), found);
	else
		pack_several(page, all, count, name);
	return PAGE_OK;
}

/* --- the node, and what it is part of --- */

static void
pack_node(struct packer *p, const struct records *r,
    const struct component *all, uint32_t count, enum component_status status)
{
	const struct machine *m = &r->machine;

	pack_map(p, 7);
	pack_field_string(p, "node", records_node(r));
	pack_field_string(p, "status", component_status_name(status));
	pack_string(p, "checks");
	pack_map(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_field_string(p, all[i].name,
		    all[i].status == COMPONENT_UNHEALTHY ? "fail" : "pass");
	tell_number(p, "load_avg", m->load[0]);
	tell_number(p, "memory_usage",
	    machine_percent((double)m->memory_used, (double)m->memory_total));
	tell_number(p, "disk_usage",
	    machine_percent((double)m->disk_used, (double)m->disk_total));
	tell_time(p, "timestamp", r->census.wall_ms);
}

enum page_status
page_health_nodes(struct page *page)
{
	const struct records *r = records_of(page);
	struct component *all;
	uint32_t count;
	enum component_status worst = judged(page, &all, &count);

	pack_map(page->out, 2);
	pack_string(page->out, "nodes");
	pack_array(page->out, 1);
	pack_node(page->out, r, all, count, worst);
	pack_field_u64(page->out, "total_nodes", 1);
	return PAGE_OK;
}

static void
pack_if(struct packer *p, const char *key, bool is_there, const char *name)
{
	pack_string(p, key);
	pack_array(p, is_there);
	if (is_there)
		pack_string(p, name);
}

enum page_status
page_health_cluster(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct component *all;
	uint32_t count;
	enum component_status own = judged(page, &all, &count);
	bool has_quorum;
	enum component_status status = component_cluster(1,
	    own == COMPONENT_HEALTHY, own == COMPONENT_DEGRADED, &has_quorum);

	pack_map(p, 1);
	pack_string(p, "cluster_health");
	pack_map(p, 7);
	pack_field_string(p, "status", component_status_name(status));
	pack_field_u64(p, "healthy_nodes", own == COMPONENT_HEALTHY);
	pack_field_u64(p, "total_nodes", 1);
	pack_if(
	    p, "degraded_nodes", own == COMPONENT_DEGRADED, records_node(r));
	pack_if(
	    p, "unhealthy_nodes", own == COMPONENT_UNHEALTHY, records_node(r));
	pack_field_string(
	    p, "quorum_status", has_quorum ? "available" : "lost");
	tell_time(p, "timestamp", r->census.wall_ms);
	return PAGE_OK;
}

/* --- checks --- */

/* pack_pairs turns "key=value key=value" into a map of texts. */
static void
pack_pairs(struct packer *p, const char *text)
{
	size_t place = pack_open(p);
	uint32_t count = 0;

	while (*(text += strspn(text, " ")) != '\0') {
		size_t bytes = strcspn(text, " ");
		const char *equals = memchr(text, '=', bytes);

		if (equals != NULL) {
			size_t key = (size_t)(equals - text);

			pack_text(p, (struct text){text, (uint32_t)key});
			pack_text(p,
			    (struct text){
				equals + 1, (uint32_t)(bytes - key - 1)});
			count++;
		}
		text += bytes;
	}
	pack_close_map(p, place, count);
}

static void
pack_result(struct packer *p, const struct records *r, const struct check *c)
{
	pack_map(p, 8);
	pack_field_string(p, "check_name", c->name);
	pack_field_string(p, "component", c->component);
	pack_field_string(p, "node", records_node(r));
	pack_field_string(p, "result", check_outcome_name(c->outcome));
	tell_ms(p, "duration_ms", (double)c->duration_us / 1000);
	pack_string(p, "details");
	pack_pairs(p, c->details);
	pack_string(p, "error");
	if (c->outcome == CHECK_PASS)
		pack_nil(p);
	else
		pack_string(p, c->error);
	tell_time(p, "timestamp", c->wall_ms);
}

/* page_health_checks: the last of each check; ?history=N adds older ones. */
enum page_status
page_health_checks(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	uint64_t history = 0;
	uint32_t count = 0;

	if (page_u64_in(page, "history", 0, CHECKS_KEPT, &history) != OK)
		return PAGE_BAD;
	pack_map(p, 2);
	pack_string(p, "checks");
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < checks_count(&r->checks); i++) {
		if (i >= history && !checks_is_last(&r->checks, i))
			continue;
		pack_result(p, r, checks_at(&r->checks, i));
		count++;
	}
	pack_close_array(p, place, count);
	pack_field_u64(p, "total_checks", count);
	return PAGE_OK;
}
