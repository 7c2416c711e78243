// SPDX-License-Identifier: MIT
/* discovery_fuzz - the puller's list of services: their names and versions
 * are what strangers say of themselves. */

#include <string.h>

#include "protocol/unpack.h"
#include "workers/monitor/discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NOW_MS = 1700000000
};

static struct discovery d;

static void
look(void)
{
	const struct discovery_change *change;
	uint64_t after = 0;

	INVARIANT(d.count <= DISCOVERY_SERVICES);
	for (uint32_t i = 0; i < d.count; i++)
		INVARIANT(
		    memchr(d.services[i].name, '\0', DISCOVERY_NAME) != NULL &&
		    d.services[i].pulled_at_ms <= NOW_MS);
	while ((change = discovery_change_at(&d, after)) != NULL) {
		INVARIANT(change->sequence > after && change->what != NULL);
		after = change->sequence;
	}
	INVARIANT(after == d.sequence);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct discovery_rules rules = {
	    .exports = true, .interval_ms = 1};
	struct text list = {(const char *)data, (uint32_t)size};

	if (size > 65536 || pack_check(list, PACK_LIMITS) != OK)
		return 0;
	discovery_init(&d, &rules);
	if (discovery_take(&d, list, NOW_MS) != OK)
		INVARIANT(d.lists_invalid == 1 && d.count == 0);
	look();
	discovery_export(&d, 1, NOW_MS);
	look();
	uint64_t before = d.sequence;
	if (discovery_take(&d, list, NOW_MS) == OK)
		look();
	INVARIANT(d.sequence >= before);
	return 0;
}
