// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_DESK_H
#define WORKERS_KIT_DESK_H

/*
 * desk - where requests are taken in, answered and handed back: one nng REP
 * socket at our endpoint, and as many desks (REP contexts) as requests may be
 * open at once. A desk that waits for somebody delays no other.
 *
 * Trust:  only processes of our own user (or root) get past the door; what
 *         they send is bounded by RECVMAXSZ and passes pack_check first.
 * Owner:  the worker's, from desks_open to exit. nng_close is never called:
 *         it can hang under load (spec: nng 1.5.2), and exit closes as well.
 */

#include <stdbool.h>

#include "protocol/base/err.h"

struct desks;
struct worker;

/* desks_open listens at `url`; false with a reason in `why`. */
bool desks_open(struct worker *, const char *url, const char **why);

/* desks_are_sending: is a reply on its way to nng? Wait for it before exit. */
bool desks_are_sending(const struct desks *);

#endif /* WORKERS_KIT_DESK_H */
