// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LIMIT_RULES_H
#define PROTOCOL_LIMIT_RULES_H

/*
 * limit_rules - which limits a call has, in which order, and whose budget it
 * draws on. The gateway asks it about each call; the rate_limiter shows it.
 *
 * Order: every global limit as listed, then the limits of the call's own
 * function as listed. The first refusal ends it; what earlier limits admitted
 * stays counted. A call without a value for a limit's key passes that limit.
 *
 * Pure: settings come as the msgpack lists of protocol/settings.h, time as an
 * argument, hits go to protocol/limits.h.
 *
 * Trust:  values come from strangers; they are only hashed. `args` has passed
 *         pack_check.
 * Owner:  create/destroy; rules live as long as the whole.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/limits.h"

enum limit_source {
	LIMIT_BY_USER_ID,
	LIMIT_BY_DEVICE_ID,
	LIMIT_BY_IP_ADDRESS,
	LIMIT_BY_ARGUMENT /* args[key], if it is a text */
};

struct limit_rule {
	uint64_t id;         /* scope, key, and how many such came before it */
	struct text service; /* empty: the limit is global */
	struct text request_type;
	struct text key;
	enum limit_source source;
	uint32_t max;
	uint32_t window_ms;
	const struct limit_rule *next; /* of the same scope, in list order */
};

struct limit_rules;

struct limit_rules_source {
	struct text global_limits; /* msgpack array of maps, as validated */
	struct text api_limits;
	bool is_enabled; /* rate_limiter.enabled: false passes every call */
	bool fails_open; /* rate_limiter.fail_open */
};

/* limit_rules_create: ERR_MALFORMED, ERR_MISSING … for lists not validated. */
enum err limit_rules_create(
    const struct limit_rules_source *, struct limit_rules **) MUST_USE;
void limit_rules_destroy(struct limit_rules **);

struct limit_call {
	struct text service;
	struct text request_type;
	struct text user_id; /* empty when unknown, like the next two */
	struct text device_id;
	struct text ip_address;
	struct text args; /* msgpack map; may be empty */
};

enum limit_outcome {
	LIMIT_ADMITTED,
	LIMIT_REFUSED,   /* `rule` and `verdict` say by which and until when */
	LIMIT_NO_ROOM,   /* the table is full: refused, retry_after_ms holds */
	LIMIT_UNUSABLE,  /* no table, and fail_open is false */
	LIMIT_UNCHECKED, /* no table, and fail_open is true: the call passes */
};

struct limit_answer {
	const struct limit_rule *rule; /* refused by */
	struct limits_verdict verdict;
};

/*
 * limit_rules_take asks every limit of the call for a hit. `limits` NULL
 * means the segment cannot be used. `now_us` as in struct limits_hit.
 */
enum limit_outcome limit_rules_take(const struct limit_rules *, struct limits *,
    const struct limit_call *, uint64_t now_us, struct limit_answer *);

/* limit_rules_look answers what limit_rules_take would, and records nothing. */
enum limit_outcome limit_rules_look(const struct limit_rules *, struct limits *,
    const struct limit_call *, uint64_t now_us, struct limit_answer *);

/* limit_rule_value gives the call's value for the rule's key; empty: none. */
struct text limit_rule_value(
    const struct limit_rule *, const struct limit_call *);

/* The rules, in order; NULL when there are none. */
const struct limit_rule *limit_rules_global(const struct limit_rules *);
const struct limit_rule *limit_rules_of(
    const struct limit_rules *, struct text service, struct text request_type);

/* limit_rules_at walks all of them, global first; NULL behind the last. */
const struct limit_rule *limit_rules_at(
    const struct limit_rules *, uint32_t index);
uint32_t limit_rules_count(const struct limit_rules *);
uint32_t limit_rules_longest_window_ms(const struct limit_rules *);
bool limit_rules_is_enabled(const struct limit_rules *);

/* limit_rule_hit prepares the hit of one value for limits_look or _reset. */
struct limits_hit limit_rule_hit(const struct limits *,
    const struct limit_rule *, struct text value, uint64_t now_us);

#endif /* PROTOCOL_LIMIT_RULES_H */
