// SPDX-License-Identifier: MIT
/* exposition - what it costs to write so many series as /metrics writes them.
 * usage: exposition_cost SERIES; prints one line of JSON. */

#include <stdio.h>
#include <stdlib.h>

#include "protocol/base/clock.h"
#include "workers/monitor/exposition.h"

enum {
	ROUNDS = 20,
	NAME = 32,
	BYTES = 256 << 20,
	FAMILY = 100, /* series of one family */
};

static void
write_all(struct exposition *e, unsigned long series)
{
	char function[NAME], family[NAME];
	struct exposition_label labels[] = {{"role", TEXT("gateway")},
	    {"child", TEXT("gateway/1")}, {"function", {function, 0}}};

	for (unsigned long i = 0; i < series; i++) {
		if (i % FAMILY == 0) {
			snprintf(
			    family, sizeof(family), "figure_%lu", i / FAMILY);
			exposition_family(e, family, EXPOSITION_COUNTER,
			    "a figure of a function");
		}
		labels[2].value.len = (uint32_t)snprintf(
		    function, sizeof(function), "user_service.call_%lu", i);
		exposition_value(e, (struct exposition_labels){labels, 3},
		    (double)i * 12345.0);
	}
}

static int
compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	unsigned long series = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t took_us[ROUNDS];
	struct buffer out;
	struct exposition e;

	if (series == 0) {
		fprintf(stderr, "usage: exposition_cost SERIES\n");
		return 64;
	}
	buffer_init(&out, BYTES);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t began_us = clock_mono_us();

		buffer_truncate(&out, 0);
		exposition_init(&e, &out, "banyan", false, series);
		write_all(&e, series);
		if (exposition_finish(&e) != OK)
			return 1;
		took_us[i] = clock_mono_us() - began_us;
	}
	qsort(took_us, ROUNDS, sizeof(took_us[0]), compare);
	printf("{\"series\":%llu,\"bytes\":%zu,\"p50_us\":%llu,"
	       "\"most_us\":%llu}\n",
	    (unsigned long long)e.series, buffer_used(&out),
	    (unsigned long long)took_us[ROUNDS / 2],
	    (unsigned long long)took_us[ROUNDS - 1]);
	buffer_finish(&out);
	return 0;
}
