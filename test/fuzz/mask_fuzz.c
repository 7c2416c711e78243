// SPDX-License-Identifier: MIT
/*
 * mask_fuzz - text and values in any form, and a secret among them: what
 * stands under a telling key is never shown.
 *
 * Input: the first byte says what the rest is.
 */

#include <string.h>

#include "protocol/mask.h"
#include "protocol/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ROOM = 1 << 20
};

static const struct mask mask = {
    .words = {{"token", 5}, {"password", 8}, {"secret", 6}},
    .count = 3};

static bool
shows(struct buffer *b, struct text secret)
{
	struct text all = buffer_text(b);

	return all.len > 0 &&
	    memmem(all.at, all.len, secret.at, secret.len) != NULL;
}

static void
mask_a_text(struct text t)
{
	struct buffer b;

	buffer_init(&b, ROOM);
	(void)!mask_text(&mask, t, &b);
	buffer_finish(&b);
}

static void
mask_a_value(struct text value)
{
	struct buffer b;
	struct packer p;

	if (pack_check(value, PACK_LIMITS) != OK)
		return;
	buffer_init(&b, ROOM);
	pack_init(&p, &b);
	if (mask_pack(&mask, value, &p) == OK && pack_finish(&p) == OK)
		INVARIANT(pack_check(buffer_text(&b), PACK_LIMITS) == OK);
	buffer_truncate(&b, 0);
	if (mask_json(&mask, value, &b) != OK)
		INVARIANT(buffer_used(&b) == 0);
	buffer_finish(&b);
}

/* hide_among puts a secret behind whatever came: {"x": …, "my_token": …}. */
static void
hide_among(struct text value)
{
	static const struct text secret = {"hunter2hunter2", 14};
	struct buffer in, out;
	struct packer p;

	if (pack_check(value, (struct pack_limits){8, 4096}) != OK ||
	    memmem(value.at, value.len, secret.at, secret.len) != NULL)
		return;
	buffer_init(&in, ROOM);
	buffer_init(&out, ROOM);
	pack_init(&p, &in);
	pack_map(&p, 2);
	pack_string(&p, "x");
	pack_raw(&p, value);
	pack_field_text(&p, "my_Token", secret);
	INVARIANT(pack_finish(&p) == OK);
	if (mask_json(&mask, buffer_text(&in), &out) == OK)
		INVARIANT(!shows(&out, secret));
	buffer_finish(&in);
	buffer_finish(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct text) = {
	    mask_a_text, mask_a_value, hide_among};

	if (size > 1 && size < 16384)
		readers[data[0] % 3](
		    (struct text){(const char *)data + 1, (uint32_t)size - 1});
	return 0;
}
