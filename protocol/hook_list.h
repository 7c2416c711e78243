// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_HOOK_LIST_H
#define PROTOCOL_HOOK_LIST_H

/*
 * hook_list - the hooks of an installation: names for functions of the tree's
 * own pools, as the operator registers them (`hooks:` in the YAML).
 *
 * Services send functions, and a function may name hooks. What a name stands
 * for is said here and nowhere else, so that nobody who sends functions
 * chooses code that runs in the tree.
 *
 * Trust:  the list is the operator's and validated; what a function names is
 *         a stranger's text and only compared.
 * Owner:  texts and entries are the arena's the list was read with.
 */

#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "protocol/function.h"

enum {
	HOOK_LIST_MAX = 256
};

/* One hook; its texts have a NUL behind them. */
struct hook_entry {
	struct text name;
	struct text module;
	struct text function;
	struct text pool; /* len 0: worker_pool chooses */
};

struct hook_list {
	const struct hook_entry *all;
	uint32_t count;
};

/* hook_list_read copies the items of the setting `hooks`, a list of maps. */
void hook_list_read(struct text span, struct arena *, struct hook_list *);

/*
 * hook_list_find gives the entry a function means, or NULL: that of the name;
 * without a name the first one for that module and function.
 */
const struct hook_entry *hook_list_find(
    const struct hook_list *, const struct function_hook *);

/* hook_list_near gives the name a person most likely meant, or NULL. */
const char *hook_list_near(const struct hook_list *, struct text wrong);

#endif /* PROTOCOL_HOOK_LIST_H */
