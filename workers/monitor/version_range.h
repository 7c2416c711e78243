// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_VERSION_RANGE_H
#define WORKERS_MONITOR_VERSION_RANGE_H

/*
 * version_range - which versions a constraint lets through.
 *
 *     1.2.0  =1.2.0  !=1.2.0   exactly this one, all but this one
 *     >1.2 >=1.2 <2 <=2.1      in order; a number that is missing is 0
 *     1.2  1.2.*  1.x          every version that begins so
 *     ^1.2.0                   from there, below the next that may break:
 *                              2.0.0; ^0.2.1: 0.3.0
 *     ~1.2.0  ~=1.2.0          from there, below 1.3.0; ~1: 2.0.0
 *     *                        any
 *
 * Several terms, a comma or spaces between them, must all hold: ">=1, <3".
 * The order is version.h's. A version that is not semver (or none) is let
 * through by `*`, and by a term that is it to the byte.
 *
 * Trust:  both texts come from strangers; lengths are bounded here.
 * Owner:  the caller's struct, without memory outside it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	VERSION_RANGE_TERMS = 16,
	VERSION_RANGE_BYTES = 96 /* of one version */
};

enum version_op {
	VERSION_IS,
	VERSION_IS_NOT,
	VERSION_ABOVE,
	VERSION_FROM,
	VERSION_BELOW,
	VERSION_UP_TO
};

struct version_term {
	enum version_op op;
	char version[VERSION_RANGE_BYTES];
};

struct version_range {
	struct version_term terms[VERSION_RANGE_TERMS];
	uint32_t count; /* 0: any */
};

/* version_range_read: ERR_MALFORMED, ERR_TOO_BIG. */
enum err version_range_read(struct text, struct version_range *) MUST_USE;

bool version_range_has(const struct version_range *, struct text version);

#endif /* WORKERS_MONITOR_VERSION_RANGE_H */
