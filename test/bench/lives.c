// SPDX-License-Identifier: MIT
/*
 * lives - ends processes of a running tree and says how many microseconds
 * passed until it was whole again: a line for each time.
 *
 * usage: lives BANYAND_PID TARGET SIGNAL TIMES PAUSE_MS
 *   TARGET is ROLE, ROLE/INSTANCE or `supervisor` (then: until every child of
 *   the tree lives a new life and is ready). SIGNAL is KILL or STOP.
 *
 * It reads the stats segment of the tree through /proc, as asking `banyan`
 * would take longer than what is measured.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/stats.h"
#include "protocol/stats_tree.h"

enum {
	PATIENCE_US = 15000000,
	GLANCE_NS = 50000,
};

struct target {
	enum role role; /* ROLE_supervisor: all */
	uint32_t instance;
	uint32_t pids[STATS_SLOTS]; /* before; 0: not waited for */
};

static void
pause_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
	    .tv_nsec = (long)(ns % 1000000000)};

	nanosleep(&t, NULL);
}

/* map_stats finds the segment among the descriptors of banyand. */
static bool
map_stats(long pid, struct stats *stats)
{
	char folder[64], path[384], link[128];
	bool is_mapped = false;

	snprintf(folder, sizeof folder, "/proc/%ld/fd", pid);
	DIR *d = opendir(folder);

	if (d == NULL)
		return false;
	for (struct dirent *e; !is_mapped && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		ssize_t n = readlink(path, link, sizeof link - 1);

		link[n > 0 ? n : 0] = '\0';
		if (strstr(link, "memfd:banyan-stats") == NULL)
			continue;
		int fd = open(path, O_RDWR | O_CLOEXEC);

		is_mapped = fd >= 0 && stats_map(fd, stats) == OK;
		if (fd >= 0)
			close(fd);
	}
	closedir(d);
	return is_mapped;
}

/* is_wanted: does the child at a slot belong to the target? */
static bool
is_wanted(const struct target *t, const struct stats_child *c)
{
	if (t->role == ROLE_supervisor)
		return c->role != ROLE_supervisor && c->role != ROLE_guard;
	return c->role == (uint32_t)t->role &&
	    (t->instance == 0 || c->instance == t->instance);
}

/* note_pids remembers who lives; gives the pid to signal. */
static uint32_t
note_pids(const struct stats *stats, struct target *t)
{
	uint32_t victim = 0;

	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		struct stats_child c;

		t->pids[i] = 0;
		if (stats_child_get(stats, i, &c) != OK)
			continue;
		if (is_wanted(t, &c)) {
			t->pids[i] = c.pid;
			victim = c.pid;
		}
		if (t->role == ROLE_supervisor && c.role == ROLE_supervisor)
			t->pids[i] = c.pid;
	}
	if (t->role == ROLE_supervisor)
		victim = atomic_load(
		    &stats_slot_at(stats, STATS_SLOT_SUPERVISOR)->pid);
	return victim;
}

/* is_renewed: every child waited for lives anew and is ready. */
static bool
is_renewed(const struct stats *stats, const struct target *t)
{
	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		struct stats_child c;

		if (t->pids[i] == 0)
			continue;
		if (stats_child_get(stats, i, &c) != OK || c.pid == 0 ||
		    c.pid == t->pids[i] || c.ready_ms == 0)
			return false;
	}
	return true;
}

/* end_one is one death; 0 when the tree does not recover in time. */
static uint64_t
end_one(const struct stats *stats, struct target *t, int signal)
{
	uint32_t victim = note_pids(stats, t);

	if (victim <= 1 || victim > INT32_MAX)
		return 0;
	uint64_t from = clock_mono_us();

	if (kill((pid_t)victim, signal) != 0)
		return 0;
	while (!is_renewed(stats, t)) {
		if (clock_mono_us() - from > PATIENCE_US)
			return 0;
		pause_ns(GLANCE_NS);
	}
	return clock_mono_us() - from;
}

static bool
parse_target(const char *word, struct target *t)
{
	const char *slash = strchr(word, '/');
	struct text name = text_of(word);

	if (slash != NULL) {
		name.len = (uint32_t)(slash - word);
		t->instance = (uint32_t)strtoul(slash + 1, NULL, 10);
	}
	t->role = role_by_name(name);
	return t->role != ROLE_none;
}

int
main(int argc, char **argv)
{
	struct target target = {0};
	struct stats stats;

	if (argc != 6 || !parse_target(argv[2], &target)) {
		fprintf(stderr,
		    "usage: lives BANYAND_PID TARGET KILL|STOP "
		    "TIMES PAUSE_MS\n");
		return 64;
	}
	if (!map_stats(strtol(argv[1], NULL, 10), &stats)) {
		fprintf(stderr, "lives: no stats segment to be found\n");
		return 3;
	}
	int signal = strcmp(argv[3], "STOP") == 0 ? SIGSTOP : SIGKILL;
	long times = strtol(argv[4], NULL, 10);
	uint64_t pause_ms = strtoul(argv[5], NULL, 10);

	while (times-- > 0) {
		uint64_t took = end_one(&stats, &target, signal);

		if (took == 0) {
			fprintf(stderr, "lives: the tree did not recover\n");
			return 1;
		}
		printf("%llu\n", (unsigned long long)took);
		fflush(stdout);
		pause_ns(pause_ms * 1000000);
	}
	return 0;
}
