// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_DESK_H
#define WORKERS_KIT_DESK_H

/*
 * desk - where requests are answered: as many desks as requests may be open
 * at once. One that waits for somebody delays no other; when all are taken,
 * the porch (porch.h) lets the next request wait in its caller's socket.
 *
 * Trust:  the porch let in only processes of our own user or root and bounded
 *         what they send; here it passes pack_check before anybody reads it.
 * Owner:  the worker's, from desks_open to exit.
 */

#include <stdbool.h>

#include "protocol/base/err.h"

struct desks;
struct worker;

/* desks_open listens at `path`; false with a reason in `why`. */
bool desks_open(struct worker *, const char *path, const char **why);

/* desks_are_sending: is a reply still on its way? Wait for it before exit. */
bool desks_are_sending(const struct desks *);

#endif /* WORKERS_KIT_DESK_H */
