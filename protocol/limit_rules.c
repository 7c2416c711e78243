// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A rule's id is a hash of its scope, its key and its place among rules with
 * the same two, not of its numbers: raising a limit keeps what was counted,
 * and two limits on one key with different windows count apart.
 *
 * The limits of functions hang in a small hash table by service and name, so
 * a call pays for its own limits, not for the length of the list. Calls of
 * functions without limits of their own find an empty bucket.
 */

#include "protocol/limit_rules.h"

#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/base/memory.h"
#include "protocol/hash.h"
#include "protocol/unpack.h"

struct limit_rules {
	struct arena arena; /* texts, rules, buckets */
	struct limit_rule *rules;
	uint32_t count;
	uint32_t global_count;
	struct limit_rule **firsts; /* first rule of a function, or NULL */
	uint32_t mask;              /* buckets - 1 */
	bool is_enabled;
	bool fails_open;
};

enum {
	RULES_MOST = 65536
};

static enum err
read_number(struct text map, const char *name, uint64_t most, uint32_t *to)
{
	struct text value;
	struct unpacker u;
	uint64_t number;
	enum err e = unpack_map_find(map, text_of(name), &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	e = unpack_u64(&u, &number);
	if (e == OK && number > most)
		e = ERR_RANGE;
	if (e == OK)
		*to = (uint32_t)number;
	return e;
}

static enum err
read_name(
    struct arena *arena, struct text map, const char *name, struct text *to)
{
	struct text value;
	struct unpacker u;
	enum err e = unpack_map_find(map, text_of(name), &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	e = unpack_text(&u, &value);
	if (e == OK && value.len == 0)
		e = ERR_MISSING;
	if (e == OK)
		*to = arena_text(arena, value);
	return e;
}

static enum limit_source
source_of(struct text key)
{
	if (text_is(key, "user_id"))
		return LIMIT_BY_USER_ID;
	if (text_is(key, "device_id"))
		return LIMIT_BY_DEVICE_ID;
	if (text_is(key, "ip_address"))
		return LIMIT_BY_IP_ADDRESS;
	return LIMIT_BY_ARGUMENT;
}

static enum err
read_rule(struct arena *arena, struct text map, bool is_global,
    struct limit_rule *rule)
{
	enum err e = read_name(arena, map, "key", &rule->key);

	if (e == OK && !is_global)
		e = read_name(arena, map, "service", &rule->service);
	if (e == OK && !is_global)
		e = read_name(arena, map, "request_type", &rule->request_type);
	if (e == OK)
		e = read_number(
		    map, "max_requests", LIMITS_MAX_MAX, &rule->max);
	if (e == OK)
		e = read_number(
		    map, "window_ms", LIMITS_MAX_WINDOW_MS, &rule->window_ms);
	rule->source = source_of(rule->key);
	return e;
}

static bool
is_same_scope(const struct limit_rule *a, const struct limit_rule *b)
{
	return text_eq(a->service, b->service) &&
	    text_eq(a->request_type, b->request_type);
}

static uint64_t
id_of(const struct limit_rules *rules, const struct limit_rule *rule)
{
	uint64_t words[4] = {hash_name(rule->service),
	    hash_name(rule->request_type), hash_name(rule->key), 0};

	for (const struct limit_rule *r = rules->rules; r < rule; r++)
		words[3] +=
		    is_same_scope(r, rule) && text_eq(r->key, rule->key);
	return hash_words(words, COUNT_OF(words));
}

static uint32_t
bucket_of(const struct limit_rules *rules, struct text service,
    struct text request_type)
{
	uint64_t hash =
	    hash_name(service) + hash_name(request_type) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(hash >> 32) & rules->mask;
}

/* first_at probes for the function; the place is free if it has no limits. */
static struct limit_rule **
first_at(const struct limit_rules *rules, struct text service,
    struct text request_type)
{
	uint32_t at = bucket_of(rules, service, request_type);

	while (rules->firsts[at] != NULL &&
	    !(text_eq(rules->firsts[at]->service, service) &&
		text_eq(rules->firsts[at]->request_type, request_type)))
		at = (at + 1) & rules->mask;
	return &rules->firsts[at];
}

/* append puts a rule behind the last of its scope. */
static void
append(struct limit_rule *first, struct limit_rule *rule)
{
	struct limit_rule *last = first;

	for (struct limit_rule *r = first + 1; r < rule; r++)
		if (is_same_scope(r, first))
			last = r;
	last->next = rule;
}

static void
link_rules(struct limit_rules *rules)
{
	uint32_t buckets = 8;

	while (buckets < rules->count * 2)
		buckets *= 2;
	rules->mask = buckets - 1;
	rules->firsts =
	    ARENA_ARRAY(&rules->arena, struct limit_rule *, buckets);
	for (uint32_t i = 0; i < rules->count; i++) {
		struct limit_rule *rule = &rules->rules[i];
		struct limit_rule **first;

		rule->id = id_of(rules, rule);
		if (i < rules->global_count) {
			rule->next =
			    i + 1 < rules->global_count ? rule + 1 : NULL;
			continue;
		}
		first = first_at(rules, rule->service, rule->request_type);
		if (*first == NULL)
			*first = rule;
		else
			append(*first, rule);
	}
}

static enum err
count_items(struct text list, uint32_t *count)
{
	struct unpacker u;

	*count = 0;
	if (list.len == 0)
		return OK;
	unpack_init(&u, list);
	return unpack_array(&u, count);
}

static enum err
read_list(
    struct limit_rules *rules, struct text list, uint32_t first, uint32_t count)
{
	struct unpacker u;
	uint32_t same;

	if (count == 0)
		return OK;
	unpack_init(&u, list);
	if (unpack_array(&u, &same) != OK || same != count)
		return ERR_MALFORMED;
	for (uint32_t i = first; i < first + count; i++) {
		struct text map;
		enum err e = unpack_raw(&u, &map);

		if (e == OK)
			e = read_rule(&rules->arena, map,
			    i < rules->global_count, &rules->rules[i]);
		if (e != OK)
			return e;
	}
	return OK;
}

enum err
limit_rules_create(
    const struct limit_rules_source *source, struct limit_rules **made)
{
	struct limit_rules *rules = MEMORY_NEW(struct limit_rules);
	uint32_t of_apis = 0;
	enum err e = count_items(source->global_limits, &rules->global_count);

	*made = rules;
	arena_init(&rules->arena);
	rules->is_enabled = source->is_enabled;
	rules->fails_open = source->fails_open;
	if (e == OK)
		e = count_items(source->api_limits, &of_apis);
	if (e == OK &&
	    (rules->global_count > RULES_MOST || of_apis > RULES_MOST))
		e = ERR_TOO_BIG;
	if (e == OK) {
		rules->count = rules->global_count + of_apis;
		rules->rules = ARENA_ARRAY(
		    &rules->arena, struct limit_rule, rules->count + 1);
		e = read_list(
		    rules, source->global_limits, 0, rules->global_count);
	}
	if (e == OK)
		e = read_list(
		    rules, source->api_limits, rules->global_count, of_apis);
	if (e == OK)
		link_rules(rules);
	else
		limit_rules_destroy(made);
	return e;
}

void
limit_rules_destroy(struct limit_rules **rules)
{
	if (*rules != NULL)
		arena_finish(&(*rules)->arena);
	memory_free(*rules);
	*rules = NULL;
}

const struct limit_rule *
limit_rules_global(const struct limit_rules *rules)
{
	return rules->global_count > 0 ? rules->rules : NULL;
}

const struct limit_rule *
limit_rules_of(const struct limit_rules *rules, struct text service,
    struct text request_type)
{
	if (rules->count == rules->global_count)
		return NULL;
	return *first_at(rules, service, request_type);
}

const struct limit_rule *
limit_rules_at(const struct limit_rules *rules, uint32_t index)
{
	return index < rules->count ? &rules->rules[index] : NULL;
}

uint32_t
limit_rules_count(const struct limit_rules *rules)
{
	return rules->count;
}

uint32_t
limit_rules_longest_window_ms(const struct limit_rules *rules)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->rules[i].window_ms > longest)
			longest = rules->rules[i].window_ms;
	return longest;
}

