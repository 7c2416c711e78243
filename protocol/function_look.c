// SPDX-License-Identifier: MIT
#include "protocol/function_look.h"

#include "protocol/base/arena.h"

static const struct {
	const char *name;
	enum counter counter;
	bool is_error;
} infos[FUNCTION_COUNTS] = {
#define F(name, is_error, meaning) \
	[FUNCTION_COUNT_##name] = {#name, COUNTER_gateway_##name, is_error},
    FUNCTION_COUNTERS(F)
#undef F
};

const char *
function_count_name(enum function_count id)
{
	return infos[id].name;
}

enum counter
function_count_counter(enum function_count id)
{
	return infos[id].counter;
}

bool
function_count_is_error(enum function_count id)
{
	return infos[id].is_error;
}

/* A look under way: lines found again by their names as shown, since names
 * that are cut alike are one line to whoever reads them. */
struct finder {
	struct function_look *look;
	uint32_t *table; /* line + 1 */
	uint32_t mask;
	struct function_line *other;
};

static void
add_sums(struct function_sums *to, const struct function_sums *more)
{
	for (int i = 0; i < FUNCTION_COUNTS; i++)
		to->counts[i] += more->counts[i];
	to->sum_us += more->sum_us;
	for (int i = 0; i < FUNCTION_BUCKETS; i++)
		to->buckets[i] += more->buckets[i];
}

static void
take_away(struct function_sums *from, const struct function_sums *less)
{
	for (int i = 0; i < FUNCTION_COUNTS; i++)
		from->counts[i] -= less->counts[i];
	from->sum_us -= less->sum_us;
	for (int i = 0; i < FUNCTION_BUCKETS; i++)
		from->buckets[i] -= less->buckets[i];
}

static uint64_t
hash_of(const struct function_who *who)
{
	uint64_t words[3] = {hash_name(who->service),
	    hash_name(who->request_type), hash_name(who->version)};

	return hash_words(words, 3);
}

static bool
is_line_of(const struct function_line *line, const struct function_who *who)
{
	return text_eq(line->service, who->service) &&
	    text_eq(line->request_type, who->request_type) &&
	    text_eq(line->version, who->version);
}

static struct function_line *
new_line(struct function_look *look)
{
	struct function_line *line =
	    ARENA_NEW(look->arena, struct function_line);

	look->lines[look->count++] = line;
	return line;
}

static struct function_line *
line_of(struct finder *f, const struct function_who *who)
{
	struct function_look *look = f->look;

	for (uint64_t at = hash_of(who);; at++) {
		uint32_t *entry = &f->table[at & f->mask];

		if (*entry != 0 && is_line_of(look->lines[*entry - 1], who))
			return look->lines[*entry - 1];
		if (*entry != 0)
			continue;
		struct function_line *line = new_line(look);
		*entry = look->count;
		line->service = arena_text(look->arena, who->service);
		line->request_type = arena_text(look->arena, who->request_type);
		line->version = arena_text(look->arena, who->version);
		return line;
	}
}

/* take_place: one whose name cannot be read, or is a line's of ours, is one
 * of the others. */
static void
take_place(struct finder *f, const struct function_place *place, bool is_own)
{
	char names[FUNCTION_WHO_WORDS * 8];
	struct function_who who = {.has_base = false};
	struct function_sums all, base;

	if (is_own &&
	    (function_stats_who(place, &who, names) != OK ||
		text_is(who.service, FUNCTION_NONE_FOUND) ||
		text_is(who.service, FUNCTION_OTHER)))
		is_own = false;
	function_stats_read(place, who.has_base, &all, &base);
	take_away(&all, &base);
	add_sums(&f->other->sums, &base);
	add_sums(is_own ? &line_of(f, &who)->sums : &f->other->sums, &all);
}

/* is_wanted: a row of a gateway that the census knows. */
static bool
is_wanted(const struct function_row *row, const struct census *census)
{
	uint64_t owner =
	    atomic_load_explicit(&row->owner, memory_order_relaxed);

	for (uint32_t i = 0; i < census->count; i++)
		if (census->process[i].child.role == ROLE_gateway &&
		    (uint64_t)census->process[i].slot + 1 == owner)
			return true;
	return false;
}

static void
begin(struct finder *f, struct arena *arena, uint32_t most)
{
	uint32_t size = 16;

	while (size < most * 2)
		size *= 2;
	f->look->arena = arena;
	f->look->count = 0;
	/* and one each for the others and for those that found none */
	f->look->lines = ARENA_ARRAY(arena, struct function_line *, most + 2);
	f->table = ARENA_ARRAY(arena, uint32_t, size);
	f->mask = size - 1;
	f->other = ARENA_NEW(arena, struct function_line);
	f->other->service = f->other->request_type = TEXT(FUNCTION_OTHER);
}

static void
finish_line(struct function_line *line)
{
	for (int i = 0; i < FUNCTION_BUCKETS; i++)
		line->answered += line->sums.buckets[i];
	for (int i = 0; i < FUNCTION_COUNTS; i++)
		if (infos[i].is_error)
			line->failed += line->sums.counts[i];
}

void
function_look_take(struct function_look *look, struct arena *arena,
    const struct stats *stats, const struct census *census)
{
	const struct function_row *rows[FUNCTION_ROWS];
	struct finder f = {.look = look};
	uint32_t used[FUNCTION_ROWS], count = 0, most = 0;

	for (uint32_t i = 0; i < FUNCTION_ROWS; i++) {
		rows[count] = function_stats_at(stats, i);
		if (!is_wanted(rows[count], census))
			continue;
		used[count] = function_stats_used(stats, rows[count]);
		most += used[count++];
	}
	begin(&f, arena, most);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t place = 0; place < used[i]; place++)
			take_place(&f, &rows[i]->places[place], place > 0);
	look->lines[look->count++] = f.other;
	for (uint32_t i = 0; i < look->count; i++)
		finish_line(look->lines[i]);
}

