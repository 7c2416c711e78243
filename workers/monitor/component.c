// SPDX-License-Identifier: MIT
#include "workers/monitor/component.h"

#include <stdio.h>
#include <string.h>

#include "protocol/verdict.h"

const char *
component_status_name(enum component_status status)
{
	switch (status) {
	case COMPONENT_HEALTHY:
		return "healthy";
	case COMPONENT_DEGRADED:
		return "degraded";
	case COMPONENT_UNHEALTHY:
		break;
	}
	return "unhealthy";
}

enum component_status
component_worst(enum component_status a, enum component_status b)
{
	return a > b ? a : b;
}

static void
worsen(struct component *c, enum component_status status, const char *reason)
{
	if (status <= c->status)
		return;
	c->status = status;
	c->reason = reason;
}

static void
judge_beat(struct component *c, uint64_t now_ms)
{
	const struct stats_slot *slot = c->process->stats;
	uint64_t beat_ms = atomic_load(&slot->heartbeat_ms);
	uint64_t busy_ms = atomic_load(&slot->busy_until_ms);

	c->beat_age_ms = now_ms > beat_ms ? now_ms - beat_ms : 0;
	if (c->process->child.is_paused || busy_ms > now_ms ||
	    c->process->child.state == CHILD_DONE)
		return;
	if (c->beat_age_ms > COMPONENT_SILENT_MS)
		worsen(c, COMPONENT_UNHEALTHY, "no_heartbeat");
}

static void
judge_ping(struct component *c, const struct checks *checks, uint64_t now_ms)
{
	const struct check *ping = checks_last(checks, "ping", c->name);

	if (ping == NULL || ping->mono_ms < c->process->child.ready_ms ||
	    ping->mono_ms + COMPONENT_CHECK_MS < now_ms)
		return;
	c->ping = ping;
	if (ping->outcome == CHECK_TIMEOUT)
		worsen(c, COMPONENT_UNHEALTHY, "no_answer");
	else if (ping->outcome == CHECK_FAIL)
		worsen(c, COMPONENT_UNHEALTHY, "check_failed");
	else if (ping->is_slow)
		worsen(c, COMPONENT_DEGRADED, "slow_answer");
}

void
component_judge(const struct census_process *p, const struct checks *checks,
    uint64_t now_ms, struct component *to)
{
	const char *reason = NULL;
	enum verdict verdict = verdict_of_process(p, &reason);
	const char *role = role_name((enum role)p->child.role);

	memset(to, 0, sizeof(*to));
	to->process = p;
	if (p->child.instance == 0)
		snprintf(to->name, sizeof(to->name), "%s", role);
	else
		snprintf(to->name, sizeof(to->name), "%s/%u", role,
		    p->child.instance);
	if (verdict == VERDICT_ERROR)
		worsen(to, COMPONENT_UNHEALTHY, reason);
	else if (verdict == VERDICT_DEGRADED)
		worsen(to, COMPONENT_DEGRADED, reason);
	judge_beat(to, now_ms);
	if (checks != NULL)
		judge_ping(to, checks, now_ms);
}

bool
component_is(const struct component *c, struct text name)
{
	const char *role = role_name((enum role)c->process->child.role);
	size_t len = strlen(role);
	char asked[COMPONENT_NAME];

	if (text_copy(name, asked, sizeof(asked)) != OK)
		return false;
	if (strcmp(asked, role) == 0 || strcmp(asked, c->name) == 0)
		return true;
	return strncmp(asked, role, len) == 0 && asked[len] == '-' &&
	    c->name[len] == '/' &&
	    strcmp(asked + len + 1, c->name + len + 1) == 0;
}

enum component_status
component_cluster(
    uint32_t total, uint32_t healthy, uint32_t degraded, bool *has_quorum)
{
	/* a degraded node still has a voice */
	*has_quorum = total > 0 && healthy + degraded >= total / 2 + 1;
	if (!*has_quorum)
		return COMPONENT_UNHEALTHY;
	return healthy < total ? COMPONENT_DEGRADED : COMPONENT_HEALTHY;
}
