// SPDX-License-Identifier: MIT
#ifndef SUPERVISOR_CLI_TAIL_H
#define SUPERVISOR_CLI_TAIL_H

/*
 * tail - what `telemetry tail`, `log tail` and `bus tail` share: what is wanted
 * of the bus, and how a message is printed.
 *
 * Trust:  messages are judged by protocol/bus_message.h before they are
 *         printed; rejected ones are named, not shown.
 * Owner:  texts are the operator's or cli->arena's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/telemetry.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/view.h"

struct tail {
	struct cli *cli;
	struct text prefix;             /* of the topic */
	struct telemetry_choice choice; /* is_telemetry: which events */
	struct text secret; /* empty: anything well formed is taken */
	bool is_telemetry;
	bool is_log;
	enum log_level level;  /* is_log: from it on */
	struct text pattern;   /* … of the events; empty: all */
	struct text component; /* … a role, or role/N; empty: all */
	uint64_t left;         /* messages to print; 0: no end */
	uint64_t until_ms;     /* 0: no end */
	uint64_t rejected;
	uint64_t missed;
	uint64_t sequence; /* of the last message */
};

/* tail_take judges and prints one message; false when nobody reads us. */
bool tail_take(struct tail *, struct text raw);

#endif /* SUPERVISOR_CLI_TAIL_H */
