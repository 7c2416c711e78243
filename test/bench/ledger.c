// SPDX-License-Identifier: MIT
#include "test/bench/ledger.h"

#include <inttypes.h>
#include <string.h>

/* copy_clean copies what can stand in a JSON string as it is. */
static void
copy_clean(char *to, struct text code)
{
	for (uint32_t i = 0; i < code.len; i++) {
		char c = code.at[i];
		bool is_plain = c >= ' ' && c < 127 && c != '"' && c != '\\';

		to[i] = is_plain ? c : '?';
	}
}

void
ledger_error(struct ledger *l, struct text code)
{
	struct ledger_code *c = l->codes;

	l->errors++;
	if (code.len == 0) {
		l->untyped++;
		code = TEXT("(none)");
	}
	if (code.len >= LEDGER_CODE_BYTES)
		code.len = LEDGER_CODE_BYTES - 1;
	for (; c < l->codes + LEDGER_CODES - 1 && c->name[0] != '\0'; c++)
		if (text_is(code, c->name))
			break;
	if (c->name[0] == '\0')
		copy_clean(c->name, code);
	c->count++;
}

/* bucket_of: exact below 2^STEP_BITS, then STEP_BITS leading bits. */
static uint32_t
bucket_of(uint64_t ns)
{
	if (ns < 1u << LEDGER_STEP_BITS)
		return (uint32_t)ns;
	uint32_t shift = 63 - (uint32_t)__builtin_clzll(ns) - LEDGER_STEP_BITS;
	uint32_t bucket = ((shift + 1) << LEDGER_STEP_BITS) +
	    (uint32_t)(ns >> shift) - (1u << LEDGER_STEP_BITS);

	return bucket < LEDGER_BUCKETS ? bucket : LEDGER_BUCKETS - 1;
}

/* middle_of gives a time in the middle of a bucket. */
static uint64_t
middle_of(uint32_t bucket)
{
	uint32_t power = bucket >> LEDGER_STEP_BITS;
	uint64_t low = bucket & ((1u << LEDGER_STEP_BITS) - 1);

	if (power == 0)
		return low;
	low += 1u << LEDGER_STEP_BITS;
	return (low << (power - 1)) + (1ull << (power - 1)) / 2;
}

void
ledger_record(struct ledger *l, uint64_t ns)
{
	l->buckets[bucket_of(ns)]++;
	l->recorded++;
	l->sum_ns += (double)ns;
	if (ns > l->longest_ns)
		l->longest_ns = ns;
}

void
ledger_correct(struct ledger *l)
{
	uint64_t pace =
	    l->recorded > 0 ? (uint64_t)(l->sum_ns / (double)l->recorded) : 0;

	/* a pace of microseconds under a stall of seconds: bound the work */
	if (pace < 1000)
		pace = 1000;
	/* upwards: what is added lands below, where it is not counted again */
	for (uint32_t b = bucket_of(pace); b < LEDGER_BUCKETS; b++) {
		uint64_t count = l->buckets[b], ns = middle_of(b);

		for (; count > 0 && ns > 2 * pace; ns -= pace) {
			l->buckets[bucket_of(ns - pace)] += count;
			l->recorded += count;
		}
	}
}

uint64_t
ledger_quantile(const struct ledger *l, double share)
{
	double wanted = share * (double)l->recorded, seen = 0;

	for (uint32_t b = 0; b < LEDGER_BUCKETS; b++) {
		seen += (double)l->buckets[b];
		if (seen >= wanted && l->buckets[b] > 0)
			return middle_of(b);
	}
	return l->longest_ns;
}

uint64_t
ledger_unanswered(const struct ledger *l)
{
	return l->calls - l->answers - l->errors - l->late;
}

void
ledger_forget_times(struct ledger *l)
{
	memset(l->buckets, 0, sizeof l->buckets);
	l->recorded = 0;
	l->sum_ns = 0;
	l->longest_ns = 0;
}

static void
member(FILE *to, const char *name, uint64_t value)
{
	fprintf(to, "\"%s\":%" PRIu64 ",", name, value);
}

void
ledger_print(const struct ledger *l, FILE *to)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50_us", 0.5}, {"p99_us", 0.99}, {"p999_us", 0.999}};

	member(to, "calls", l->calls);
	member(to, "answers", l->answers);
	member(to, "errors", l->errors);
	member(to, "untyped", l->untyped);
	member(to, "wrong", l->wrong);
	member(to, "timeouts", l->timeouts);
	member(to, "late", l->late);
	member(to, "lost", l->lost);
	member(to, "acks", l->acks);
	member(to, "chunks", l->chunks);
	member(to, "disordered", l->disordered);
	member(to, "unreplied", l->unreplied);
	member(to, "foreign", l->foreign);
	member(to, "unanswered", ledger_unanswered(l));
	member(to, "answered_twice", l->twice);
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		fprintf(to, "\"%s\":%.1f,", quantiles[i].name,
		    (double)ledger_quantile(l, quantiles[i].share) / 1e3);
	fprintf(to, "\"max_us\":%.1f,\"codes\":{", (double)l->longest_ns / 1e3);
	for (int i = 0; i < LEDGER_CODES && l->codes[i].count > 0; i++)
		fprintf(to, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
		    l->codes[i].name, l->codes[i].count);
	fprintf(to, "}");
}
