// SPDX-License-Identifier: MIT
#ifndef WORKERS_KIT_SANDBOX_H
#define WORKERS_KIT_SANDBOX_H

/*
 * sandbox - what a worker gives up before it meets anybody: new privileges,
 * files others may read, more memory and descriptors than its settings say.
 *
 * It stays dumpable: /proc/PID must be readable for the supervisor's user,
 * and a crash must leave a core where cores are wanted.
 *
 * Trust:  limits come from validated settings.
 * Owner:  no memory; the limits are of the process.
 */

#include <stdint.h>

#include "protocol/base/err.h"

struct sandbox_limits {
	uint64_t nofile;       /* descriptors; 0: as many as allowed */
	uint64_t memory_bytes; /* address space; 0: no limit */
	uint64_t core_bytes;
	uint64_t nice; /* added to the niceness */
};

/* sandbox_enter: ERR_SYSTEM when the kernel refuses, errno says why. */
enum err sandbox_enter(const struct sandbox_limits *) MUST_USE;

#endif /* WORKERS_KIT_SANDBOX_H */
