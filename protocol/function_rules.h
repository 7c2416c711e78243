// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_FUNCTION_RULES_H
#define PROTOCOL_FUNCTION_RULES_H

/*
 * function_rules - what makes a function acceptable, and the words for why it
 * is not. Used by config_db (the only gate), the SDK and `banyan check`.
 *
 * Trust:  judges functions from outside; every text is bounded and escaped.
 * Owner:  the texts are the arena's; nothing else is kept.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "protocol/function.h"
#include "protocol/hook_list.h"

enum {
	PROBLEMS_MAX = 32
};

/* problems: why something was refused, in the order of the rules. */
struct problems {
	struct text at[PROBLEMS_MAX];
	uint32_t count;
};

/* problems_add copies nothing; what does not fit is dropped. */
void problems_add(struct problems *, struct text);

struct argument_limits;

/*
 * What an installation allows. `allow` holds patterns of "module.function"
 * with `*` as a wildcard (a module alone means all of it); none means all.
 * Modules os file code erlang net rpc global inet (`:os` is the same) are
 * denied unless an entry without a wildcard names module and function.
 */
struct function_rules {
	const struct text *allow;
	uint32_t allow_count;
	const struct argument_limits *limits; /* NULL: the defaults */
	struct hook_list hooks;               /* that functions may name */
};

bool target_is_allowed(
    const struct function_rules *, const struct function_target *);

/* function_may_run: all it would have run, hooks of the settings aside, is
 * allowed now; the rules may have changed since it was kept. */
bool function_may_run(const struct function *, const struct function_rules *);

/* target_inspect: {MyApp.Api, :get_user, []}. */
struct text target_inspect(struct arena *, const struct function_target *);

/*
 * function_check adds the texts of the 17 rules in their order, then the rules
 * on sizes of names. function_check_all adds the target rules ("MFA not
 * allowed: …", first, as the store checks it first), what it says of hooks
 * that are not registered, and knows the installation's limits on arguments;
 * function_check knows the default ones. True when nothing was added.
 */
bool function_check(const struct function *, struct arena *, struct problems *);
bool function_check_all(const struct function *, const struct function_rules *,
    struct arena *, struct problems *);

#endif /* PROTOCOL_FUNCTION_RULES_H */
