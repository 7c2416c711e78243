// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A check of the table judges what the gauges and the supervisor's words in
 * shared memory say; the roles' checks stand between its stages 1 and 3. Each
 * is made on its own, so one can be asked for by its name.
 */

#include "workers/control/health.h"

#include <string.h>

#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/control/control.h"
#include "workers/kit/worker.h"

enum {
	SILENT_MS = 2500 /* of the supervisor: it turns twice a second */
};

/* sum adds a gauge over the processes of a role, most gives the largest. */
static uint64_t
sum(const struct health *h, enum role role, enum counter id)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < h->census->count; i++)
		if (h->census->process[i].child.role == (uint32_t)role)
			sum += stats_get(h->census->process[i].stats, id);
	return sum;
}

static uint64_t
most(const struct health *h, enum role role, enum counter id)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *p = &h->census->process[i];

		if (p->child.role == (uint32_t)role &&
		    stats_get(p->stats, id) > most)
			most = stats_get(p->stats, id);
	}
	return most;
}

static void
count_role(
    const struct health *h, enum role role, uint32_t *count, uint32_t *alive)
{
	const char *reason;

	*count = *alive = 0;
	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *p = &h->census->process[i];

		if (p->child.role != (uint32_t)role)
			continue;
		++*count;
		*alive += verdict_of_process(p, &reason) != VERDICT_ERROR;
	}
}

static void
find(struct finding *f, enum verdict verdict, const char *reason,
    const char *next)
{
	*f = (struct finding){
	    .verdict = verdict, .reason = reason, .next = next};
}

/* --- stage 1: supervision --- */

static enum verdict
check_tree(struct health *h)
{
	struct finding found = {.next = NULL};
	uint32_t children = 0, running = 0;

	for (uint32_t i = 0; i < h->census->count; i++) {
		const struct census_process *one = &h->census->process[i];

		if (!census_is_child(one))
			continue;
		children++;
		running += one->child.state == CHILD_UP;
	}
	found.verdict =
	    verdict_of_tree(h->census->flags, children, running, &found.reason);
	if (found.reason != NULL)
		found.next = "banyan tree";
	health_put_finding(h->out, &found, 2);
	pack_field_u64(h->out, "children_count", children);
	pack_field_u64(h->out, "running", running);
	return found.verdict;
}

/*
 * check_proof: the supervisor turns, watches every child, and the last canary
 * that was killed came back.
 */
static enum verdict
check_proof(struct health *h)
{
	const struct stats *stats = worker_stats(h->worker);
	const struct stats_shared *shared = stats->shared;
	const struct stats_slot *slot =
	    stats_slot_at(stats, STATS_SLOT_SUPERVISOR);
	uint64_t now_ms = h->census->now_ms;
	uint64_t beat_ms = atomic_load(&slot->heartbeat_ms);
	uint64_t proof_ms = atomic_load(&shared->proof_ms);
	uint64_t proof = atomic_load(&shared->proof);
	uint64_t age_ms = now_ms > beat_ms ? now_ms - beat_ms : 0;
	struct finding found = {.verdict = VERDICT_OK};

	if (age_ms > SILENT_MS)
		find(&found, VERDICT_ERROR, "supervisor_silent",
		    "banyan why supervisor");
	else if ((h->census->flags & STATS_TREE_WATCHED) == 0)
		find(&found, VERDICT_ERROR, "children_unwatched",
		    "banyan restart supervisor");
	else if (proof == STATS_PROOF_BAD)
		find(&found, VERDICT_ERROR, "canary_did_not_come_back",
		    "banyan health --check supervision_proof --prove");
	else if (proof == STATS_PROOF_NONE)
		found.reason = "not_proven_yet";
	health_put_finding(h->out, &found, 4);
	pack_field_u64(h->out, "heartbeat_age_ms", age_ms);
	pack_field_bool(h->out, "is_proven", proof == STATS_PROOF_GOOD);
	pack_string(h->out, "proven_ago_ms");
	if (proof == STATS_PROOF_GOOD)
		pack_u64(h->out, now_ms > proof_ms ? now_ms - proof_ms : 0);
	else
		pack_nil(h->out);
	pack_field_u64(
	    h->out, "proof_took_us", atomic_load(&shared->proof_took_us));
	return found.verdict;
}

/* --- stage 3: parts --- */

/* check_limits: every gateway takes hits in the shared table itself, so each
 * is an instance of the limiter; rate_limiter keeps their table. */
static enum verdict
check_limits(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	uint32_t keepers, keepers_alive, count, alive;
	uint64_t limits =
	    sum(h, ROLE_rate_limiter, COUNTER_rate_limiter_limits);

	count_role(h, ROLE_rate_limiter, &keepers, &keepers_alive);
	count_role(h, ROLE_gateway, &count, &alive);
	if (keepers_alive == 0)
		find(&found, VERDICT_ERROR, "not_registered",
		    "banyan why rate_limiter");
	else if (limits == 0)
		found.reason = "no_limits_configured";
	else if (alive < count)
		find(&found, VERDICT_DEGRADED, "partial_failure",
		    "banyan why gateway");
	else if (most(h, ROLE_rate_limiter, COUNTER_rate_limiter_fullest) >=
	    100)
		find(&found, VERDICT_DEGRADED, "limit_table_full",
		    "banyan limits config");
	health_put_finding(h->out, &found, 3);
	pack_field_u64(h->out, "instance_count", count);
	pack_field_u64(h->out, "alive_instances", alive);
	pack_field_u64(h->out, "limits", limits);
	return found.verdict;
}

