// SPDX-License-Identifier: MIT
/* log_scopes - the matters whose debug lines can be turned on one by one. */

#include "protocol/log_scopes.h"

#include <string.h>

_Static_assert((int)LOG_SWITCH_END <= 64, "a bit for each scope and switch");

static const struct log_scope_info infos[LOG_SWITCH_END] = {
#define SC(scope, name, meaning) [SCOPE_##scope] = {name, NULL, meaning},
    LOG_SCOPE_TABLE(SC)
#undef SC
#define SD(id, suffix, meaning) [DIAG_##id] = {#id, suffix, meaning},
	LOG_SWITCH_TABLE(SD)
#undef SD
};

const struct log_scope_info *
log_scope_info(enum log_scope id)
{
	INVARIANT((unsigned)id < LOG_SWITCH_END);
	return &infos[id];
}

/* without_product takes `banyan.` from the front. */
static struct text
without_product(struct text name)
{
	static const char product[] = "banyan.";
	uint32_t len = sizeof(product) - 1;

	if (name.len <= len || memcmp(name.at, product, len) != 0)
		return name;
	return (struct text){name.at + len, name.len - len};
}

uint64_t
log_scope_mask(struct text name)
{
	bool is_all = text_is(name, "banyan");
	uint64_t mask = 0;

	name = without_product(name);
	if (name.len == 0)
		return 0;
	for (uint32_t i = 0; i < LOG_SWITCH_END; i++) {
		bool is_scope = i < LOG_SCOPES;

		if (is_scope ? is_all ||
			    (strlen(infos[i].name) >= name.len &&
				memcmp(infos[i].name, name.at, name.len) == 0)
			     : text_is(name, infos[i].name))
			mask |= (uint64_t)1 << i;
	}
	return mask;
}

const char *
log_scope_closest(struct text name)
{
	const char *names[LOG_SWITCH_END];

	for (uint32_t i = 0; i < LOG_SWITCH_END; i++)
		names[i] = infos[i].name;
	int near = text_closest(without_product(name), names, LOG_SWITCH_END);
	return near >= 0 ? names[near] : NULL;
}
