// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_PREDICTION_H
#define WORKERS_GATEWAY_PREDICTION_H

/*
 * prediction - what foresee has found, in words: how the call would go, who
 * else would be asked about it, and how it goes on if they let it pass as it
 * is. None of them is asked by a dry run: hooks and callbacks may have effects.
 *
 * Trust:  texts quote an operator's request; they are packed, not shown.
 * Owner:  no memory.
 */

struct foreseen;
struct foresight;
struct packer;

/* prediction_pack packs one map. */
void prediction_pack(struct packer *, const struct foresight *);

/* prediction_pack_refusal packs three fields: what a client would hear. */
void prediction_pack_refusal(struct packer *, const struct foreseen *);

#endif /* WORKERS_GATEWAY_PREDICTION_H */
