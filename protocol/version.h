// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_VERSION_H
#define PROTOCOL_VERSION_H

/*
 * version - API versions in order, after semver 2.0: 10.0.0 is above 9.0.0,
 * a release is above its pre-releases, build metadata does not rank.
 *
 * The order is total: text that is not semver ranks as 0.0.0, and what semver
 * calls equal is told apart by its bytes. So the highest of a set never
 * depends on the order it was read in.
 *
 * Trust:  any bytes; numbers may be of any length.
 * Owner:  borrows.
 */

#include <stdbool.h>

#include "protocol/base/text.h"

/* version_compare: below 0, 0 or above 0; 0 only for equal bytes. */
int version_compare(struct text, struct text);

/* version_is_semver: MAJOR.MINOR.PATCH[-pre][+build]. */
bool version_is_semver(struct text);

/* version_is_none: "" and the sentinel "0.0.0" both mean "no version". */
bool version_is_none(struct text);

#endif /* PROTOCOL_VERSION_H */
