// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_SEGMENTS_RIG_H
#define TEST_UNIT_SEGMENTS_RIG_H

/*
 * segments_rig - garbage at random, and writers that are killed at their work.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/segment.h"

static uint64_t rng_state = 88172645463325252u;

static inline uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static inline void
fill_with_garbage(struct segment *segment)
{
	uint64_t *words = (uint64_t *)(void *)segment->body;

	for (size_t i = 0; i < (segment->bytes - SEGMENT_HEADER_BYTES) / 8; i++)
		words[i] = rng();
}

static inline void
kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline pid_t
fork_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

#endif /* TEST_UNIT_SEGMENTS_RIG_H */
