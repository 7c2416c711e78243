// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Memory in use is what is not available, as `free` tells it: caches the
 * kernel would give back are no use of memory.
 * A virtual interface often has no speed; then 10 Gbit/s are assumed, and
 * the record says so, since a percentage needs a whole.
 */

#include "workers/monitor/machine.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "protocol/base/fd.h"

enum {
	FILE_BYTES = 64 * 1024,
	LINE_BYTES = 256,
	PATH_BYTES = 320,
	STAT_IDLE = 3,
	STAT_IOWAIT = 4,
	STAT_FIELDS = 8 /* guest time is in user time already */
};

static const uint64_t network_assumed = 1250000000; /* 10 Gbit/s */
static const uint64_t bytes_of_megabit = 125000;

/* next_line cuts the first line off the text, as a C string. */
static bool
next_line(struct text *rest, char line[LINE_BYTES])
{
	int64_t end = text_find(*rest, '\n');
	uint32_t bytes = end < 0 ? rest->len : (uint32_t)end;
	uint32_t keep = bytes < LINE_BYTES ? bytes : LINE_BYTES - 1;

	if (rest->len == 0)
		return false;
	memcpy(line, rest->at, keep);
	line[keep] = '\0';
	bytes += end < 0 ? 0 : 1;
	rest->at += bytes;
	rest->len -= bytes;
	return true;
}

double
machine_percent(double part, double whole)
{
	double percent = whole > 0 ? part * 100 / whole : 0;

	return percent < 100 ? percent : 100;
}

enum err
machine_parse_stat(struct text file, struct machine_ticks *to)
{
	uint64_t f[STAT_FIELDS] = {0};
	struct machine_ticks ticks = {0, 0};
	char line[LINE_BYTES];

	if (!next_line(&file, line) ||
	    sscanf(line,
		"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %" SCNu64 " %" SCNu64 " %" SCNu64,
		&f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7]) < 4)
		return ERR_MALFORMED;
	for (int i = 0; i < STAT_FIELDS; i++) {
		ticks.all += f[i];
		if (i != STAT_IDLE && i != STAT_IOWAIT)
			ticks.busy += f[i];
	}
	*to = ticks;
	return OK;
}

enum err
machine_parse_memory(struct text file, uint64_t *total, uint64_t *used)
{
	uint64_t all_kb = 0, available_kb = 0;
	char line[LINE_BYTES];

	while (next_line(&file, line)) {
		(void)!sscanf(line, "MemTotal: %" SCNu64, &all_kb);
		(void)!sscanf(line, "MemAvailable: %" SCNu64, &available_kb);
	}
	if (all_kb == 0 || available_kb > all_kb)
		return ERR_MALFORMED;
	*total = all_kb * 1024;
	*used = (all_kb - available_kb) * 1024;
	return OK;
}

/* bytes_of_line: received and sent of one interface. */
static uint64_t
bytes_of_line(const char *numbers)
{
	uint64_t received = 0, sent = 0;

	if (sscanf(numbers, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
		&received, &sent) != 2)
		return 0;
	return received + sent;
}

uint64_t
machine_parse_network(struct text file)
{
	char line[LINE_BYTES];
	uint64_t all = 0;

	while (next_line(&file, line)) {
		const char *colon = strchr(line, ':');
		const char *name = line + strspn(line, " ");

		if (colon != NULL && strncmp(name, "lo:", 3) != 0)
			all += bytes_of_line(colon + 1);
	}
	return all;
}

enum err
machine_parse_load(struct text file, double to[3])
{
	char line[LINE_BYTES];
	double load[3];

	if (!next_line(&file, line) ||
	    sscanf(line, "%lf %lf %lf", &load[0], &load[1], &load[2]) != 3)
		return ERR_MALFORMED;
	memcpy(to, load, sizeof(load));
	return OK;
}

/* --- reading --- */

static struct text
file_of(const char *path, char *to, size_t size)
{
	size_t bytes = 0;

	/* a file that is longer is cut: what we want stands at its begin */
	(void)!fd_read_file(path, to, size, &bytes);
	return (struct text){.at = to, .len = (uint32_t)bytes};
}

/* speed_of_all adds up the speeds that interfaces name. */
static uint64_t
speed_of_all(void)
{
	DIR *folder = opendir("/sys/class/net");
	const struct dirent *entry;
	uint64_t all = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char path[PATH_BYTES], line[32];
		struct text text;
		uint64_t megabits = 0;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/speed",
		    entry->d_name);
		text = file_of(path, line, sizeof(line));
		if (text.len > 1 && sscanf(line, "%" SCNu64, &megabits) == 1 &&
		    line[0] != '-')
			all += megabits * bytes_of_megabit;
	}
	if (folder != NULL)
		closedir(folder);
	return all;
}

static void
look_at_processors(struct machine *m, char *buffer)
{
	struct machine_ticks before = m->ticks;

	if (machine_parse_stat(
		file_of("/proc/stat", buffer, FILE_BYTES), &m->ticks) != OK)
		return;
	if (m->at_ms > 0 && m->ticks.all > before.all &&
	    m->ticks.busy >= before.busy)
		m->cpu_percent =
		    machine_percent((double)(m->ticks.busy - before.busy),
			(double)(m->ticks.all - before.all));
	m->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	(void)!machine_parse_load(
	    file_of("/proc/loadavg", buffer, FILE_BYTES), m->load);
}

static void
look_at_network(struct machine *m, char *buffer, uint64_t now_ms)
{
	uint64_t bytes =
	    machine_parse_network(file_of("/proc/net/dev", buffer, FILE_BYTES));

	if (m->at_ms > 0 && now_ms > m->at_ms && bytes >= m->network_bytes)
		m->network_per_second = (double)(bytes - m->network_bytes) *
		    1000 / (double)(now_ms - m->at_ms);
	m->network_bytes = bytes;
	m->network_capacity = speed_of_all();
	m->network_is_assumed = m->network_capacity == 0;
	if (m->network_is_assumed)
		m->network_capacity = network_assumed;
}

static void
look_at_disk(struct machine *m, const char *state_dir)
{
	struct statvfs at;

	if (statvfs(state_dir, &at) != 0)
		return;
	m->disk_total = (uint64_t)at.f_blocks * at.f_frsize;
	m->disk_used = (uint64_t)(at.f_blocks - at.f_bfree) * at.f_frsize;
}

void
machine_look(struct machine *m, const char *state_dir, uint64_t now_ms)
{
	static char buffer[FILE_BYTES]; /* the loop's thread alone looks */

	look_at_processors(m, buffer);
	(void)!machine_parse_memory(
	    file_of("/proc/meminfo", buffer, FILE_BYTES), &m->memory_total,
	    &m->memory_used);
	look_at_network(m, buffer, now_ms);
	look_at_disk(m, state_dir);
	m->at_ms = now_ms;
}