bool
limit_rules_is_enabled(const struct limit_rules *rules)
{
	return rules->is_enabled;
}

struct text
limit_rule_value(const struct limit_rule *rule, const struct limit_call *call)
{
	struct text value = {NULL, 0};
	struct unpacker u;

	switch (rule->source) {
	case LIMIT_BY_USER_ID:
		return call->user_id;
	case LIMIT_BY_DEVICE_ID:
		return call->device_id;
	case LIMIT_BY_IP_ADDRESS:
		return call->ip_address;
	case LIMIT_BY_ARGUMENT:
	default:
		break;
	}
	if (call->args.len == 0 ||
	    unpack_map_find(call->args, rule->key, &value) != OK)
		return (struct text){NULL, 0};
	unpack_init(&u, value);
	if (unpack_text(&u, &value) != OK)
		return (struct text){NULL, 0};
	return value;
}

struct limits_hit
limit_rule_hit(const struct limits *limits, const struct limit_rule *rule,
    struct text value, uint64_t now_us)
{
	return (struct limits_hit){.key = limits_key(limits, rule->id, value),
	    .max = rule->max,
	    .window_ms = rule->window_ms,
	    .now_us = now_us};
}

/* Asks for a hit, or only looks whether it would be given. */
typedef void asking(
    struct limits *, const struct limits_hit *, struct limits_verdict *);

