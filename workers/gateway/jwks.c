// SPDX-License-Identifier: MIT
#include "workers/gateway/jwks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "protocol/base/arena.h"
#include "protocol/base/memory.h"
#include "protocol/json.h"
#include "workers/gateway/base64url.h"

enum {
	NUMBER_BYTES = JWKS_RSA_BITS_MOST / 8,
	SECRET_BYTES = 1024,
	EXPONENT_BITS = 64
};

/* What a JWK says, as text. at NULL: it does not say. */
struct members {
	struct text kty, kid, alg, use, crv, n, e, x, y, k;
	bool has_ops;
	bool may_verify;
};

static const struct {
	struct text name;
	size_t place;
} texts[] = {
#define MEMBER(name) \
	{ \
		{#name, sizeof(#name) - 1}, offsetof(struct members, name) \
	}
    MEMBER(kty),
    MEMBER(kid),
    MEMBER(alg),
    MEMBER(use),
    MEMBER(crv),
    MEMBER(n),
    MEMBER(e),
    MEMBER(x),
    MEMBER(y),
    MEMBER(k),
#undef MEMBER
};

/* One reading of a set. */
struct reading {
	struct json_reader json;
	struct arena arena;
	struct jwks *to;
	char *why;
	uint32_t index; /* of the key under the hand */
};

static enum err fail(struct reading *, const char *, ...) PRINTF(2, 3);

static enum err
fail(struct reading *r, const char *fmt, ...)
{
	char what[JWKS_WHY_BYTES / 2];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(r->why, JWKS_WHY_BYTES, "keys[%u]: %s", r->index, what);
	return ERR_MALFORMED;
}

static enum err
bad_json(struct reading *r)
{
	snprintf(r->why, JWKS_WHY_BYTES, "no JWK Set: %s at byte %u",
	    r->json.error.what != NULL ? r->json.error.what
				       : "not what belongs there",
	    r->json.error.offset);
	return ERR_MALFORMED;
}

static enum err
read_ops(struct reading *r, struct members *m)
{
	bool more = false;
	enum err e = json_array(&r->json);

	m->has_ops = true;
	while (
	    e == OK && (e = json_array_next(&r->json, &more)) == OK && more) {
		struct text op = {.at = NULL, .len = 0};

		e = json_string(&r->json, &r->arena, &op);
		if (e == OK && text_is(op, "verify"))
			m->may_verify = true;
	}
	return e;
}

static enum err
read_member(struct reading *r, struct text key, struct members *m)
{
	struct text ignored;

	if (text_is(key, "key_ops"))
		return read_ops(r, m) == OK ? OK : bad_json(r);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (!text_eq(key, texts[i].name))
			continue;
		struct text *to = (void *)((char *)m + texts[i].place);

		if (to->at != NULL)
			return fail(
			    r, "\"%s\" is there twice", texts[i].name.at);
		enum err e = json_string(&r->json, &r->arena, to);
		if (e == ERR_TYPE)
			return fail(
			    r, "\"%s\" must be a string", texts[i].name.at);
		return e == OK ? OK : bad_json(r);
	}
	return json_skip(&r->json, &ignored) == OK ? OK : bad_json(r);
}

static enum err
read_members(struct reading *r, struct members *m)
{
	struct text key;
	bool more = true;

	*m = (struct members){.has_ops = false};
	if (json_object(&r->json) != OK)
		return bad_json(r);
	for (;;) {
		if (json_object_next(&r->json, &r->arena, &key, &more) != OK)
			return bad_json(r);
		if (!more)
			return OK;
		enum err e = read_member(r, key, m);
		if (e != OK)
			return e;
	}
}

/* number reads a base64url member as a big-endian number. */
static enum err
number(struct reading *r, const char *name, struct text t, BIGNUM **to)
{
	uint8_t bytes[NUMBER_BYTES + 1];
	size_t count = 0;

	if (t.len == 0 ||
	    base64url_decode(t, bytes, sizeof(bytes), &count) != OK)
		return fail(r, "\"%s\" is no number in base64url", name);
	*to = BN_bin2bn(bytes, (int)count, NULL);
	INVARIANT(*to != NULL);
	return OK;
}

/* make_key turns parameters into a public key, or NULL. */
static EVP_PKEY *
make_key(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *key = NULL;

	INVARIANT(ctx != NULL && params != NULL);
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return key;
}

static bool
is_exponent(const BIGNUM *e)
{
	return BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_BITS;
}

