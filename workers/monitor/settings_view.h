// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_SETTINGS_VIEW_H
#define WORKERS_MONITOR_SETTINGS_VIEW_H

/*
 * settings_view - settings as somebody may see them, and how much of one set
 * differs from another. Pure: works on what settings_pack made.
 *
 * Trust:  spans are of our own packing.
 * Owner:  no memory.
 */

#include <stdint.h>

#include "protocol/pack.h"

/*
 * settings_view_pack copies a span; a text under a key that names a secret
 * (…secret, …password, …passwd, …passphrase) becomes "[MASKED]".
 */
enum err settings_view_pack(struct packer *, struct text span) MUST_USE;

/* settings_view_differs counts the keys whose values are not the same. */
uint32_t settings_view_differs(struct text a, struct text b);

#endif /* WORKERS_MONITOR_SETTINGS_VIEW_H */