/* ask_all asks the rules of one scope in order; false at a refusal. */
static bool
ask_all(asking *ask, const struct limit_rule *rule, struct limits *limits,
    const struct limit_call *call, uint64_t now_us, struct limit_answer *answer)
{
	for (; rule != NULL; rule = rule->next) {
		struct text value = limit_rule_value(rule, call);
		struct limits_hit hit;

		if (value.len == 0)
			continue;
		hit = limit_rule_hit(limits, rule, value, now_us);
		ask(limits, &hit, &answer->verdict);
		if (!answer->verdict.is_admitted) {
			answer->rule = rule;
			return false;
		}
	}
	return true;
}

static enum limit_outcome
ask_rules(asking *ask, const struct limit_rules *rules, struct limits *limits,
    const struct limit_call *call, uint64_t now_us, struct limit_answer *answer)
{
	const struct limit_rule *global = limit_rules_global(rules);
	const struct limit_rule *own;

	answer->rule = NULL;
	if (!rules->is_enabled || rules->count == 0)
		return LIMIT_ADMITTED;
	own = limit_rules_of(rules, call->service, call->request_type);
	if (global == NULL && own == NULL)
		return LIMIT_ADMITTED;
	if (limits == NULL)
		return rules->fails_open ? LIMIT_UNCHECKED : LIMIT_UNUSABLE;
	if (ask_all(ask, global, limits, call, now_us, answer) &&
	    ask_all(ask, own, limits, call, now_us, answer))
		return LIMIT_ADMITTED;
	return answer->verdict.is_full ? LIMIT_NO_ROOM : LIMIT_REFUSED;
}

enum limit_outcome
limit_rules_take(const struct limit_rules *rules, struct limits *limits,
    const struct limit_call *call, uint64_t now_us, struct limit_answer *answer)
{
	return ask_rules(limits_take, rules, limits, call, now_us, answer);
}

enum limit_outcome
limit_rules_look(const struct limit_rules *rules, struct limits *limits,
    const struct limit_call *call, uint64_t now_us, struct limit_answer *answer)
{
	return ask_rules(limits_look, rules, limits, call, now_us, answer);
}
