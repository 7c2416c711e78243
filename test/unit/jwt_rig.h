// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_JWT_RIG_H
#define TEST_UNIT_JWT_RIG_H

/*
 * jwt_rig - a token made, signed and verified, and what it says.
 */

#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>

#include "signer.h"
#include "workers/gateway/base64url.h"
#include "workers/gateway/jwt.h"

#define NOW_S  UINT64_C(1700000000)
#define NOW_MS (NOW_S * 1000)
#define EXP    "\"exp\":1700000060"
#define ANNA   "{\"sub\":\"anna\"," EXP "}"

static struct arena arena;
static struct identity facts;
static char token[16384];
static char jwk[4096];
static uint32_t signatures;

static const struct jwt_rules plain = {
    .user_claim = {.at = "sub", .len = 3},
    .roles_claim = {.at = "roles", .len = 5},
    .leeway_ms = 5000,
    .needs_expiry = true,
};

/* keys_of reads a set of up to three JWKs. */
static inline struct jwks *
keys_of(const char *a, const char *b, const char *c)
{
	char set[16384], why[JWKS_WHY_BYTES];
	struct jwks *keys = NULL;

	snprintf(set, sizeof(set), "{\"keys\":[%s%s%s%s%s]}", a,
	    b != NULL ? "," : "", b != NULL ? b : "", c != NULL ? "," : "",
	    c != NULL ? c : "");
	if (jwks_read(text_of(set), &keys, why) != OK)
		fail_msg("%s", why);
	return keys;
}

static inline enum jwt_verdict
verify_by(const struct jwks *keys, const struct jwt_rules *rules,
    const char *text, uint64_t now_ms)
{
	arena_reset(&arena);
	signatures = 0;
	return jwt_verify(
	    keys, rules, text_of(text), now_ms, &arena, &facts, &signatures);
}

/* The signer most tests use: one HMAC key without a kid. */
static struct signer hs;
static struct jwks *hs_keys;

static inline enum jwt_verdict
verify(const char *header, const char *payload)
{
	signer_sign(&hs, header, payload, token, sizeof(token));
	return verify_by(hs_keys, &plain, token, NOW_MS);
}

static inline enum jwt_verdict
payload_is(const char *payload)
{
	return verify("{\"alg\":\"HS256\"}", payload);
}

static inline int
start(void **state)
{
	(void)state;
	arena_init(&arena);
	signer_init(&hs, JWT_HS256, NULL);
	signer_jwk(&hs, jwk, sizeof(jwk));
	hs_keys = keys_of(jwk, NULL, NULL);
	return 0;
}

static inline int
finish(void **state)
{
	(void)state;
	jwks_destroy(&hs_keys);
	signer_finish(&hs);
	arena_finish(&arena);
	return 0;
}

#endif /* TEST_UNIT_JWT_RIG_H */
