// SPDX-License-Identifier: MIT
#ifndef TEST_BENCH_LOAD_H
#define TEST_BENCH_LOAD_H

/*
 * load - what one run of the load generator is asked for, and how it stands.
 *
 * Owner:  main's one struct; texts are those of its arguments.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "test/bench/client.h"

enum {
	CPU_MOST = 16,
	EXIT_USAGE = 64
};

struct watched {
	char name[32];
	pid_t pid;
	uint64_t from_ns;
	uint64_t to_ns;
};

struct run {
	struct job job;
	struct ledger ledger;
	struct client **clients;
	uint32_t connections;
	uint32_t *watched; /* EPOLL events asked for, per client */
	uint64_t reconnects;
	int epoll;
	uint64_t seconds_ns;
	uint64_t warmup_ns;
	bool is_idle;   /* join and hold until standard input ends */
	bool is_marked; /* each line on standard input ends a slice */
	bool has_mark;
	bool keeps_connecting;
	struct watched cpus[CPU_MOST];
	int cpu_count;
	uint64_t began_ns, ended_ns; /* of what is measured */
	uint64_t ended;              /* calls that ended while measuring */
	uint64_t chunks;             /* parts that came while measuring */
};

/* load_options reads the command line; false when it is wrong. */
bool load_options(struct run *, int argc, char **argv);

/* load_usage prints how it is called and gives the exit code for that. */
int load_usage(void);

#endif /* TEST_BENCH_LOAD_H */
