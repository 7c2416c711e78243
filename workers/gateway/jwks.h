// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_JWKS_H
#define WORKERS_GATEWAY_JWKS_H

/*
 * jwks - the keys tokens are verified with: a JWK Set (RFC 7517), read once.
 *
 * A key is good for one algorithm: the one its `alg` names, else the one its
 * type fixes (RSA: RS256, oct: HS256, a curve: its own). So nothing a token
 * says can make an RSA key verify an HMAC. Keys for other purposes (`use`
 * enc, unknown types) are skipped, as RFC 7517 asks; a key that should be
 * ours and is broken refuses the whole set, so that a typing error cannot
 * silently lock half of the users out.
 *
 * Trust:  the file is the operator's, but read like a stranger's: bounded in
 *         bytes and keys, curves checked, weak keys refused.
 * Owner:  jwks_read creates, jwks_destroy frees and wipes the secrets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

enum {
	JWKS_BYTES = 1 << 20, /* of the file; json takes a little less */
	JWKS_KEYS = 256,
	JWKS_KID_BYTES = 256,
	JWKS_WHY_BYTES = 160,
	JWKS_RSA_BITS_LEAST = 2048,
	JWKS_RSA_BITS_MOST = 8192
};

/* G(name, family, digest, bytes of a tag or of one ECDSA number) */
#define JWT_ALGORITHMS(G) \
	G(HS256, HMAC, "SHA256", 32) \
	G(HS384, HMAC, "SHA384", 48) \
	G(HS512, HMAC, "SHA512", 64) \
	G(RS256, RSA, "SHA256", 0) \
	G(RS384, RSA, "SHA384", 0) \
	G(RS512, RSA, "SHA512", 0) \
	G(PS256, PSS, "SHA256", 0) \
	G(PS384, PSS, "SHA384", 0) \
	G(PS512, PSS, "SHA512", 0) \
	G(ES256, ECDSA, "SHA256", 32) \
	G(ES384, ECDSA, "SHA384", 48) \
	G(ES512, ECDSA, "SHA512", 66) \
	G(EdDSA, EDDSA, NULL, 0)

enum jwt_family {
	JWT_HMAC,
	JWT_RSA,
	JWT_PSS,
	JWT_ECDSA,
	JWT_EDDSA
};

enum jwt_algorithm {
#define G(name, ...) JWT_##name,
	JWT_ALGORITHMS(G)
#undef G
	JWT_ALGORITHM_COUNT
};

struct jwk {
	struct text kid; /* may be empty: good for any kid */
	char *kid_bytes;
	enum jwt_algorithm algorithm;
	struct evp_pkey_st *key; /* NULL for HMAC */
	uint8_t *secret;         /* HMAC */
	size_t secret_bytes;
};

struct jwks {
	struct jwk *keys;
	uint32_t count;
	uint32_t skipped; /* for other purposes */
	bool has_secrets; /* HMAC keys: who can read them can sign */
};

/*
 * jwks_read takes a whole file. On an error `why` says in one line what and
 * where, and nothing was made.
 */
enum err jwks_read(
    struct text json, struct jwks **, char why[JWKS_WHY_BYTES]) MUST_USE;

/* jwks_destroy takes NULL and leaves NULL. */
void jwks_destroy(struct jwks **);

/* jwk_verify: is this the key's signature of `bytes`? */
bool jwk_verify(const struct jwk *, struct text bytes, const uint8_t *signature,
    size_t signature_bytes);

enum err jwt_algorithm_by_name(struct text, enum jwt_algorithm *) MUST_USE;
const char *jwt_algorithm_name(enum jwt_algorithm);
enum jwt_family jwt_algorithm_family(enum jwt_algorithm);
const char *jwt_algorithm_digest(enum jwt_algorithm);

/* jwt_algorithm_bytes: of HMAC's tag, or of each of ECDSA's two numbers. */
size_t jwt_algorithm_bytes(enum jwt_algorithm);

#endif /* WORKERS_GATEWAY_JWKS_H */