static enum verdict
check_stores(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	bool no_functions =
	    sum(h, ROLE_config_db, COUNTER_config_db_is_degraded) != 0;
	bool no_groups = sum(h, ROLE_relay, COUNTER_relay_is_degraded) != 0;

	if (no_functions || no_groups)
		find(&found, VERDICT_DEGRADED, "disk_refuses_writes",
		    "banyan doctor");
	health_put_finding(h->out, &found, 2);
	pack_field_string(
	    h->out, "config_db", no_functions ? "refuses_writes" : "ok");
	pack_field_string(h->out, "relay", no_groups ? "refuses_writes" : "ok");
	return found.verdict;
}

static enum verdict
check_circuits(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	uint64_t open =
	    sum(h, ROLE_worker_pool, COUNTER_worker_pool_circuits_open);

	if (open > 0)
		find(&found, VERDICT_DEGRADED, "circuit_open", "banyan pools");
	health_put_finding(h->out, &found, 1);
	pack_field_u64(h->out, "open", open);
	return found.verdict;
}

static enum verdict
check_runners(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	uint64_t count = sum(h, ROLE_worker_pool, COUNTER_worker_pool_runners);
	uint64_t ready =
	    sum(h, ROLE_worker_pool, COUNTER_worker_pool_runners_ready);
	uint64_t full =
	    sum(h, ROLE_worker_pool, COUNTER_worker_pool_pools_full);

	if (count == 0)
		found.reason = "no_pools_configured";
	else if (sum(h, ROLE_worker_pool, COUNTER_worker_pool_pools_unhealthy) >
	    0)
		find(
		    &found, VERDICT_DEGRADED, "pool_unhealthy", "banyan pools");
	else if (full > 0)
		find(&found, VERDICT_DEGRADED, "queue_full",
		    "banyan pools inspect --recommendations");
	else if (ready < count)
		found.reason = "some_not_ready"; /* they start, or rest */
	health_put_finding(h->out, &found, 2);
	pack_field_u64(h->out, "instance_count", count);
	pack_field_u64(h->out, "alive_instances", ready);
	return found.verdict;
}

/* --- stage 4: the world --- */

static enum verdict
check_pulls(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	uint64_t services = sum(h, ROLE_puller, COUNTER_puller_services);
	uint64_t up = sum(h, ROLE_puller, COUNTER_puller_services_up);

	if (up < services)
		find(&found, VERDICT_DEGRADED, "pulls_fail", "banyan services");
	health_put_finding(h->out, &found, 2);
	pack_field_u64(h->out, "services", services);
	pack_field_u64(h->out, "services_up", up);
	return found.verdict;
}

static enum verdict
check_services(struct health *h)
{
	struct finding found = {.verdict = VERDICT_OK};
	uint64_t cut_off =
	    most(h, ROLE_gateway, COUNTER_gateway_services_cut_off);

	if (cut_off > 0)
		find(&found, VERDICT_DEGRADED, "no_reachable_node",
		    "banyan nodes");
	health_put_finding(h->out, &found, 2);
	pack_field_u64(h->out, "services",
	    most(h, ROLE_gateway, COUNTER_gateway_services));
	pack_field_u64(h->out, "cut_off", cut_off);
	return found.verdict;
}

static const struct check {
	const char *name;
	uint64_t stage;
	enum verdict (*pack)(struct health *);
} checks[] = {
    {"supervision_tree", 1, check_tree},
    {"supervision_proof", 1, check_proof},
    {"rate_limiter_instances", 3, check_limits},
    {"stores", 3, check_stores},
    {"circuits", 3, check_circuits},
    {"runners", 3, check_runners},
    {"pulls", 4, check_pulls},
    {"services", 4, check_services},
};

/* --- all of them, or one --- */

/* is_check: the first process of its role stands for all of them. */
static bool
is_check(const struct health *h, uint32_t at)
{
	const struct census *census = h->census;

	if (!census_is_child(&census->process[at]))
		return false;
	for (uint32_t i = 0; i < at; i++)
		if (census->process[i].child.role ==
		    census->process[at].child.role)
			return false;
	return true;
}

static const char *
role_at(const struct health *h, uint32_t at)
{
	return role_name((enum role)h->census->process[at].child.role);
}

enum verdict
health_pack_checks(struct health *h)
{
	enum verdict worst = VERDICT_OK;
	uint32_t count = 0;
	size_t place = pack_open(h->out);

	for (uint32_t i = 0; h->last_stage >= 2 && i < h->census->count; i++) {
		if (!is_check(h, i))
			continue;
		pack_string(h->out, role_at(h, i));
		worst = verdict_worst(worst, health_pack_role(h, i));
		count++;
	}
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if (checks[i].stage > h->last_stage)
			continue;
		pack_string(h->out, checks[i].name);
		worst = verdict_worst(worst, checks[i].pack(h));
		count++;
	}
	pack_close_map(h->out, place, count);
	return worst;
}

bool
health_pack_check(struct health *h, const char *name, enum verdict *verdict)
{
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if (strcmp(checks[i].name, name) != 0)
			continue;
		*verdict = checks[i].pack(h);
		return true;
	}
	for (uint32_t i = 0; i < h->census->count; i++) {
		if (!is_check(h, i) || strcmp(role_at(h, i), name) != 0)
			continue;
		*verdict = health_pack_role(h, i);
		return true;
	}
	return false;
}

size_t
health_check_names(const struct health *h, const char **to, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(checks) && count < most; i++)
		to[count++] = checks[i].name;
	for (uint32_t i = 0; i < h->census->count && count < most; i++)
		if (is_check(h, i))
			to[count++] = role_at(h, i);
	return count;
}
