// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ACTIONS_H
#define PROTOCOL_ACTIONS_H

/*
 * actions - tables/actions.h as data: which op needs which admin action, and
 * whether a list of allowed ones has it. Fail-closed: what cannot be read
 * allows nothing.
 *
 * Trust:  ops and lists may be any bytes; they are only compared.
 * Owner:  no memory.
 */

#include <stdbool.h>

#include "protocol/base/text.h"

/* action_needed gives NULL for an op that needs none. */
const char *action_needed(struct text op);

/* action_is_look: a look that is audited. */
bool action_is_look(struct text op);

/* action_is_change: a look that changes something with one of its `args`
 * (msgpack bytes of a map, maybe empty). */
bool action_is_change(struct text op, struct text args);

/* action_is_allowed: `list` is the msgpack of security.admin_actions. */
bool action_is_allowed(struct text list, const char *action);

bool action_is_known(struct text action);

/* action_closest: what was probably meant, or NULL. */
const char *action_closest(struct text action);

#endif /* PROTOCOL_ACTIONS_H */
