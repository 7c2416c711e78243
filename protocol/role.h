// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ROLE_H
#define PROTOCOL_ROLE_H

/*
 * role - the one word of every process, made from tables/workers.h.
 *
 * The workers come first, in start order; the others are not in the tree's
 * table but have a name, a slot in `stats` or a log all the same.
 *
 * Trust:  a number from a record or a segment may be anything: role_name
 *         takes it.
 * Owner:  no memory.
 */

#include "protocol/base/text.h"
#include "protocol/tables/workers.h"

enum role {
	ROLE_none,
#define W(role, ...) ROLE_##role,
	WORKERS(W)
#undef W
	ROLE_supervisor,
	ROLE_guard,
	ROLE_settings, /* the short-lived reader of the YAML file */
	ROLE_cli,
	ROLE_service, /* a program outside the tree, built with the SDK */
	ROLES
};

enum {
	ROLE_WORKERS_END = ROLE_supervisor /* workers are 1 … END - 1 */
};

/* role_name gives the lower-case word; "none" for what is no role. */
const char *role_name(enum role);

/* role_by_name gives ROLE_none for a word that is no role. */
enum role role_by_name(struct text);

#endif /* PROTOCOL_ROLE_H */
