// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_RELAY_CUT_H
#define PROTOCOL_RELAY_CUT_H

/*
 * relay_cut - how a client of a gateway ended, as the gateway tells the relay:
 * a cut means that messages for it have not arrived.
 *
 * Trust:  the number comes from one of our own gateways; one that is none of
 *         these counts as RELAY_CUT_NOT.
 * Owner:  no memory.
 */

enum relay_cut {
	RELAY_CUT_NOT,    /* it left, or was let go */
	RELAY_CUT_SLOW,   /* it did not read what waited for it */
	RELAY_CUT_SILENT, /* nothing came from it for too long */
	RELAY_CUT_LOST    /* its socket broke, with bytes unsent */
};

#endif /* PROTOCOL_RELAY_CUT_H */
