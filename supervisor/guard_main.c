// SPDX-License-Identifier: MIT
/* banyand - the guard: keeps port, shared memory and supervisor. See README. */

#include "supervisor/guard.h"

int
main(int argc, char **argv)
{
	static struct guard the;
	struct guard *g = &the;

	guard_arguments(g, argc, argv);
	guard_read_settings(g);
	guard_folders(g);
	guard_lock(g);
	guard_lock_state(g);
	guard_listen(g);
	guard_listen_monitor(g);
	guard_segments(g);
	return guard_run(g);
}
