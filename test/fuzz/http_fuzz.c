// SPDX-License-Identifier: MIT
/* http_fuzz - any bytes as an upgrade head; a welcome must be writable. */

#include <stdint.h>
#include <stdlib.h>

#include "workers/gateway/credentials.h"
#include "workers/gateway/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* question: what a service would be asked must be sound msgpack. */
static void
question(const struct http_upgrade *upgrade)
{
	static const struct text names[] = {{.at = "Host", .len = 4}};
	const struct credentials c = {
	    .upgrade = upgrade, .headers = names, .header_count = 1};
	struct buffer bytes;
	struct packer p;
	struct arena arena;

	arena_init(&arena);
	buffer_init(&bytes, 65536);
	pack_init(&p, &bytes);
	if (credentials_pack(&c, &arena, &p) == OK &&
	    pack_check(buffer_text(&bytes), PACK_LIMITS) != OK)
		abort();
	buffer_finish(&bytes);
	arena_finish(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct text origins[] = {
	    {.at = "https://*.a.example", .len = 19},
	};
	const struct http_rules rules = {
	    .mount = {.at = "/socket", .len = 7},
	    .origins = origins,
	    .origin_count = 1,
	    .same_origin = true,
	};
	struct text bytes = {.at = (const char *)data, .len = (uint32_t)size};
	struct http_upgrade upgrade;
	struct buffer out;
	char token[64];
	size_t used = 0;
	int status = 0;

	if (http_read(&rules, bytes, &upgrade, &used, &status) != OK)
		return 0;
	if (used > size || status < 101 || status > 431)
		abort();
	buffer_init(&out, 4096);
	enum err e = status == 101 ? http_welcome(&upgrade, &out)
				   : http_refuse(status, &out);
	if (e != OK || buffer_used(&out) == 0)
		abort();
	if (status == 101)
		question(&upgrade);
	if (status == 101 &&
	    http_query(upgrade.query, "token", token, sizeof(token)) == OK)
		buffer_truncate(&out, 0);
	buffer_finish(&out);
	return 0;
}
