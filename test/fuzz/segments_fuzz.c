// SPDX-License-Identifier: MIT
/*
 * segments_fuzz - a segment whose body, or whose header, holds anything at
 * all must not crash, hang or mislead a reader out of its bounds.
 *
 * First byte: which segment. Then eight bytes: where in the body the rest is
 * laid, over and over until the next place, or (top bit set) in the header.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/events.h"
#include "protocol/function_stats.h"
#include "protocol/limits.h"
#include "protocol/routes.h"
#include "protocol/sticky.h"
#include "protocol/stats.h"
#include "protocol/stats_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	HEAD = 9,
	SMALL = 32 /* keys of a class: every place is probed */
};

/* lay repeats the input from `at` on, a few KiB of it. */
static void
lay(struct segment *segment, const uint8_t *data, size_t size, uint64_t at)
{
	size_t room = segment->bytes - SEGMENT_HEADER_BYTES;
	size_t start = at % room;

	if (size == 0)
		return;
	for (size_t i = 0; i < 65536 && start + i < room; i++)
		segment->body[start + i] = data[i % size];
}

static void
read_functions(const struct stats *stats)
{
	for (uint32_t i = 0; i < FUNCTION_ROWS; i++) {
		const struct function_row *row = function_stats_at(stats, i);
		uint32_t used = function_stats_used(stats, row);

		if (used > stats->function_places)
			abort();
		for (uint32_t k = 0; k < used; k++) {
			char names[FUNCTION_WHO_WORDS * 8];
			struct function_sums all, base;
			struct function_who who;

			if (function_stats_who(&row->places[k], &who, names) ==
				OK &&
			    who.version.at + who.version.len >
				names + sizeof(names))
				abort();
			function_stats_read(&row->places[k], true, &all, &base);
			if (base.sum_us > all.sum_us)
				abort();
		}
	}
	(void)function_stats_claim(stats, 3);
}

static void
read_stats(const struct stats *stats)
{
	for (uint32_t i = 0; i < STATS_SLOTS; i++) {
		const struct stats_slot *slot = stats_slot_at(stats, i);
		struct stats_summary summary;
		struct stats_child child;
		char words[STATS_WORDS_TEXT];

		if (stats_child_get(stats, i, &child) == OK &&
		    (child.role >= ROLES || child.state >= CHILD_STATES ||
			memchr(child.reason, 0, STATS_REASON) == NULL))
			abort();
		stats_last_words_of(slot, words);
		for (int h = 0; h < HISTOGRAMS; h++)
			stats_summary(slot, (enum histogram)h, &summary);
	}
}

static void
check_records(const struct event_record *records, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (records[i].id >= EVENT_IDS ||
		    records[i].text.len > EVENTS_TEXT ||
		    records[i].text.at != records[i].bytes)
			abort();
}

static void
read_events(struct events *events)
{
	static struct event_record records[EVENTS_RECORDS];

	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++) {
		struct events_reading reading = {0};

		check_records(records,
		    events_last(events, slot, records, EVENTS_RECORDS));
		for (int kind = 0; kind < EVENTS_KINDS; kind++)
			check_records(records,
			    events_next(events, (enum events_kind)kind, slot,
				&reading, records, EVENTS_RECORDS));
	}
}

static void
use_limits(struct limits *limits, uint64_t seed)
{
	struct limits_sweep sweep = {0};
	struct limits_usage usage;

	for (uint32_t i = 0; i < 200; i++) {
		struct limits_verdict v;
		struct limits_hit hit = {.key = seed * (i + 1),
		    .max = i % 5 == 0 ? i * 7 : i % 140,
		    .window_ms = i * i,
		    .now_us = seed >> (i % 60)};

		limits_take(limits, &hit, &v);
		if (v.is_admitted && (hit.max == 0 || v.is_full))
			abort();
		limits_look(limits, &hit, &v);
		if (i % 10 == 0)
			(void)limits_reset(limits, &hit);
	}
	for (int i = 0; i < 100 && !sweep.is_done; i++)
		limits_sweep(limits, seed, seed % 100000, 1000, &sweep);
	if (!sweep.is_done)
		abort();
	limits_usage(limits, &usage);
}

/* remade gives a memfd like `fd`, with other bytes in its header. */
static int
remade(int fd, const uint8_t *data, size_t size, uint64_t at)
{
	uint8_t header[SEGMENT_HEADER_BYTES];
	off_t bytes = lseek(fd, 0, SEEK_END);
	int other = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (pread(fd, header, sizeof(header), 0) != sizeof(header))
		abort();
	for (size_t i = 0; i < size && i < sizeof(header); i++)
		header[(at + i) % sizeof(header)] = data[i];
	if (ftruncate(other, bytes) != 0 ||
	    pwrite(other, header, sizeof(header), 0) != sizeof(header) ||
	    fcntl(other, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		abort();
	return other;
}

/* stick finds, keeps and sweeps, whatever the entries hold. */
static void
stick(struct routes *routes, uint64_t name, uint32_t now_s)
{
	struct sticky found;

	sticky_find(routes, name, now_s, &found);
	(void)sticky_keep(routes, &found, 1, now_s);
	(void)sticky_sweep(routes, &now_s, 8, (uint32_t)name);
}

static void
use_one(uint8_t kind, int fd, const uint8_t *data, size_t size, uint64_t at)
{
	struct stats stats = {0};
	struct events events = {0};
	struct limits limits = {0};
	struct routes routes = {0};

	if (kind == 0 && stats_map(fd, &stats) == OK) {
		lay(&stats.segment, data, size, at);
		read_stats(&stats);
		read_functions(&stats);
		stats_unmap(&stats);
	} else if (kind == 1 && events_map(fd, &events) == OK) {
		lay(&events.segment, data, size, at);
		read_events(&events);
		events_unmap(&events);
	} else if (kind == 2 && limits_map(fd, &limits) == OK) {
		lay(&limits.segment, data, size, at);
		use_limits(&limits, at | 1);
		limits_unmap(&limits);
	} else if (kind == 3 && routes_map(fd, &routes) == OK) {
		lay(&routes.segment, data, size, at);
		for (uint32_t i = 0; i < 200; i++)
			(void)routes_turn(&routes, at * i);
		(void)routes_used(&routes);
		for (uint32_t i = 0; i < 200; i++)
			stick(&routes, at * i, (uint32_t)i);
		(void)sticky_used(&routes);
		routes_unmap(&routes);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct limits_size keys = {.keys = {SMALL, SMALL, SMALL}};
	uint64_t at;
	enum err e;
	int fd = -1, other;

	if (size < HEAD)
		return 0;
	memcpy(&at, data + 1, sizeof(at));
	switch (data[0] % 4) {
	case 0:
		e = stats_create(SMALL, &fd);
		break;
	case 1:
		e = events_create(&fd);
		break;
	case 2:
		e = limits_create(&keys, &fd);
		break;
	default:
		e = routes_create(SMALL, SMALL, &fd);
		break;
	}
	if (e != OK)
		abort();
	if (at >> 63 != 0) {
		other = remade(fd, data + HEAD, size - HEAD, at);
		use_one(data[0] % 4, other, data, 0, at);
		fd_close(&other);
	} else {
		use_one(data[0] % 4, fd, data + HEAD, size - HEAD, at);
	}
	fd_close(&fd);
	return 0;
}
