// SPDX-License-Identifier: MIT
/* canary - a child without a job: it says READY and waits for its end. See
 * canary.h. */

#include <unistd.h>

#include "protocol/handover.h"

int
main(void)
{
	struct handover_record record;

	handover_fill(&record, HANDOVER_READY, NULL);
	if (handover_send(FD_PARENT, &record, -1) != OK)
		return EXIT_SYSTEM;
	for (;;)
		pause();
}
