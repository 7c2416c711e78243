// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_JWT_H
#define WORKERS_GATEWAY_JWT_H

/*
 * jwt - is this token good, and whom does it name? (RFC 7515, 7519, 8725)
 *
 * Pure: the keys, the rules and the time come as arguments. Nothing a token
 * says chooses how it is verified: its `alg` must be the key's, its `kid` is
 * compared with the keys' and means nothing else, `jku`, `jwk` and `x5u` are
 * not looked at, and `crit` refuses it. Its payload is not parsed before the
 * signature holds.
 *
 * Trust:  every byte comes from strangers; a token has JWT_BYTES at most, so
 *         has all that is made of it; a claim given twice refuses it.
 * Owner:  no memory but the arena's; `facts` borrow from it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/text.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/jwks.h"

enum {
	JWT_BYTES = 8192,
	JWT_TRIES = 4 /* keys a token without a kid may be tried with */
};

/* V(name, what an operator should make of it) */
#define JWT_VERDICTS(V) \
	V(good, "") \
	V(malformed, "no JWS of three parts, or no JSON inside") \
	V(algorithm, "its alg is none, unknown, or not its key's") \
	V(no_key, "no key has its kid and alg") \
	V(ambiguous, "it names no key, and too many could be meant") \
	V(signature, "the signature does not hold") \
	V(expired, "its exp is over") \
	V(early, "its nbf or iat lies ahead") \
	V(issuer, "its iss is not ours") \
	V(audience, "its aud does not name us") \
	V(claims, "a claim is missing, twice there, or of the wrong type")

enum jwt_verdict {
#define V(name, ...) JWT_IS_##name,
	JWT_VERDICTS(V)
#undef V
	JWT_VERDICT_COUNT
};

struct jwt_rules {
	struct text issuer; /* empty: any */
	const struct text *audiences;
	uint32_t audience_count; /* 0: any */
	struct text user_claim;  /* "sub" */
	struct text roles_claim; /* "roles"; empty: none */
	uint64_t leeway_ms;
	bool needs_expiry; /* a token without exp is refused */
};

const char *jwt_verdict_name(enum jwt_verdict);

/*
 * jwt_verify looks at a token at wall time `now_ms` and, if it is good, fills
 * `facts` (no holds). `signatures` grows by the number it had to verify.
 */
enum jwt_verdict jwt_verify(const struct jwks *, const struct jwt_rules *,
    struct text token, uint64_t now_ms, struct arena *, struct identity *facts,
    uint32_t *signatures);

#endif /* WORKERS_GATEWAY_JWT_H */