static enum err
take_rsa(struct reading *r, const struct members *m, struct jwk *to)
{
	BIGNUM *n = NULL, *e = NULL;
	enum err err = number(r, "n", m->n, &n);

	if (err == OK)
		err = number(r, "e", m->e, &e);
	if (err == OK &&
	    (BN_num_bits(n) < JWKS_RSA_BITS_LEAST ||
		BN_num_bits(n) > JWKS_RSA_BITS_MOST || !BN_is_odd(n)))
		err = fail(r, "an RSA modulus has %d to %d bits, not %d",
		    JWKS_RSA_BITS_LEAST, JWKS_RSA_BITS_MOST, BN_num_bits(n));
	if (err == OK && !is_exponent(e))
		err = fail(r, "\"e\" is no public exponent");
	if (err == OK) {
		OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();

		INVARIANT(build != NULL &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
		to->key = make_key("RSA", build);
		OSSL_PARAM_BLD_free(build);
		if (to->key == NULL)
			err = fail(r, "no RSA key");
	}
	BN_free(n);
	BN_free(e);
	return err;
}

static bool
is_on_curve(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	INVARIANT(ctx != NULL);
	bool is_good = EVP_PKEY_public_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return is_good;
}

static enum err
take_ec(struct reading *r, const struct members *m, struct jwk *to)
{
	size_t width = jwt_algorithm_bytes(to->algorithm);
	uint8_t point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};
	size_t x = 0, y = 0;

	if (base64url_decode(m->x, point + 1, width, &x) != OK ||
	    base64url_decode(m->y, point + 1 + width, width, &y) != OK ||
	    x != width || y != width)
		return fail(
		    r, "\"x\" and \"y\" must have %zu bytes each", width);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	INVARIANT(build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(
		build, OSSL_PKEY_PARAM_GROUP_NAME, m->crv.at, m->crv.len) &&
	    OSSL_PARAM_BLD_push_octet_string(
		build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * width));
	to->key = make_key("EC", build);
	OSSL_PARAM_BLD_free(build);
	if (to->key == NULL || !is_on_curve(to->key))
		return fail(r, "the point is not on its curve");
	return OK;
}

static enum err
take_okp(struct reading *r, const struct members *m, struct jwk *to)
{
	bool is_448 = text_is(m->crv, "Ed448");
	uint8_t bytes[64];
	size_t count = 0;

	if (base64url_decode(m->x, bytes, sizeof(bytes), &count) == OK &&
	    count == (is_448 ? 57 : 32))
		to->key = EVP_PKEY_new_raw_public_key_ex(
		    NULL, is_448 ? "ED448" : "ED25519", NULL, bytes, count);
	ERR_clear_error();
	return to->key != NULL ? OK : fail(r, "\"x\" is no key of its curve");
}

static enum err
take_oct(struct reading *r, const struct members *m, struct jwk *to)
{
	uint8_t bytes[SECRET_BYTES];
	size_t count = 0, least = jwt_algorithm_bytes(to->algorithm);
	enum err e = OK;

	if (base64url_decode(m->k, bytes, sizeof(bytes), &count) != OK)
		return fail(r, "\"k\" is no secret in base64url");
	if (count < least) {
		e = fail(r, "a secret for %s has %zu bytes at least, not %zu",
		    jwt_algorithm_name(to->algorithm), least, count);
	} else {
		to->secret = memory_new(count);
		memcpy(to->secret, bytes, count);
		to->secret_bytes = count;
		r->to->has_secrets = true;
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return e;
}

/* Key types: which algorithms their keys can be for, and the one without
 * `alg`. */
static const struct kind {
	const char *kty;
	const char *crv; /* NULL: it has none */
	enum jwt_algorithm first, last, usual;
	enum err (*take)(
	    struct reading *, const struct members *, struct jwk *);
} kinds[] = {
    {"oct", NULL, JWT_HS256, JWT_HS512, JWT_HS256, take_oct},
    {"RSA", NULL, JWT_RS256, JWT_PS512, JWT_RS256, take_rsa},
    {"EC", "P-256", JWT_ES256, JWT_ES256, JWT_ES256, take_ec},
    {"EC", "P-384", JWT_ES384, JWT_ES384, JWT_ES384, take_ec},
    {"EC", "P-521", JWT_ES512, JWT_ES512, JWT_ES512, take_ec},
    {"OKP", "Ed25519", JWT_EdDSA, JWT_EdDSA, JWT_EdDSA, take_okp},
    {"OKP", "Ed448", JWT_EdDSA, JWT_EdDSA, JWT_EdDSA, take_okp},
};

static const struct kind *
kind_of(const struct members *m)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (text_is(m->kty, kinds[i].kty) &&
		    (kinds[i].crv == NULL || text_is(m->crv, kinds[i].crv)))
			return &kinds[i];
	}
	return NULL;
}

