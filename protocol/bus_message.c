// SPDX-License-Identifier: MIT
#include "protocol/bus_message.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "protocol/unpack.h"

enum {
	DIGEST = 32,
	HEX = 2 * DIGEST,
	DEPTH = 16,
	NODES = 65536
};

/* sign writes the hex of the digest over two runs of bytes. */
static enum err
sign(struct text secret, struct text bytes, struct text more, char hex[HEX])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t size = 0;
	struct buffer whole;
	enum err e;

	buffer_init(&whole, 2 * BUS_MESSAGE_BYTES);
	e = buffer_append_text(&whole, bytes);
	if (e == OK)
		e = buffer_append_text(&whole, more);
	if (e == OK &&
	    (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret.at,
		 secret.len, buffer_at(&whole), buffer_used(&whole), digest,
		 sizeof(digest), &size) == NULL ||
		size != DIGEST))
		e = ERR_SYSTEM;
	buffer_finish(&whole);
	for (int i = 0; e == OK && i < DIGEST; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	return e;
}

enum err
bus_message_begin(struct bus_message *m, struct buffer *out, const char *topic,
    uint32_t pairs, bool is_signed)
{
	enum err e;

	m->out = out;
	m->topic_bytes = strlen(topic) + 1;
	m->is_signed = is_signed;
	if (m->topic_bytes > BUS_TOPIC)
		return ERR_TOO_BIG;
	e = buffer_append(out, topic, m->topic_bytes);
	pack_init(&m->packer, out);
	pack_map(&m->packer, pairs + (is_signed ? 1 : 0));
	if (e == OK)
		e = pack_finish(&m->packer);
	m->pairs_at = buffer_used(out);
	return e;
}

enum err
bus_message_end(struct bus_message *m, struct text secret)
{
	const char *at = (const char *)buffer_at(m->out);
	enum err e = pack_finish(&m->packer);
	char hex[HEX];

	if (e != OK || !m->is_signed)
		return e;
	e = sign(secret, (struct text){at, (uint32_t)m->topic_bytes},
	    (struct text){at + m->pairs_at,
		(uint32_t)(buffer_used(m->out) - m->pairs_at)},
	    hex);
	if (e != OK)
		return e;
	pack_string(&m->packer, "hmac");
	pack_text(&m->packer, (struct text){hex, HEX});
	return pack_finish(&m->packer);
}

const char *
bus_verdict_name(enum bus_verdict verdict)
{
	switch (verdict) {
	case BUS_GOOD:
	case BUS_ACCEPTED:
		return "ok";
	case BUS_INVALID_SIGNATURE:
		return "invalid_signature";
	case BUS_UNSECURED:
		return "unsecured_message_rejected";
	case BUS_INVALID_FORMAT:
	default:
		return "invalid_format";
	}
}

/* take_apart finds the pairs that are signed, and the signature if any. */
static enum err
take_apart(struct text map, struct text *pairs, struct text *hmac)
{
	struct unpacker at;
	uint32_t count;

	*hmac = (struct text){0};
	unpack_init(&at, map);
	if (unpack_map(&at, &count) != OK)
		return ERR_MALFORMED;
	pairs->at = (const char *)at.at;
	for (uint32_t i = 0; i < count; i++) {
		struct text key;

		pairs->len = (uint32_t)((const char *)at.at - pairs->at);
		if (unpack_text(&at, &key) != OK)
			return ERR_MALFORMED;
		if (i + 1 == count && text_is(key, "hmac"))
			return unpack_text(&at, hmac);
		if (unpack_skip(&at) != OK)
			return ERR_MALFORMED;
	}
	return OK;
}

enum bus_verdict
bus_message_read(
    struct text raw, struct text secret, struct text *topic, struct text *map)
{
	int64_t zero = text_find(raw, '\0');
	struct text pairs, hmac;
	char hex[HEX];

	if (zero <= 0 || zero >= BUS_TOPIC)
		return BUS_INVALID_FORMAT;
	*topic = (struct text){raw.at, (uint32_t)zero};
	*map = (struct text){raw.at + zero + 1, raw.len - (uint32_t)zero - 1};
	if (pack_check(*map, (struct pack_limits){DEPTH, NODES}) != OK ||
	    take_apart(*map, &pairs, &hmac) != OK)
		return BUS_INVALID_FORMAT;
	if (secret.len == 0)
		return BUS_ACCEPTED;
	if (hmac.at == NULL)
		return BUS_UNSECURED;
	if (hmac.len != HEX ||
	    sign(secret, (struct text){raw.at, topic->len + 1}, pairs, hex) !=
		OK ||
	    CRYPTO_memcmp(hex, hmac.at, HEX) != 0)
		return BUS_INVALID_SIGNATURE;
	return BUS_GOOD;
}
