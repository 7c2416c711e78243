// SPDX-License-Identifier: MIT
/* handlers_fuzz - rows of telemetry.handlers, and what a handler's runner
 * says of why it failed. */

#include <string.h>

#include "protocol/pack.h"
#include "workers/monitor/handlers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct handlers all;

/* is_plain: it will stand in a line of the log, and on a terminal. */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

static void
call(struct handler *h, struct text why)
{
	struct buffer b;
	struct packer p;

	if (!handler_is_due(h, HANDLER_BATCH_MS)) {
		INVARIANT(h->is_detached || h->count == 0);
		return;
	}
	buffer_init(&b, 1 << 20);
	pack_init(&p, &b);
	handler_pack(h, &p);
	INVARIANT(pack_finish(&p) == OK &&
	    pack_check(buffer_text(&b), PACK_LIMITS) == OK);
	buffer_finish(&b);
	handler_sent(h);
	(void)!handler_failed(h, why);
	INVARIANT(h->out == 0 && is_plain(h->reason));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text list = {(const char *)data, (uint32_t)size};

	if (size > 65536 || pack_check(list, PACK_LIMITS) != OK)
		return 0;
	handlers_init(&all);
	handlers_read(&all, list);
	INVARIANT(all.count <= HANDLERS);
	for (int id = 0; id < EVENT_IDS; id++)
		handlers_offer(&all, (enum event)id, TEXT("\x01"), 0);
	for (uint32_t i = 0; i < all.count; i++)
		for (int n = 0; n < HANDLER_FAILURES; n++)
			call(&all.items[i], list);
	handlers_read(&all, list);
	handlers_finish(&all);
	return 0;
}
