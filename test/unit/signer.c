// SPDX-License-Identifier: MIT
#include "signer.h"

#include <stdio.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

size_t
signer_encode(const void *from, size_t bytes, char *to, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				      "nopqrstuvwxyz0123456789-_";
	const unsigned char *at = from;
	uint32_t held = 0, bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++) {
		held = held << 8 | at[i];
		for (bits += 8; bits >= 6; bits -= 6) {
			INVARIANT(n + 2 < size);
			to[n++] = letters[held >> (bits - 6) & 63];
		}
	}
	if (bits > 0)
		to[n++] = letters[held << (6 - bits) & 63];
	to[n] = '\0';
	return n;
}

static const char *
curve_of(enum jwt_algorithm a)
{
	if (a == JWT_ES256)
		return "P-256";
	return a == JWT_ES384 ? "P-384" : "P-521";
}

void
signer_init(struct signer *s, enum jwt_algorithm algorithm, const char *kid)
{
	*s = (struct signer){.algorithm = algorithm, .kid = kid};
	switch (jwt_algorithm_family(algorithm)) {
	case JWT_HMAC:
		INVARIANT(RAND_bytes(s->secret, sizeof(s->secret)) == 1);
		return;
	case JWT_RSA:
	case JWT_PSS:
		s->key = EVP_RSA_gen(2048);
		break;
	case JWT_ECDSA:
		s->key = EVP_EC_gen(curve_of(algorithm));
		break;
	case JWT_EDDSA:
		s->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	INVARIANT(s->key != NULL);
}

void
signer_finish(struct signer *s)
{
	EVP_PKEY_free(s->key);
	s->key = NULL;
}

static void
number(const struct signer *s, const char *name, size_t width, char *to,
    size_t size)
{
	unsigned char bytes[600];
	BIGNUM *n = NULL;

	INVARIANT(EVP_PKEY_get_bn_param(s->key, name, &n) == 1);
	if (width == 0)
		width = (size_t)BN_num_bytes(n);
	INVARIANT(BN_bn2binpad(n, bytes, (int)width) == (int)width);
	signer_encode(bytes, width, to, size);
	BN_free(n);
}

void
signer_jwk(const struct signer *s, char *to, size_t size)
{
	size_t width = jwt_algorithm_bytes(s->algorithm), raw_bytes = 64;
	unsigned char raw[64];
	char a[1400], b[1400], kid[300] = "";

	if (s->kid != NULL)
		snprintf(kid, sizeof(kid), "\"kid\":\"%s\",", s->kid);
	switch (jwt_algorithm_family(s->algorithm)) {
	case JWT_HMAC:
		signer_encode(s->secret, sizeof(s->secret), a, sizeof(a));
		snprintf(to, size,
		    "{\"kty\":\"oct\",%s\"alg\":\"%s\",\"k\":\"%s\"}", kid,
		    jwt_algorithm_name(s->algorithm), a);
		return;
	case JWT_RSA:
	case JWT_PSS:
		number(s, OSSL_PKEY_PARAM_RSA_N, 0, a, sizeof(a));
		number(s, OSSL_PKEY_PARAM_RSA_E, 0, b, sizeof(b));
		snprintf(to, size,
		    "{\"kty\":\"RSA\",%s\"alg\":\"%s\",\"n\":\"%s\","
		    "\"e\":\"%s\"}",
		    kid, jwt_algorithm_name(s->algorithm), a, b);
		return;
	case JWT_ECDSA:
		number(s, OSSL_PKEY_PARAM_EC_PUB_X, width, a, sizeof(a));
		number(s, OSSL_PKEY_PARAM_EC_PUB_Y, width, b, sizeof(b));
		snprintf(to, size,
		    "{\"kty\":\"EC\",%s\"crv\":\"%s\",\"x\":\"%s\","
		    "\"y\":\"%s\"}",
		    kid, curve_of(s->algorithm), a, b);
		return;
	case JWT_EDDSA:
		INVARIANT(
		    EVP_PKEY_get_raw_public_key(s->key, raw, &raw_bytes) == 1);
		signer_encode(raw, raw_bytes, a, sizeof(a));
		snprintf(to, size,
		    "{\"kty\":\"OKP\",%s\"crv\":\"Ed25519\",\"x\":\"%s\"}", kid,
		    a);
		return;
	}
}

/* der_to_raw: EVP gives DER, JWS wants the two numbers bare. */
static size_t
der_to_raw(
    const unsigned char *der, size_t bytes, size_t width, unsigned char *to)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)bytes);

	INVARIANT(sig != NULL);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), to, (int)width);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), to + width, (int)width);
	ECDSA_SIG_free(sig);
	return width * 2;
}

static size_t
sign(const struct signer *s, const char *text, unsigned char to[1100])
{
	const char *digest = jwt_algorithm_digest(s->algorithm);
	unsigned char der[1100];
	size_t bytes = sizeof(der);
	unsigned int tag_bytes = 0;

	if (s->key == NULL) {
		INVARIANT(HMAC(EVP_get_digestbyname(digest), s->secret,
			      sizeof(s->secret), (const unsigned char *)text,
			      strlen(text), to, &tag_bytes) != NULL);
		return tag_bytes;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx;
	INVARIANT(EVP_DigestSignInit_ex(
		      ctx, &key_ctx, digest, NULL, NULL, s->key, NULL) == 1);
	if (jwt_algorithm_family(s->algorithm) == JWT_PSS)
		INVARIANT(EVP_PKEY_CTX_set_rsa_padding(
			      key_ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(
			key_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
	INVARIANT(EVP_DigestSign(ctx, der, &bytes, (const unsigned char *)text,
		      strlen(text)) == 1);
	EVP_MD_CTX_free(ctx);
	if (jwt_algorithm_family(s->algorithm) == JWT_ECDSA)
		return der_to_raw(
		    der, bytes, jwt_algorithm_bytes(s->algorithm), to);
	memcpy(to, der, bytes);
	return bytes;
}

void
signer_sign(const struct signer *s, const char *header, const char *payload,
    char *to, size_t size)
{
	unsigned char signature[1100];
	size_t n = signer_encode(header, strlen(header), to, size);

	to[n++] = '.';
	n += signer_encode(payload, strlen(payload), to + n, size - n);
	size_t bytes = sign(s, to, signature);
	to[n++] = '.';
	signer_encode(signature, bytes, to + n, size - n);
}
