// SPDX-License-Identifier: MIT
#include "protocol/base/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/base/err.h"
#include "protocol/base/fd.h"

enum {
	PATH_BYTES = 64,
	STAT_BYTES = 1024, /* some 52 numbers and a name of 16 bytes */
	LINE_BYTES = 128,
	SMAPS_BYTES = 2048 /* smaps_rollup has some twenty short lines */
};

static void
path_of(int pid, const char *file, char to[PATH_BYTES])
{
	if (pid == PROC_SELF)
		snprintf(to, PATH_BYTES, "/proc/self/%s", file);
	else
		snprintf(to, PATH_BYTES, "/proc/%d/%s", pid, file);
}

static bool
read_of(int pid, const char *file, char *to, size_t size)
{
	char path[PATH_BYTES];
	size_t bytes;

	path_of(pid, file, path);
	return pid != 0 && fd_read_file(path, to, size, &bytes) == OK;
}

bool
proc_parse_stat(
    const char *text, uint64_t ticks_per_second, struct proc_stat *stat)
{
	unsigned long long user, system, born, io_wait = 0;
	/* the name in parentheses may hold anything, spaces and ) included */
	const char *name_end = strrchr(text, ')');
	unsigned threads;
	int parent;
	char state;

	if (name_end == NULL || ticks_per_second == 0 ||
	    sscanf(name_end,
		") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu "
		"%*d %*d %*d %*d %u %*d %llu "
		"%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		&state, &parent, &user, &system, &threads, &born, &io_wait) < 6)
		return false;
	*stat = (struct proc_stat){
	    .state = state,
	    .parent = parent,
	    .threads = threads,
	    .user_us = user * 1000000 / ticks_per_second,
	    .system_us = system * 1000000 / ticks_per_second,
	    .born_ticks = born,
	    .io_wait_us = io_wait * 1000000 / ticks_per_second,
	};
	return true;
}

bool
proc_parse_run(const char *text, struct proc_run *run)
{
	unsigned long long cpu, waiting;

	if (sscanf(text, "%llu %llu", &cpu, &waiting) != 2)
		return false;
	*run = (struct proc_run){.cpu_ns = cpu, .waiting_ns = waiting};
	return true;
}

bool
proc_parse_io(const char *text, struct proc_io *io)
{
	const char *read = strstr(text, "\nread_bytes:");
	const char *written = strstr(text, "\nwrite_bytes:");
	unsigned long long in, out;

	if (read == NULL || written == NULL ||
	    sscanf(read, "\nread_bytes: %llu", &in) != 1 ||
	    sscanf(written, "\nwrite_bytes: %llu", &out) != 1)
		return false;
	*io = (struct proc_io){.read_bytes = in, .written_bytes = out};
	return true;
}

bool
proc_parse_statm(
    const char *text, uint64_t page_bytes, struct proc_memory *memory)
{
	unsigned long long resident, shared, code, data;

	if (sscanf(text, "%*u %llu %llu %llu %*u %llu", &resident, &shared,
		&code, &data) != 4)
		return false;
	*memory = (struct proc_memory){
	    .rss_bytes = resident * page_bytes,
	    .data_bytes = data * page_bytes,
	    .own_bytes =
		resident > shared ? (resident - shared) * page_bytes : 0,
	    .code_bytes = code * page_bytes,
	};
	return true;
}

bool
proc_parse_pss(const char *text, uint64_t *bytes)
{
	const char *at = strstr(text, "\nPss:");
	unsigned long long kilobytes;

	if (at == NULL || sscanf(at, "\nPss: %llu", &kilobytes) != 1)
		return false;
	*bytes = kilobytes * 1024;
	return true;
}

bool
proc_stat(int pid, struct proc_stat *stat)
{
	char text[STAT_BYTES];
	long ticks = sysconf(_SC_CLK_TCK);

	return read_of(pid, "stat", text, sizeof(text)) &&
	    proc_parse_stat(text, ticks > 0 ? (uint64_t)ticks : 100, stat);
}

bool
proc_run(int pid, struct proc_run *run)
{
	char text[LINE_BYTES];

	return read_of(pid, "schedstat", text, sizeof(text)) &&
	    proc_parse_run(text, run);
}

bool
proc_io(int pid, struct proc_io *io)
{
	char text[STAT_BYTES];

	return read_of(pid, "io", text, sizeof(text)) &&
	    proc_parse_io(text, io);
}

bool
proc_memory(int pid, struct proc_memory *memory)
{
	char text[LINE_BYTES];

	return read_of(pid, "statm", text, sizeof(text)) &&
	    proc_parse_statm(text, (uint64_t)sysconf(_SC_PAGESIZE), memory);
}

uint64_t
proc_rss_bytes(int pid)
{
	struct proc_memory memory;

	return proc_memory(pid, &memory) ? memory.rss_bytes : 0;
}

uint64_t
proc_pss_bytes(int pid)
{
	char text[SMAPS_BYTES];
	uint64_t bytes = 0;

	if (!read_of(pid, "smaps_rollup", text, sizeof(text)) ||
	    !proc_parse_pss(text, &bytes))
		return 0;
	return bytes;
}

int64_t
proc_descriptors(int pid)
{
	char path[PATH_BYTES];
	int64_t count = 0;
	DIR *dir;

	path_of(pid, "fd", path);
	dir = pid != 0 ? opendir(path) : NULL;
	if (dir == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	/* of our own, the directory itself is one */
	return pid == PROC_SELF ? count - 1 : count;
}

uint64_t
proc_descriptor_limit(int pid)
{
	struct rlimit limit;

	/* to prlimit, 0 is who asks */
	if (pid == 0 ||
	    prlimit(pid == PROC_SELF ? 0 : pid, RLIMIT_NOFILE, NULL, &limit) <
		0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return 0;
	return limit.rlim_cur;
}

uint64_t
proc_most(void)
{
	struct rlimit limit;
	char line[32];
	size_t bytes;
	uint64_t most = 32768;

	if (getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		return limit.rlim_cur;
	if (fd_read_file(
		"/proc/sys/kernel/pid_max", line, sizeof(line), &bytes) == OK &&
	    bytes > 0 &&
	    text_to_u64((struct text){.at = line, .len = (uint32_t)bytes - 1},
		&most) != OK)
		return 32768;
	return most;
}
