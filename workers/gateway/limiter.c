// SPDX-License-Identifier: MIT
#include "workers/gateway/limiter.h"

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/limit_rules.h"
#include "protocol/settings.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/request.h"
#include "workers/gateway/tracing.h"

enum {
	TIMED_ONE_IN = 64
};

struct limiter {
	struct limits limits;
	struct limit_rules *rules;
	bool is_mapped;
};

static struct limit_rules *
take_rules(const struct settings *s)
{
	struct limit_rules *rules = NULL;
	const struct limit_rules_source source = {
	    .global_limits =
		settings_list(s, SETTING_rate_limiter_global_limits),
	    .api_limits = settings_list(s, SETTING_rate_limiter_api_limits),
	    .is_enabled = settings_bool(s, SETTING_rate_limiter_enabled),
	    .fails_open = settings_bool(s, SETTING_rate_limiter_fail_open),
	};

	/* settings are validated: anything else is our own mistake */
	INVARIANT(limit_rules_create(&source, &rules) == OK);
	return rules;
}

struct limiter *
limiter_create(struct gateway *g)
{
	struct limiter *l = MEMORY_NEW(struct limiter);

	l->is_mapped = limits_map(worker_segment_fd(g->worker, FD_LIMITS),
			   &l->limits) == OK;
	l->rules = take_rules(worker_settings(g->worker));
	return l;
}

void
limiter_destroy(struct limiter **l)
{
	if (*l == NULL)
		return;
	limit_rules_destroy(&(*l)->rules);
	if ((*l)->is_mapped)
		limits_unmap(&(*l)->limits);
	memory_free(*l);
	*l = NULL;
}

void
limiter_on_settings(struct limiter *l, const struct settings *s)
{
	limit_rules_destroy(&l->rules);
	l->rules = take_rules(s);
}

static void
refuse_limited(struct refusal *to, uint32_t retry_after_ms)
{
	struct arena *arena = &to->client->gateway->arena;

	HOP(to->traced, rate_limit, "status=limited retry_after_ms=%u",
	    retry_after_ms);
	refuse_after(to, ANSWER_rate_limited,
	    arena_printf(arena,
		"Rate limit exceeded. Please retry after %u seconds.",
		retry_after_ms / 1000),
	    retry_after_ms > 0 ? retry_after_ms : 1);
}

/*
 * note_check counts a check and times one in so many: a look at the clock is
 * as dear as the check itself.
 */
static void
note_check(struct gateway *g, uint64_t began_us)
{
	COUNT(g, limits_checked);
	if (stats_get(g->slot, COUNTER_gateway_limits_checked) % TIMED_ONE_IN ==
	    0)
		stats_time(g->slot, HISTOGRAM_gateway_limit_us,
		    clock_mono_us() - began_us);
}

bool
limiter_admits(struct refusal *to, const struct request *r)
{
	struct gateway *g = to->client->gateway;
	struct limiter *l = g->limiter;
	struct limit_answer answer;
	enum limit_outcome outcome;
	uint64_t now_us;
	const struct limit_call call = {
	    .service = r->service,
	    .request_type = r->request_type,
	    .user_id = r->user_id,
	    .device_id = r->device_id,
	    .ip_address = text_of(to->client->peer),
	    .args = r->args,
	};

	if (limit_rules_count(l->rules) == 0) {
		HOP(to->traced, rate_limit, "status=allowed");
		return true;
	}
	now_us = clock_mono_us();
	outcome = limit_rules_take(l->rules,
	    l->is_mapped ? &l->limits : NULL, &call, now_us, &answer);
	note_check(g, now_us);
	switch (outcome) {
	case LIMIT_ADMITTED:
		HOP(to->traced, rate_limit, "status=allowed");
		return true;
	case LIMIT_UNCHECKED:
		COUNT(g, limits_unusable);
		HOP(to->traced, rate_limit,
		    "status=allowed error=limits_unusable");
		return true;
	case LIMIT_REFUSED:
		refuse_limited(to, answer.verdict.retry_after_ms);
		return false;
	case LIMIT_NO_ROOM:
		COUNT(g, limits_full);
		refuse_limited(to, answer.verdict.retry_after_ms);
		return false;
	case LIMIT_UNUSABLE:
		COUNT(g, limits_unusable);
		HOP(to->traced, rate_limit,
		    "status=error error=limits_unusable");
		refuse_text(to, ANSWER_unavailable, ANSWER_TEXT_LIMITER);
		return false;
	}
	return false;
}
