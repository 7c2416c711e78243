// SPDX-License-Identifier: MIT
/* The commands of rate_limiter: they look and never consume. */

#include <stdio.h>

#include "protocol/base/arena.h"
#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/rate_limiter/rate_limiter.h"

static void
pack_id(struct packer *p, const struct limit_rule *rule)
{
	char id[17];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)rule->id);
	pack_string(p, id);
}

/* pack_rule writes the fields every listing of a limit has: five pairs. */
enum {
	RULE_PAIRS = 5
};

static void
pack_rule(struct packer *p, const struct limit_rule *rule)
{
	pack_string(p, "id");
	pack_id(p, rule);
	pack_string(p, "scope");
	if (rule->service.len == 0) {
		pack_string(p, "global");
	} else {
		pack_map(p, 2);
		pack_string(p, "service");
		pack_text(p, rule->service);
		pack_string(p, "request_type");
		pack_text(p, rule->request_type);
	}
	pack_string(p, "key");
	pack_text(p, rule->key);
	pack_string(p, "max_requests");
	pack_u64(p, rule->max);
	pack_string(p, "window_ms");
	pack_u64(p, rule->window_ms);
}

static void
pack_status(struct packer *p, struct limits *limits,
    const struct limit_rule *rule, struct text value)
{
	struct limits_hit hit =
	    limit_rule_hit(limits, rule, value, clock_mono_us());
	struct limits_verdict verdict;

	limits_look(limits, &hit, &verdict);
	pack_map(p, RULE_PAIRS + 3);
	pack_rule(p, rule);
	pack_string(p, "current_requests");
	pack_u64(p, verdict.current);
	pack_string(p, "remaining");
	pack_u64(
	    p, verdict.current < rule->max ? rule->max - verdict.current : 0);
	pack_string(p, "retry_after_ms");
	pack_u64(p, verdict.retry_after_ms);
}

static bool
is_wanted(const struct limit_rule *rule, struct text id)
{
	char name[17];

	snprintf(name, sizeof(name), "%016llx", (unsigned long long)rule->id);
	return id.len == 0 || text_is(id, name);
}

void
rate_limiter_cmd_limits_status(struct worker *w, struct command *command)
{
	struct rate_limiter *r = worker_state(w);
	struct text value, id = {NULL, 0};
	size_t place;
	uint32_t count = 0;

	if (command_text(command, "key", &value) != OK || value.len == 0) {
		command_fail(command, CLASS_INVALID, "banyan limits status u42",
		    "whose budget? a user id, device id, address or argument");
		return;
	}
	if (command_text(command, "limit", &id) == ERR_TYPE) {
		command_fail(command, CLASS_INVALID, "see banyan limits config",
		    "--limit is the id of a limit");
		return;
	}
	place = pack_open(command->result);
	for (uint32_t i = 0; i < limit_rules_count(r->rules); i++) {
		const struct limit_rule *rule = limit_rules_at(r->rules, i);

		if (!is_wanted(rule, id))
			continue;
		pack_status(command->result, &r->limits, rule, value);
		count++;
	}
	pack_close_array(command->result, place, count);
}

static void
pack_rules(struct packer *p, const struct limit_rules *rules, bool global)
{
	size_t place = pack_open(p);
	uint32_t count = 0;

	for (uint32_t i = 0; i < limit_rules_count(rules); i++) {
		const struct limit_rule *rule = limit_rules_at(rules, i);

		if ((rule->service.len == 0) != global)
			continue;
		pack_map(p, RULE_PAIRS);
		pack_rule(p, rule);
		count++;
	}
	pack_close_array(p, place, count);
}

void
rate_limiter_cmd_limits_global(struct worker *w, struct command *command)
{
	struct rate_limiter *r = worker_state(w);

	pack_rules(command->result, r->rules, true);
}

static void
pack_table(struct packer *p, const struct limits *limits)
{
	static const uint32_t slots[LIMITS_CLASSES] = {8, 32, 128};
	struct limits_usage usage;

	limits_usage(limits, &usage);
	pack_array(p, LIMITS_CLASSES);
	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		pack_map(p, 3);
		pack_string(p, "slots");
		pack_u64(p, slots[class]);
		pack_string(p, "capacity");
		pack_u64(p, usage.capacity[class]);
		pack_string(p, "used");
		pack_u64(p, usage.used[class]);
	}
}

static void
pack_sweep(struct packer *p, const struct rate_limiter_sweep *sweep)
{
	if (sweep->ended_ms == 0) {
		pack_nil(p);
		return;
	}
	pack_map(p, 5);
	pack_string(p, "ago_ms");
	pack_u64(p, clock_mono_ms() - sweep->ended_ms);
	pack_string(p, "busy_us");
	pack_u64(p, sweep->took_us);
	pack_string(p, "looked");
	pack_u64(p, sweep->looked);
	pack_string(p, "freed");
	pack_u64(p, sweep->freed);
	pack_string(p, "repaired");
	pack_u64(p, sweep->repaired);
}

void
rate_limiter_cmd_limits_config(struct worker *w, struct command *command)
{
	struct rate_limiter *r = worker_state(w);
	struct packer *p = command->result;

	pack_map(p, 7);
	pack_string(p, "enabled");
	pack_bool(p, limit_rules_is_enabled(r->rules));
	pack_string(p, "fail_open");
	pack_bool(p,
	    settings_bool(worker_settings(w), SETTING_rate_limiter_fail_open));
	pack_string(p, "cleanup_interval_ms");
	pack_u64(p, r->interval_ms);
	pack_string(p, "global");
	pack_rules(p, r->rules, true);
	pack_string(p, "api");
	pack_rules(p, r->rules, false);
	pack_string(p, "table");
	pack_table(p, &r->limits);
	pack_string(p, "last_sweep");
	pack_sweep(p, &r->last);
}
