// SPDX-License-Identifier: MIT
#include "supervisor/cli/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "protocol/base/memory.h"

void
bench_init(struct bench *b, uint64_t asked)
{
	*b = (struct bench){
	    .asked = asked, .took_ns = memory_new((asked + 1) * 8)};
}

void
bench_finish(struct bench *b)
{
	memory_free(b->took_ns);
	b->took_ns = NULL;
}

static void
count(struct bench *b, struct text class)
{
	uint32_t i = 0;

	b->failed++;
	while (i < b->class_count && !text_is(class, b->classes[i].name))
		i++;
	if (i >= BENCH_CLASSES) {
		i = BENCH_CLASSES;
		class = TEXT("other");
	}
	if (i == b->class_count) {
		b->class_count++;
		snprintf(b->classes[i].name, BENCH_CLASS_BYTES, "%.*s",
		    TEXT_ARG(class));
	}
	b->classes[i].count++;
}

void
bench_add(struct bench *b, uint64_t took_ns, struct text class)
{
	INVARIANT(b->made < b->asked);
	b->made++;
	b->took_ns[b->answered++] = took_ns;
	if (class.len > 0)
		count(b, class);
}

void
bench_lose(struct bench *b, struct text class)
{
	INVARIANT(b->made < b->asked);
	b->made++;
	count(b, class);
}

/* ---- the answer ---- */

static int
by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* pack_ms packs nanoseconds as milliseconds of three decimals. */
static void
pack_ms(struct packer *p, const char *key, uint64_t ns)
{
	pack_string(p, key);
	pack_f64(p, (double)((ns + 500) / 1000) / 1000);
}

/* nth is the smallest time that so many thousandths of the calls kept. */
static uint64_t
nth(const struct bench *b, uint64_t thousandths)
{
	return b->took_ns[(b->answered * thousandths + 999) / 1000 - 1];
}

static void
pack_times(const struct bench *b, struct packer *p)
{
	uint64_t sum = 0;

	pack_string(p, "latency_ms");
	if (b->answered == 0) {
		pack_nil(p);
		return;
	}
	for (uint64_t i = 0; i < b->answered; i++)
		sum += b->took_ns[i];
	pack_map(p, 8);
	pack_ms(p, "average", sum / b->answered);
	pack_ms(p, "min", b->took_ns[0]);
	pack_ms(p, "p50", nth(b, 500));
	pack_ms(p, "p90", nth(b, 900));
	pack_ms(p, "p95", nth(b, 950));
	pack_ms(p, "p99", nth(b, 990));
	pack_ms(p, "p999", nth(b, 999));
	pack_ms(p, "max", b->took_ns[b->answered - 1]);
}

void
bench_pack(struct bench *b, struct packer *p)
{
	qsort(b->took_ns, b->answered, sizeof(*b->took_ns), by_size);
	pack_map(p, 8);
	pack_field_u64(p, "asked", b->asked);
	pack_field_u64(p, "calls", b->made);
	pack_field_u64(p, "succeeded", b->made - b->failed);
	pack_field_u64(p, "failed", b->failed);
	pack_ms(p, "total_ms", b->elapsed_ns);
	pack_string(p, "per_second");
	if (b->elapsed_ns == 0)
		pack_nil(p);
	else
		pack_f64(p,
		    (double)(uint64_t)((double)b->made * 1e10 /
			(double)b->elapsed_ns) /
			10);
	pack_times(b, p);
	pack_string(p, "errors");
	pack_map(p, b->class_count);
	for (uint32_t i = 0; i < b->class_count; i++)
		pack_field_u64(p, b->classes[i].name, b->classes[i].count);
}
