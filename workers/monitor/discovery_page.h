// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_DISCOVERY_PAGE_H
#define WORKERS_MONITOR_DISCOVERY_PAGE_H

/*
 * discovery_page - what the pages below /discovery share.
 *
 * Trust:  settings are validated. Owner: no memory.
 */

#include <stdint.h>

#include "protocol/settings.h"
#include "workers/monitor/page.h"

const struct settings *discovery_settings(const struct page *);

/* discovery_pack_when packs seconds of the wall clock; 0 is nil. */
void discovery_pack_when(struct packer *, const char *key, uint64_t wall_ms);

/* discovery_items: how many items a list of the settings has. */
uint32_t discovery_items(const struct page *, enum setting);

#endif /* WORKERS_MONITOR_DISCOVERY_PAGE_H */
