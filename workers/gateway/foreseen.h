// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_FORESEEN_H
#define WORKERS_GATEWAY_FORESEEN_H

/*
 * foreseen - the dry run of a call: the functions a real call passes through
 * run as they are, but a refusal that carries one of these notes what would be
 * said instead of saying it, and nothing is counted, kept or consumed.
 *
 * Trust:  the request is an operator's and comes through the strangers' codec.
 * Owner:  texts are the gateway's arena's, until its next message.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "workers/gateway/answer.h"

struct foreseen {
	bool is_refused;
	enum answer_code code;
	struct text text;
	uint32_t retry_after_ms;
};

#endif /* WORKERS_GATEWAY_FORESEEN_H */
