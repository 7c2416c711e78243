// SPDX-License-Identifier: MIT
/* scaling_proc - what /proc says of limits, processes and sockets. */

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/proc.h"
#include "supervisor/cli/scaling.h"

enum {
	LINE = 512,
	TCP_ESTABLISHED = 1,
	TCP_LISTEN = 10,
	DESCRIPTORS_EACH = 2, /* of a worker at its pool: socket and pipe */
};

static uint64_t
count_processes(void)
{
	DIR *d = opendir("/proc");
	const struct dirent *entry;
	uint64_t count = 0;

	if (d == NULL)
		return 0;
	while ((entry = readdir(d)) != NULL)
		count += isdigit((unsigned char)entry->d_name[0]) != 0;
	closedir(d);
	return count;
}

/* limit_of finds a soft limit of a process; 0: not there, or unlimited. */
static uint64_t
limit_of(int pid, const char *name)
{
	char path[64], line[LINE];
	uint64_t value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 10);
	fclose(f);
	return value;
}

static uint64_t
number_in(const char *path)
{
	char line[LINE];
	uint64_t value = 0;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		value = strtoull(line, NULL, 10);
	fclose(f);
	return value;
}

static uint64_t
children_of(int pid)
{
	char path[64];
	uint64_t count = 0;
	FILE *f;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fscanf(f, "%d", &child) == 1)
		count++;
	fclose(f);
	return count;
}

bool
scaling_descriptors(int pid, struct scaling_limit *l)
{
	int64_t used = proc_descriptors(pid);

	*l = (struct scaling_limit){.limit = limit_of(pid, "Max open files"),
	    .used = used > 0 ? (uint64_t)used : 0,
	    .workers = children_of(pid),
	    .per_worker = DESCRIPTORS_EACH};
	return l->limit > 0 && l->used > 0;
}

static void
lower(uint64_t *limit, uint64_t other)
{
	if (other != 0 && (*limit == 0 || other < *limit))
		*limit = other;
}

bool
scaling_processes(int pid, struct scaling_limit *l)
{
	*l = (struct scaling_limit){.used = count_processes(),
	    .workers = children_of(pid),
	    .per_worker = 1,
	    .own = children_of(pid)};
	lower(&l->limit, limit_of(pid, "Max processes"));
	lower(&l->limit, number_in("/proc/sys/kernel/pid_max"));
	lower(&l->limit, number_in("/proc/sys/kernel/threads-max"));
	return l->limit > 0 && l->used > 0;
}

static bool
count_sockets(const char *path, struct scaling_sockets *c)
{
	char line[LINE];
	unsigned state;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%*s %*s %*s %x", &state) != 1)
			continue; /* the head */
		c->established += state == TCP_ESTABLISHED;
		c->listening += state == TCP_LISTEN;
	}
	fclose(f);
	return true;
}

bool
scaling_sockets(struct scaling_sockets *c)
{
	bool has_4 = count_sockets("/proc/net/tcp", c);
	bool has_6 = count_sockets("/proc/net/tcp6", c);

	c->is_known = has_4 || has_6;
	return c->is_known;
}
