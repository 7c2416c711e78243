// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_PORCH_H
#define WORKERS_KIT_PORCH_H

/*
 * porch - our endpoint: a Unix socket that speaks nng's SP wire as a REP0, so
 * any nng or nanomsg REQ can ask. It knows frames and peers, nothing of what
 * is in them.
 *
 * Why not nng's own REP: its listener (1.5.2) stops accepting for ever when
 * one peer closes in the middle of the handshake - a `banyan` interrupted at
 * the wrong moment would shut the operator's door until a restart.
 *
 * Trust:  only our own user and root get in, as the kernel names them;
 *         lengths are bounded before memory is taken; a peer that breaks the
 *         wire or does not read its answers is hung up on.
 * Owner:  the porch and its callers are ours. A caller is gone after `gone`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/loop.h"
#include "protocol/base/text.h"

struct caller;
struct porch;

struct porch_events {
	void *ctx;
	/* request: `header` is hops and id, for the answer. False means "not
	 * now", and it comes again after porch_resume. Texts are borrowed until
	 * it returns. */
	bool (*request)(
	    void *ctx, struct caller *, struct text header, struct text body);
	void (*gone)(void *ctx, struct caller *);
	void (*stranger)(void *ctx, uint32_t uid);
};

/* porch_open gives NULL with a reason in `why`. */
struct porch *porch_open(struct loop *, const char *path,
    const struct porch_events *, const char **why);

void porch_reply(struct caller *, struct text header, struct text body);

/* porch_resume: requests that were told "not now" may come again. */
void porch_resume(struct porch *);

/* porch_has_unsent: are answers still on their way out? */
bool porch_has_unsent(const struct porch *);

uint32_t porch_caller_uid(const struct caller *);
uint32_t porch_caller_pid(const struct caller *);

#endif /* WORKERS_KIT_PORCH_H */
