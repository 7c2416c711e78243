// SPDX-License-Identifier: MIT
/*
 * figures_pools - what rose in each pool since stats was last asked. The
 * counts are worker_pool's own and begin again with its lives: a count that is
 * lower than it was has risen from 0.
 */

#include <string.h>

#include "protocol/base/memory.h"
#include "protocol/pack.h"
#include "workers/control/figures.h"

static const char *const rising[] = {"requests", "errors", "queued_total",
    "queue_timeouts", "pool_saturated", "total_tasks_executed",
    "total_tasks_failed"};

/* pool_of finds a pool's row in an answer; empty: it was not there. */
static struct text
pool_of(struct text answer, struct text name)
{
	struct text rows, row, other;
	struct unpacker u;
	uint32_t count;

	if (answer.len == 0 ||
	    unpack_map_find(answer, TEXT("pools"), &rows) != OK)
		return TEXT("");
	unpack_init(&u, rows);
	if (unpack_array(&u, &count) != OK)
		return TEXT("");
	while (count-- > 0 && unpack_raw(&u, &row) == OK)
		if (unpack_field_text(row, "name", &other) == OK &&
		    text_eq(name, other))
			return row;
	return TEXT("");
}

static void
pack_rises(struct packer *p, struct text row, struct text before)
{
	uint32_t count = 0;
	size_t place = pack_open(p);

	for (size_t i = 0; i < COUNT_OF(rising); i++) {
		uint64_t now, then = 0;

		if (unpack_field_u64(row, rising[i], &now) != OK)
			continue;
		if (before.len > 0 &&
		    (unpack_field_u64(before, rising[i], &then) != OK ||
			then > now))
			then = 0;
		if (now == then)
			continue;
		pack_field_u64(p, rising[i], now - then);
		count++;
	}
	pack_close_map(p, place, count);
}

void
figures_pack_pools(
    struct packer *p, struct text answer, const struct figures_pools *before)
{
	struct text rows, row, name;
	struct unpacker u;
	uint32_t total = 0, count = 0;

	pack_string(p, "since_last");
	size_t place = pack_open(p);
	if (before->bytes != NULL &&
	    unpack_map_find(answer, TEXT("pools"), &rows) == OK) {
		unpack_init(&u, rows);
		if (unpack_array(&u, &total) != OK)
			total = 0;
	}
	while (total-- > 0 && unpack_raw(&u, &row) == OK) {
		struct text kept = {before->bytes, before->len};

		if (unpack_field_text(row, "name", &name) != OK)
			continue;
		pack_text(p, name);
		pack_rises(p, row, pool_of(kept, name));
		count++;
	}
	pack_close_map(p, place, count);
}

void
figures_keep_pools(struct figures_pools *before, struct text answer)
{
	if (answer.len == 0)
		return; /* down: the last it said stays */
	memory_free(before->bytes);
	before->bytes = memory_new(answer.len);
	memcpy(before->bytes, answer.at, answer.len);
	before->len = answer.len;
}
