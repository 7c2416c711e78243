// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_CREDENTIALS_H
#define WORKERS_GATEWAY_CREDENTIALS_H

/*
 * credentials - what a service that decides about clients is asked, and what
 * its answer says. Pure: bytes in, bytes out.
 *
 * The question is one map: {params, headers, token, peer, user_id}. Of the
 * headers only those the operator allows are told; one of them that comes
 * twice, a parameter that is no text, or too many refuse the client: what
 * two readers could understand in two ways must not decide who somebody is.
 *
 * Trust:  the upgrade is a stranger's, bounded by HTTP_HEAD_BYTES; the answer
 *         is a service's and has passed pack_check.
 * Owner:  no memory but the arena's.
 */

#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/pack.h"
#include "workers/gateway/http.h"
#include "workers/gateway/identity.h"

enum {
	CREDENTIALS_PARAMS = 32
};

struct credentials {
	const struct http_upgrade *upgrade; /* NULL: a refresh, neither
					       parameters nor headers */
	const struct text *headers;         /* allowed names */
	uint32_t header_count;
	struct text token;   /* at NULL: none was brought */
	struct text peer;    /* address */
	struct text user_id; /* of the session that is refreshed; else NULL */
};

/* credentials_pack writes the list of arguments: [map]. ERR_MALFORMED. */
enum err credentials_pack(
    const struct credentials *, struct arena *, struct packer *) MUST_USE;

/*
 * credentials_answer reads {user_id, roles?, expires_in_ms?} at wall time
 * `now_ms`. ERR_DENIED: nil or false, a plain no. ERR_MALFORMED: all else.
 */
enum err credentials_answer(struct text value, uint64_t now_ms, struct arena *,
    struct identity *facts) MUST_USE;

#endif /* WORKERS_GATEWAY_CREDENTIALS_H */
