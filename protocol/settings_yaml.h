// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SETTINGS_YAML_H
#define PROTOCOL_SETTINGS_YAML_H

/*
 * settings_yaml - YAML text as a small tree with places, inside hard limits.
 *
 * It knows no settings: which keys there are and what they mean is
 * settings_read's. Scalars stay text; the plain ones are told from the quoted.
 *
 * Trust:  the text is a stranger's. Limits hold while it is read, so the tree
 *         is never larger than SETTINGS_NODES, aliases counted as often as
 *         they are used.
 * Owner:  nodes are the arena's; nothing borrows the text.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/settings_read.h"

enum yaml_kind {
	YAML_NULL, /* plain and empty, ~ or null */
	YAML_PLAIN,
	YAML_QUOTED,
	YAML_LIST,
	YAML_MAP
};

struct yaml_place {
	uint32_t line; /* 1-based; 0: not from the file */
	uint32_t column;
};

struct yaml_item {
	struct text key; /* maps only */
	struct yaml_place key_place;
	const struct yaml_node *value;
	struct yaml_item *next;
};

struct yaml_node {
	enum yaml_kind kind;
	struct yaml_place place;
	struct text text; /* scalars; a NUL stands behind */
	struct yaml_item *items;
	uint32_t count;  /* items */
	uint32_t weight; /* nodes in here, itself too, aliases unfolded */
};

/*
 * settings_yaml_parse reads exactly one document; an empty one is YAML_NULL.
 * ERR_MALFORMED: the problem is noted. Duplicate keys are noted too, and the
 * tree is still there.
 */
enum err settings_yaml_parse(struct text, struct arena *,
    const struct yaml_node **root, struct settings_problems *) MUST_USE;

/* settings_problem notes what is wrong at a place. */
void settings_problem(struct settings_problems *, struct yaml_place,
    const char *fmt, ...) PRINTF(3, 4);

/* settings_quote cuts text at 64 bytes and cleans it, for messages. */
const char *settings_quote(struct arena *, struct text);

#endif /* PROTOCOL_SETTINGS_YAML_H */
