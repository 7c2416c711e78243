// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LOG_SCOPES_H
#define PROTOCOL_LOG_SCOPES_H

/*
 * log_scopes - the matters whose debug lines can be turned on one by one.
 *
 * A name means every scope it is a prefix of: "gateway" all of the gateway,
 * "gateway.ws" that one, "banyan" everything; "banyan.gateway" is "gateway".
 * A name no scope begins with turns nothing on.
 *
 * Pure. Owner: no memory. Trust: a name may be any bytes; it is compared.
 */

#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/tables/logs.h"

enum log_scope {
#define SC(scope, ...) SCOPE_##scope,
	LOG_SCOPE_TABLE(SC)
#undef SC
	LOG_SCOPES,
	LOG_SWITCH_BEFORE = LOG_SCOPES - 1,
#define SD(name, ...) DIAG_##name,
	LOG_SWITCH_TABLE(SD)
#undef SD
	LOG_SWITCH_END
};

enum {
	LOG_SWITCHES = LOG_SWITCH_END - LOG_SCOPES
};

struct log_scope_info {
	const char *name;   /* "gateway.ws"; a switch: "peer_dial" */
	const char *suffix; /* a switch: "PEER_DIAL"; else NULL */
	const char *meaning;
};

/* log_scope_info: any id < LOG_SWITCH_END. */
const struct log_scope_info *log_scope_info(enum log_scope);

/* log_scope_mask gives a bit for each scope and switch that `name` means. */
uint64_t log_scope_mask(struct text name);

/* log_scope_closest: what was probably meant, or NULL. */
const char *log_scope_closest(struct text name);

#endif /* PROTOCOL_LOG_SCOPES_H */
