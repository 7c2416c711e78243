// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What is forgotten was counted in a table that all gateways share, so a reset
 * is in force everywhere at once. Keys stand there as hashes: those of one
 * function can be found for a key that is named, not for all keys.
 */

#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/pack.h"
#include "workers/rate_limiter/rate_limiter.h"

/* What is to be forgotten; an empty text means: whichever. */
struct wanted {
	struct text key;
	struct text limit;
	struct text service;
	struct text function;
	bool is_all;
};

static bool
read_word(struct command *command, const char *key, struct text *to)
{
	*to = TEXT("");
	if (command_text(command, key, to) != ERR_TYPE)
		return true;
	command_fail(command, CLASS_INVALID, "banyan limits reset u42",
	    "%s is a text", key);
	return false;
}

static bool
read_wanted(struct command *command, struct wanted *to)
{
	*to = (struct wanted){.is_all = false};
	if (!read_word(command, "key", &to->key) ||
	    !read_word(command, "limit", &to->limit) ||
	    !read_word(command, "service", &to->service) ||
	    !read_word(command, "function", &to->function))
		return false;
	if (command_bool(command, "all", &to->is_all) == ERR_TYPE ||
	    to->is_all == (to->key.len > 0)) {
		command_fail(command, CLASS_INVALID,
		    "banyan limits reset u42, or: banyan limits reset --all",
		    "whose budget? a user id, device id, address or argument");
		return false;
	}
	if (to->is_all &&
	    to->limit.len + to->service.len + to->function.len > 0) {
		command_fail(command, CLASS_INVALID,
		    "banyan limits reset KEY --limit ID",
		    "--all forgets every key of every limit");
		return false;
	}
	return true;
}

static bool
is_wanted(const struct wanted *wanted, const struct limit_rule *rule)
{
	char id[17];

	snprintf(id, sizeof(id), "%016llx", (unsigned long long)rule->id);
	return (wanted->limit.len == 0 || text_is(wanted->limit, id)) &&
	    (wanted->service.len == 0 ||
		text_eq(wanted->service, rule->service)) &&
	    (wanted->function.len == 0 ||
		text_eq(wanted->function, rule->request_type));
}

static void
tell_reset(const struct wanted *wanted, const struct limit_rule *rule)
{
	struct event_word value, key, service, type;

	if (!event_happens(EVENT_limit_reset))
		return;
	event_word(&value, wanted->key);
	event_word(&key, rule->key);
	if (rule->service.len == 0)
		event_tell(EVENT_limit_reset,
		    "key=%s scope=global rate_limit_key=%s", value.at, key.at);
	else
		event_tell(EVENT_limit_reset,
		    "key=%s scope=api rate_limit_key=%s service=%s "
		    "request_type=%s",
		    value.at, key.at, event_word(&service, rule->service),
		    event_word(&type, rule->request_type));
}

static void
reset_key(struct rate_limiter *r, const struct wanted *wanted,
    struct command *command)
{
	uint32_t matched = 0, forgotten = 0;

	for (uint32_t i = 0; i < limit_rules_count(r->rules); i++) {
		const struct limit_rule *rule = limit_rules_at(r->rules, i);

		if (!is_wanted(wanted, rule))
			continue;
		struct limits_hit hit = limit_rule_hit(
		    &r->limits, rule, wanted->key, clock_mono_us());
		matched++;
		if (!limits_reset(&r->limits, &hit))
			continue;
		forgotten++;
		tell_reset(wanted, rule);
	}
	if (matched == 0) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan limits config` lists them",
		    "there is no such limit");
		return;
	}
	pack_map(command->result, 2);
	pack_field_u64(command->result, "limits", matched);
	pack_field_u64(command->result, "forgotten", forgotten);
}

void
rate_limiter_cmd_limits_reset(struct worker *w, struct command *command)
{
	struct rate_limiter *r = worker_state(w);
	struct wanted wanted;

	if (!read_wanted(command, &wanted))
		return;
	if (!wanted.is_all) {
		reset_key(r, &wanted, command);
		return;
	}
	uint32_t keys = limits_clear(&r->limits, clock_mono_us());

	event_note(EVENT_limit_reset, "key=all scope=all rate_limit_key=all");
	pack_map(command->result, 2);
	pack_field_u64(command->result, "limits", limit_rules_count(r->rules));
	pack_field_u64(command->result, "forgotten", keys);
}
