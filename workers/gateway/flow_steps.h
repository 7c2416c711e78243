// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FLOW_STEPS_H
#define WORKERS_GATEWAY_FLOW_STEPS_H

/*
 * flow_steps - the sentences of a flow: what each part of a function means,
 * and the steps its calls take one after the other.
 *
 * Trust:  compiled functions only; names in them are a service's, bounded.
 * Owner:  no memory.
 */

#include <stdbool.h>

struct compiled;
struct hook;
struct packer;

const char *flow_choose_name(const struct compiled *);

/* Each packs one text. */
void flow_put_permission(struct packer *, const struct compiled *);
void flow_put_hook(struct packer *, const struct hook *);
void flow_put_retry(struct packer *, const struct compiled *);

/* flow_pack_steps packs the key `steps` and its list. */
void flow_pack_steps(struct packer *, const struct compiled *, bool is_local);

#endif /* WORKERS_GATEWAY_FLOW_STEPS_H */
