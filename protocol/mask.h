// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_MASK_H
#define PROTOCOL_MASK_H

/*
 * mask - takes the values of telling keys out of what people will read:
 * whatever stands under a key that holds one of the words becomes "[MASKED]".
 *
 * Pure. A word is found anywhere in a key, in any case: `token` masks
 * `token`, `access_token` and `refreshToken`.
 *
 * Trust:  values are strangers', checked by pack_check; depth is bounded here.
 * Owner:  no memory; words are borrowed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct packer;

#define MASK_TEXT "[MASKED]"

enum {
	MASK_WORDS = 64
};

struct mask {
	struct text words[MASK_WORDS];
	uint32_t count;
};

/* mask_read takes the words from a msgpack array of texts (a setting). */
void mask_read(struct mask *, struct text array);
bool mask_hides(const struct mask *, struct text key);

/*
 * mask_text copies a text with the values of telling keys masked, whatever
 * its form: `token=abc`, `"password": "abc"`, `Authorization: Bearer abc`, and
 * the password of a URL, `tcp://user:abc@host`.
 */
enum err mask_text(
    const struct mask *, struct text, struct buffer *to) MUST_USE;

/* mask_pack copies one msgpack value with secrets masked; a value that is no
 * msgpack, or too deep, is an error, and what was packed is of no use. */
enum err mask_pack(
    const struct mask *, struct text value, struct packer *to) MUST_USE;

/* mask_texts is mask_pack for what names no secrets by its keys, such as the
 * types of arguments: only what stands inside texts is masked. */
enum err mask_texts(
    const struct mask *, struct text value, struct packer *to) MUST_USE;

/*
 * mask_json writes one msgpack value as JSON with secrets masked. An error is
 * pack_to_json's; nothing is left in the buffer then.
 */
enum err mask_json(
    const struct mask *, struct text value, struct buffer *to) MUST_USE;

/* mask_urls_pack hides the passwords of URLs in every text of one msgpack
 * value, in place, as text_hide_passwords does. */
void mask_urls_pack(void *value, size_t bytes);

#endif /* PROTOCOL_MASK_H */
