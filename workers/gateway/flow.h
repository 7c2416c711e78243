// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FLOW_H
#define WORKERS_GATEWAY_FLOW_H

/*
 * flow - a compiled function in words: where its calls go, who may make them,
 * and the steps between (spec 11.4). Told from what calls really use.
 *
 * Trust:  compiled functions only.
 * Owner:  no memory.
 */

#include <stdint.h>

#include "protocol/base/text.h"

struct compiled;
struct gateway;
struct packer;

enum {
	FLOW_FIELDS = 17
};

/* flow_pack packs FLOW_FIELDS keys and values of a map. */
void flow_pack(struct gateway *, struct packer *, const struct compiled *);

/* flow_pack_short packs a row of a list, with `disabled`. */
void flow_pack_short(struct packer *, const struct compiled *);

/* flow_pack_missing packs a whole map: there is no such function. `meant` is
 * the one whose name is close to it; NULL: none is. */
void flow_pack_missing(struct packer *, struct text service,
    struct text request_type, const char *reason, const struct compiled *meant);

/* flow_response_name: "sync", "async", "stream", "none". */
const char *flow_response_name(const struct compiled *);

#endif /* WORKERS_GATEWAY_FLOW_H */
