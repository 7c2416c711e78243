// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PERMISSION_H
#define WORKERS_GATEWAY_PERMISSION_H

/*
 * permission - may this caller call that function? The modes a function can
 * name: false, any_authenticated, {arg: name}, {role: [...]}.
 *
 * Pure: who calls is a fact its caller brings, and the answer depends on
 * nothing else. What only a callback can decide is callback.h's.
 *
 * Trust:  the user and roles are the session's, never a payload's; arguments
 *         are a stranger's msgpack that passed the codec, not yet converted.
 * Owner:  a permission is its arena's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "protocol/function.h"

struct permission {
	enum function_permission mode;
	struct text arg;    /* ARG: the argument that must name the caller */
	bool looks_inside;  /* ARG: the function takes one map, so the name may
			       stand one level down */
	struct text *roles; /* ROLE: any of these */
	uint32_t role_count;
	struct text shown; /* the mode in words, for people */
};

/* permission_compile takes what a checked function says. */
void permission_compile(
    const struct function *, struct arena *, struct permission *);

/* What counts of a caller. */
struct permission_facts {
	struct text user_id; /* of a verified session; len 0: nobody */
	const struct text *roles;
	uint32_t role_count;
	struct text args; /* msgpack map as sent; empty: none */
};

/*
 * permission_allows: ARG compares the argument with the user byte by byte. It
 * looks inside maps only when the name is absent at the top, one level down,
 * and the first that has the name decides, match or not. A name given twice in
 * one map is nobody's: readers differ on which one counts.
 */
bool permission_allows(
    const struct permission *, const struct permission_facts *);

#endif /* WORKERS_GATEWAY_PERMISSION_H */