/* is_ours: a key to verify with, of a kind and algorithm we know. */
static bool
is_ours(const struct members *m, const struct kind *kind, struct jwk *to)
{
	if (kind == NULL || (m->use.at != NULL && !text_is(m->use, "sig")) ||
	    (m->has_ops && !m->may_verify))
		return false;
	to->algorithm = kind->usual;
	if (m->alg.at == NULL)
		return true;
	return jwt_algorithm_by_name(m->alg, &to->algorithm) == OK;
}

static bool
is_kid_taken(const struct jwks *set, struct text kid)
{
	for (uint32_t i = 0; i < set->count; i++) {
		if (kid.len > 0 && text_eq(set->keys[i].kid, kid))
			return true;
	}
	return false;
}

static void
keep_kid(struct jwk *k, struct text kid)
{
	k->kid_bytes = memory_new((size_t)kid.len + 1);
	if (kid.len > 0)
		memcpy(k->kid_bytes, kid.at, kid.len);
	k->kid = (struct text){.at = k->kid_bytes, .len = kid.len};
}

static enum err
read_key(struct reading *r)
{
	struct jwk *to = &r->to->keys[r->to->count];
	struct members m;
	enum err e = read_members(r, &m);

	if (e != OK)
		return e;
	if (m.kty.len == 0)
		return fail(r, "\"kty\" is missing");
	const struct kind *kind = kind_of(&m);
	*to = (struct jwk){.key = NULL};
	if (!is_ours(&m, kind, to)) {
		r->to->skipped++;
		return OK;
	}
	if (to->algorithm < kind->first || to->algorithm > kind->last)
		return fail(r, "a key of type %s cannot be for %s", kind->kty,
		    jwt_algorithm_name(to->algorithm));
	if (m.kid.len > JWKS_KID_BYTES)
		return fail(r, "\"kid\" is longer than %d", JWKS_KID_BYTES);
	if (is_kid_taken(r->to, m.kid))
		return fail(r, "its kid is another key's too");
	r->to->count++; /* from here on jwks_destroy frees what it has */
	keep_kid(to, m.kid);
	return kind->take(r, &m, to);
}

static enum err
read_keys(struct reading *r)
{
	bool more = true;

	if (r->to->keys != NULL) {
		snprintf(r->why, JWKS_WHY_BYTES, "\"keys\" is there twice");
		return ERR_MALFORMED;
	}
	r->to->keys = memory_new(JWKS_KEYS * sizeof(struct jwk));
	if (json_array(&r->json) != OK)
		return bad_json(r);
	for (r->index = 0;; r->index++) {
		if (json_array_next(&r->json, &more) != OK)
			return bad_json(r);
		if (!more)
			return OK;
		if (r->index >= JWKS_KEYS)
			return fail(r, "more than %d keys", JWKS_KEYS);
		enum err e = read_key(r);
		if (e != OK)
			return e;
	}
}

static enum err
read_set(struct reading *r, struct text json)
{
	struct text key, ignored;
	bool more = true;

	if (json_open(&r->json, json, JSON_LIMITS) != OK ||
	    json_object(&r->json) != OK)
		return bad_json(r);
	for (;;) {
		if (json_object_next(&r->json, &r->arena, &key, &more) != OK)
			return bad_json(r);
		if (!more)
			break;
		enum err e = OK;
		if (text_is(key, "keys"))
			e = read_keys(r);
		else if (json_skip(&r->json, &ignored) != OK)
			e = bad_json(r);
		if (e != OK)
			return e;
	}
	if (json_close(&r->json) != OK)
		return bad_json(r);
	if (r->to->count > 0)
		return OK;
	snprintf(r->why, JWKS_WHY_BYTES,
	    "no key to verify with; %u for other purposes", r->to->skipped);
	return ERR_MISSING;
}

enum err
jwks_read(struct text json, struct jwks **to, char why[JWKS_WHY_BYTES])
{
	struct reading r = {.to = MEMORY_NEW(struct jwks), .why = why};

	why[0] = '\0';
	arena_init(&r.arena);
	enum err e = read_set(&r, json);
	arena_finish(&r.arena);
	if (e == OK)
		*to = r.to;
	else
		jwks_destroy(&r.to);
	return e;
}

void
jwks_destroy(struct jwks **set)
{
	if (*set == NULL)
		return;
	for (uint32_t i = 0; i < (*set)->count; i++) {
		struct jwk *k = &(*set)->keys[i];

		EVP_PKEY_free(k->key);
		if (k->secret != NULL)
			OPENSSL_cleanse(k->secret, k->secret_bytes);
		memory_free(k->secret);
		memory_free(k->kid_bytes);
	}
	memory_free((*set)->keys);
	memory_free(*set);
	*set = NULL;
}
