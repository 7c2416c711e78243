// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_SIGNER_H
#define TEST_UNIT_SIGNER_H

/*
 * signer - the other side of jwt.h, for tests: makes keys, writes them as
 * JWKs, signs whatever header and payload a test makes up.
 *
 * Trust:  a test's own texts; sizes are the test's.
 * Owner:  signer_init / signer_finish.
 */

#include <stddef.h>

#include "workers/gateway/jwks.h"

struct signer {
	enum jwt_algorithm algorithm;
	struct evp_pkey_st *key; /* NULL for HMAC */
	unsigned char secret[64];
	const char *kid; /* NULL: its JWK has none */
};

void signer_init(struct signer *, enum jwt_algorithm, const char *kid);
void signer_finish(struct signer *);

/* signer_jwk writes the public half (HMAC: the secret). */
void signer_jwk(const struct signer *, char *to, size_t size);

/* signer_sign writes header.payload.signature. */
void signer_sign(const struct signer *, const char *header, const char *payload,
    char *to, size_t size);

/* signer_encode writes base64url of any bytes, NUL behind it. */
size_t signer_encode(const void *, size_t bytes, char *to, size_t size);

#endif /* TEST_UNIT_SIGNER_H */
