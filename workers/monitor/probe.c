// SPDX-License-Identifier: MIT
#include "workers/monitor/probe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/err.h"

const char *
probe_status_name(enum probe_status status)
{
	static const char *const names[] = {"ok", "degraded", "failed"};

	return names[status];
}

static void add(struct probe *, const char *name, enum probe_status,
    const char *fmt, ...) PRINTF(4, 5);

static void
add(struct probe *p, const char *name, enum probe_status status,
    const char *fmt, ...)
{
	struct probe_check *check = &p->checks[p->count];
	va_list args;

	if (p->count == PROBE_CHECKS)
		return;
	p->count++;
	snprintf(check->name, sizeof(check->name), "%s", name);
	check->status = status;
	check->message[0] = '\0';
	p->has_failed = p->has_failed || status == PROBE_FAILED;
	if (status == PROBE_OK)
		return;
	va_start(args, fmt);
	vsnprintf(check->message, sizeof(check->message), fmt, args);
	va_end(args);
}

static bool
takes_clients(const struct probe_child *c)
{
	return c->is_gateway && c->is_up && c->silent_ms < PROBE_STALE_MS;
}

static void
judge_gateways(struct probe *p, const struct probe_facts *f)
{
	bool is_any = false;

	for (uint32_t i = 0; i < f->count; i++)
		is_any = is_any || takes_clients(&f->children[i]);
	add(p, "gateways", is_any ? PROBE_OK : PROBE_FAILED,
	    "no gateway takes clients; see banyan why gateway");
}

/* judge_child: a role that is away is somebody's business, not the load
 * balancer's: calls go on. */
static void
judge_child(struct probe *p, const struct probe_child *c)
{
	if (!c->wants_up)
		add(p, c->name, PROBE_DEGRADED, "an operator stopped it");
	else if (!c->is_up)
		add(p, c->name, PROBE_DEGRADED, "%s%s%s", c->state,
		    c->reason[0] != '\0' ? ": " : "", c->reason);
	else
		add(p, c->name,
		    c->silent_ms < PROBE_STALE_MS ? PROBE_OK : PROBE_DEGRADED,
		    "its loop stands still for %" PRIu64 " ms", c->silent_ms);
}

void
probe_judge(struct probe *p, enum probe_kind kind, const struct probe_facts *f)
{
	p->count = 0;
	p->has_failed = false;
	if (kind == PROBE_LIVE) {
		add(p, "monitor", PROBE_OK, "it answers");
		add(p, "supervisor",
		    f->supervisor_silent_ms < PROBE_STALE_MS ? PROBE_OK
							     : PROBE_FAILED,
		    "no sign of it for %" PRIu64 " ms",
		    f->supervisor_silent_ms);
		return;
	}
	add(p, "started", f->has_started ? PROBE_OK : PROBE_FAILED,
	    "not every child has been up yet");
	if (kind == PROBE_READY) {
		add(p, "not_stopping", f->is_stopping ? PROBE_FAILED : PROBE_OK,
		    "the tree is being stopped");
		judge_gateways(p, f);
	}
	for (uint32_t i = 0; i < f->count; i++)
		judge_child(p, &f->children[i]);
}
