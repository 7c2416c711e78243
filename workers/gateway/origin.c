// SPDX-License-Identifier: MIT
#include "workers/gateway/origin.h"

#include <strings.h>

static struct text
part(struct text t, uint32_t from, uint32_t to)
{
	return (struct text){.at = t.at + from, .len = to - from};
}

/* same_word leaves the case aside: schemes and hosts have none. */
static bool
same_word(struct text a, struct text b)
{
	return a.len == b.len &&
	    (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

/* host_of cuts the scheme off an origin: "http://a:1" gives "a:1". */
static struct text
host_of(struct text origin)
{
	for (uint32_t i = 0; i + 1 < origin.len; i++) {
		if (origin.at[i] == '/' && origin.at[i + 1] == '/')
			return part(origin, i + 2, origin.len);
	}
	return (struct text){.at = NULL, .len = 0};
}

/* matches_host: a rule that opens with "*." takes any name below the rest. */
static bool
matches_host(struct text rule, struct text host)
{
	if (rule.len > 2 && rule.at[0] == '*' && rule.at[1] == '.') {
		struct text tail = part(rule, 1, rule.len);

		return host.len > tail.len &&
		    same_word(part(host, host.len - tail.len, host.len), tail);
	}
	return same_word(rule, host);
}

/* matches: "//host" takes any scheme, anything else names its scheme. */
static bool
matches(struct text rule, struct text origin)
{
	struct text rule_host = host_of(rule), host = host_of(origin);
	struct text rule_scheme = part(rule, 0, rule.len - rule_host.len);
	struct text scheme = part(origin, 0, origin.len - host.len);

	if (rule_host.len == 0 || host.len == 0)
		return same_word(rule, origin);
	return (text_is(rule_scheme, "//") || same_word(rule_scheme, scheme)) &&
	    matches_host(rule_host, host);
}

/* Programs send no Origin; browsers always do. */
bool
origin_is_welcome(
    const struct http_rules *rules, struct text origin, struct text host)
{
	if (rules->any_origin || origin.len == 0)
		return true;
	if (rules->same_origin && same_word(host_of(origin), host))
		return true;
	for (uint32_t i = 0; i < rules->origin_count; i++) {
		if (matches(rules->origins[i], origin))
			return true;
	}
	return false;
}
