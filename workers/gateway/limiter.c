// SPDX-License-Identifier: MIT
#include "workers/gateway/limiter.h"

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/limit_rules.h"
#include "protocol/settings.h"
#include "protocol/pack.h"
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
note_check(struct gateway *g, uint64_t began_us, enum limit_outcome outcome)
{
	if (outcome == LIMIT_UNCHECKED || outcome == LIMIT_UNUSABLE)
		COUNT(g, limits_unusable);
	else if (outcome == LIMIT_NO_ROOM)
		COUNT(g, limits_full);
	COUNT(g, limits_checked);
	if (stats_get(g->slot, COUNTER_gateway_limits_checked) % TIMED_ONE_IN ==
	    0)
		stats_time(g->slot, HISTOGRAM_gateway_limit_us,
		    clock_mono_us() - began_us);
}

static struct limit_call
call_of(const struct client *c, const struct request *r)
{
	return (struct limit_call){
	    .service = r->service,
	    .request_type = r->request_type,
	    .user_id = r->user_id,
	    .device_id = r->device_id,
	    .ip_address = text_of(c->peer),
	    .args = r->args,
	};
}

static void
tell_check(const struct refusal *to, const struct request *r,
    enum limit_outcome outcome, uint64_t began_us)
{
	static const char *const results[] = {
	    [LIMIT_ADMITTED] = "ok",
	    [LIMIT_UNCHECKED] = "unchecked",
	    [LIMIT_REFUSED] = "rate_limited",
	    [LIMIT_NO_ROOM] = "no_room",
	    [LIMIT_UNUSABLE] = "unusable",
	};
	struct gateway *g = to->client->gateway;
	struct event_word id, user, service, type;

	if (!event_happens(EVENT_limit_check))
		return;
	event_tell(EVENT_limit_check,
	    "duration_us=%llu result=%s request_id=%s user_id=%s "
	    "instance=gateway/%u service=%s request_type=%s",
	    (unsigned long long)(clock_mono_us() - began_us), results[outcome],
	    event_word(&id, r->request_id), event_word(&user, r->user_id),
	    worker_instance(g->worker), event_word(&service, r->service),
	    event_word(&type, r->request_type));
}

static void
tell_exceeded(const struct refusal *to, const struct request *r,
    const struct limit_answer *answer)
{
	const struct limit_rule *rule = answer->rule;
	struct event_word id, user, key;

	(void)to;
	if (!event_happens(EVENT_limit_exceeded))
		return;
	event_tell(EVENT_limit_exceeded,
	    "retry_after_ms=%u key=%s scope=%s max_requests=%llu "
	    "current_requests=%u request_id=%s user_id=%s",
	    answer->verdict.retry_after_ms,
	    event_word(&key, rule != NULL ? rule->key : TEXT("")),
	    rule == NULL                ? "-"
		: rule->service.len > 0 ? "api"
					: "global",
	    rule != NULL ? (unsigned long long)rule->max : 0ull,
	    answer->verdict.current, event_word(&id, r->request_id),
	    event_word(&user, r->user_id));
}

bool
limiter_admits(struct refusal *to, const struct request *r)
{
	struct gateway *g = to->client->gateway;
	struct limiter *l = g->limiter;
	struct limit_answer answer;
	enum limit_outcome outcome;
	uint64_t now_us;
	const struct limit_call call = call_of(to->client, r);

	if (limit_rules_count(l->rules) == 0) {
		HOP(to->traced, rate_limit, "status=allowed");
		return true;
	}
	now_us = clock_mono_us();
	if (to->foreseen != NULL) {
		outcome = limit_rules_look(l->rules,
		    l->is_mapped ? &l->limits : NULL, &call, now_us, &answer);
	} else {
		outcome = limit_rules_take(l->rules,
		    l->is_mapped ? &l->limits : NULL, &call, now_us, &answer);
		note_check(g, now_us, outcome);
		tell_check(to, r, outcome, now_us);
		if (outcome == LIMIT_REFUSED || outcome == LIMIT_NO_ROOM)
			tell_exceeded(to, r, &answer);
	}
	switch (outcome) {
	case LIMIT_ADMITTED:
		HOP(to->traced, rate_limit, "status=allowed");
		return true;
	case LIMIT_UNCHECKED:
		HOP(to->traced, rate_limit,
		    "status=allowed error=limits_unusable");
		return true;
	case LIMIT_REFUSED:
	case LIMIT_NO_ROOM:
		refuse_limited(to, answer.verdict.retry_after_ms);
		return false;
	case LIMIT_UNUSABLE:
		HOP(to->traced, rate_limit,
		    "status=error error=limits_unusable");
		refuse_text(to, ANSWER_unavailable, ANSWER_TEXT_LIMITER);
		return false;
	}
	return false;
}

static void
pack_limit(struct packer *p, const struct limit_rule *rule,
    struct limits *limits, const struct limit_call *call)
{
	struct limits_verdict verdict = {.current = 0};
	struct text value = {.len = 0};

	if (call != NULL)
		value = limit_rule_value(rule, call);
	pack_map(p, value.len > 0 ? 6 : 4);
	pack_field_string(p, "scope", rule->service.len > 0 ? "api" : "global");
	pack_string(p, "key");
	pack_text(p, rule->key);
	pack_field_u64(p, "max_requests", rule->max);
	pack_field_u64(p, "window_ms", rule->window_ms);
	if (value.len == 0)
		return;
	struct limits_hit hit =
	    limit_rule_hit(limits, rule, value, clock_mono_us());
	limits_look(limits, &hit, &verdict);
	pack_field_u64(p, "used", verdict.current);
	pack_field_u64(p, "remaining",
	    rule->max > verdict.current ? rule->max - verdict.current : 0);
}

static void
pack_scope(struct packer *p, const char *name, const struct limit_rule *rule,
    struct limits *limits, const struct limit_call *call)
{
	uint32_t count = 0;

	pack_string(p, name);
	size_t place = pack_open(p);
	for (; rule != NULL; rule = rule->next) {
		pack_limit(p, rule, limits, call);
		count++;
	}
	pack_close_array(p, place, count);
}

void
limiter_pack(struct limiter *l, struct packer *p, const struct compiled *f,
    const struct client *c, const struct request *r)
{
	struct limit_call call;
	bool is_asked = l->is_mapped && r != NULL;

	if (is_asked)
		call = call_of(c, r);
	pack_map(p, 2);
	pack_scope(p, "global", limit_rules_global(l->rules), &l->limits,
	    is_asked ? &call : NULL);
	pack_scope(p, "api",
	    limit_rules_of(l->rules, f->service, f->request_type), &l->limits,
	    is_asked ? &call : NULL);
}