void
function_look_close(
    struct function_look *look, const struct function_totals *totals)
{
	struct function_totals left = *totals;
	uint64_t *n = left.counts;

	for (uint32_t i = 0; i < look->count; i++) {
		const struct function_line *line = look->lines[i];

		for (int k = 0; k < FUNCTION_COUNTS; k++)
			n[k] -= line->sums.counts[k] < n[k]
			    ? line->sums.counts[k]
			    : n[k];
		left.answered -= line->answered < left.answered ? line->answered
								: left.answered;
	}
	struct function_line *none = new_line(look);
	none->service = none->request_type = TEXT(FUNCTION_NONE_FOUND);
	none->answered = left.answered;
	for (int k = 0; k < FUNCTION_COUNTS; k++) {
		none->sums.counts[k] = n[k];
		none->failed += infos[k].is_error ? n[k] : 0;
	}
}

void
function_look_all(struct function_look *look, struct arena *arena,
    const struct stats *stats, const struct census *census)
{
	struct function_totals totals = {.answered = 0};

	function_look_take(look, arena, stats, census);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		if (p->child.role != ROLE_gateway)
			continue;
		totals.answered +=
		    stats_get(p->stats, COUNTER_gateway_answered);
		for (int k = 0; k < FUNCTION_COUNTS; k++)
			totals.counts[k] +=
			    stats_get(p->stats, infos[k].counter);
	}
	function_look_close(look, &totals);
}

/* value_at gives the top of the bucket in which the rank-th value lies. */
static uint64_t
value_at(const struct function_sums *sums, uint64_t rank)
{
	uint64_t seen = 0;

	for (uint32_t b = 0; b < FUNCTION_BUCKETS; b++) {
		seen += sums->buckets[b];
		if (seen >= rank)
			return function_bucket_top(b);
	}
	return function_bucket_top(FUNCTION_BUCKETS - 1);
}

void
function_line_summary(
    const struct function_line *line, struct stats_summary *summary)
{
	const struct function_sums *sums = &line->sums;
	uint64_t n = 0;

	for (int i = 0; i < FUNCTION_BUCKETS; i++)
		n += sums->buckets[i];
	*summary = (struct stats_summary){.count = n, .sum = sums->sum_us};
	if (n == 0)
		return;
	summary->p50 = value_at(sums, n - n / 2);
	summary->p90 = value_at(sums, n - n / 10);
	summary->p99 = value_at(sums, n - n / 100);
	summary->p999 = value_at(sums, n - n / 1000);
}
