// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Which algorithm it is was decided when the key was read. Everything goes
 * through EVP, so OpenSSL's constant-time code is used as it comes; the one
 * comparison that is ours, of HMAC tags, is CRYPTO_memcmp.
 */

#include <string.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "workers/gateway/jwks.h"

enum {
	DER_BYTES = 160 /* two numbers of 66 bytes and their heads */
};

static const struct {
	const char *name;
	enum jwt_family family;
	const char *digest;
	size_t bytes;
} algorithms[JWT_ALGORITHM_COUNT] = {
#define G(name, family, digest, bytes) {#name, JWT_##family, digest, bytes},
    JWT_ALGORITHMS(G)
#undef G
};

enum err
jwt_algorithm_by_name(struct text name, enum jwt_algorithm *to)
{
	for (int i = 0; i < JWT_ALGORITHM_COUNT; i++) {
		if (text_is(name, algorithms[i].name)) {
			*to = (enum jwt_algorithm)i;
			return OK;
		}
	}
	return ERR_NOT_FOUND;
}

const char *
jwt_algorithm_name(enum jwt_algorithm a)
{
	return algorithms[a].name;
}

enum jwt_family
jwt_algorithm_family(enum jwt_algorithm a)
{
	return algorithms[a].family;
}

const char *
jwt_algorithm_digest(enum jwt_algorithm a)
{
	return algorithms[a].digest;
}

size_t
jwt_algorithm_bytes(enum jwt_algorithm a)
{
	return algorithms[a].bytes;
}

static bool
verify_hmac(const struct jwk *k, struct text bytes, const uint8_t *signature,
    size_t signature_bytes)
{
	const EVP_MD *digest =
	    EVP_get_digestbyname(algorithms[k->algorithm].digest);
	unsigned char tag[EVP_MAX_MD_SIZE];
	unsigned int tag_bytes = 0;

	INVARIANT(digest != NULL);
	return HMAC(digest, k->secret, (int)k->secret_bytes,
		   (const unsigned char *)bytes.at, bytes.len, tag,
		   &tag_bytes) != NULL &&
	    tag_bytes == signature_bytes &&
	    CRYPTO_memcmp(tag, signature, tag_bytes) == 0;
}

/* ecdsa_to_der: JWS carries the two numbers bare, in a fixed width; EVP
 * wants DER. 0: not of that width, or no numbers. */
static size_t
ecdsa_to_der(const uint8_t *raw, size_t raw_bytes, size_t number_bytes,
    uint8_t der[DER_BYTES])
{
	ECDSA_SIG *sig;
	uint8_t *at = der;
	int n = 0;

	if (raw_bytes != number_bytes * 2)
		return 0;
	sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)number_bytes, NULL);
	BIGNUM *s = BN_bin2bn(raw + number_bytes, (int)number_bytes, NULL);
	INVARIANT(sig != NULL && r != NULL && s != NULL);
	INVARIANT(ECDSA_SIG_set0(sig, r, s) == 1);
	n = i2d_ECDSA_SIG(sig, NULL);
	if (n > 0 && n <= DER_BYTES)
		n = i2d_ECDSA_SIG(sig, &at);
	else
		n = 0;
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static bool
set_pss(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
verify_public(const struct jwk *k, struct text bytes, const uint8_t *signature,
    size_t signature_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx = NULL;

	INVARIANT(ctx != NULL);
	bool is_good = EVP_DigestVerifyInit_ex(ctx, &key_ctx,
			   algorithms[k->algorithm].digest, NULL, NULL, k->key,
			   NULL) == 1 &&
	    (algorithms[k->algorithm].family != JWT_PSS || set_pss(key_ctx)) &&
	    EVP_DigestVerify(ctx, signature, signature_bytes,
		(const unsigned char *)bytes.at, bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	/* a refused signature leaves its reasons in a queue that would grow */
	if (!is_good)
		ERR_clear_error();
	return is_good;
}

bool
jwk_verify(const struct jwk *k, struct text bytes, const uint8_t *signature,
    size_t signature_bytes)
{
	uint8_t der[DER_BYTES];

	if (algorithms[k->algorithm].family == JWT_HMAC)
		return verify_hmac(k, bytes, signature, signature_bytes);
	if (algorithms[k->algorithm].family == JWT_ECDSA) {
		signature_bytes = ecdsa_to_der(signature, signature_bytes,
		    algorithms[k->algorithm].bytes, der);
		signature = der;
	}
	return signature_bytes > 0 &&
	    verify_public(k, bytes, signature, signature_bytes);
}
