// SPDX-License-Identifier: MIT
/* monitor_head_fuzz - the first bytes of a connection to the monitor's HTTP,
 * and a path and an Accept header made of them. */

#include <stddef.h>
#include <stdint.h>

#include "workers/monitor/head.h"
#include "workers/monitor/page.h"
#include "workers/monitor/paths.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct path rows[] = {
    {"GET", "/", NULL, "", ""},
    {"GET", "/pools/{id}/memory", NULL, "", ""},
    {"POST", "/alerts/acknowledge", NULL, "", ""},
};

/* A verdict once given stays, whatever more comes. */
static void
read_in_parts(struct text all)
{
	enum head_verdict last = HEAD_MORE;
	struct head head, before = {0};
	uint32_t step = all.len > 4096 ? 257 : 1;

	for (uint32_t i = 0; i <= all.len; i += step) {
		enum head_verdict v =
		    head_read((struct text){all.at, i}, &head);

		INVARIANT(last == HEAD_MORE || v == last);
		INVARIANT(v != HEAD_WHOLE || head.bytes <= i);
		INVARIANT(last != HEAD_WHOLE || head.bytes == before.bytes);
		INVARIANT(v == HEAD_MORE || head.what != NULL);
		last = v;
		before = head;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text all = {
	    (const char *)data, size < 20000 ? (uint32_t)size : 20000};
	char allowed[PATHS_ALLOWED];
	struct text id = {0};
	struct page page = {.accept = all};

	read_in_parts(all);
	const struct path *row =
	    paths_find(rows, COUNT_OF(rows), TEXT("GET"), all, &id, allowed);
	INVARIANT(row != &rows[1] || (id.len > 0 && text_find(id, '/') < 0));
	INVARIANT(row != &rows[2]);
	(void)paths_closest(rows, COUNT_OF(rows), all);
	(void)page_wants(&page, "application/json");
	return 0;
}
