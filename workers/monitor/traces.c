// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Clocks of the processes of one machine agree (CLOCK_MONOTONIC), so hops are
 * put in order by the time of their records, whichever process left them.
 */

#include "workers/monitor/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/memory.h"

void
traces_init(struct traces *t)
{
	memset(t, 0, sizeof(*t));
}

void
traces_finish(struct traces *t)
{
	for (uint32_t i = 0; i < TRACES_REQUESTS; i++)
		memory_free(t->requests[i]);
	memory_free(t->lines);
	memset(t, 0, sizeof(*t));
}

const char *
trace_state_name(enum trace_state state)
{
	static const char *const names[] = {
	    [TRACE_RUNNING] = "running",
	    [TRACE_STOPPED] = "stopped",
	    [TRACE_OF_TIME] = "time_over",
	    [TRACE_OF_COUNT] = "count_reached",
	};

	return names[state];
}

uint32_t
traces_running(const struct traces *t)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->count; i++)
		count += t->all[i].state == TRACE_RUNNING;
	return count;
}

/* room gives the place for one more: behind the last, or the oldest ended. */
static struct trace *
room(struct traces *t)
{
	uint32_t oldest = 0;

	if (t->count < TRACES_KEPT)
		return &t->all[t->count++];
	while (t->all[oldest].state == TRACE_RUNNING)
		oldest++;
	memmove(&t->all[oldest], &t->all[oldest + 1],
	    (TRACES_KEPT - oldest - 1) * sizeof(t->all[0]));
	/* those that moved keep their texts beside them */
	for (uint32_t i = oldest; i < TRACES_KEPT - 1; i++) {
		t->all[i].filter.key.at = t->all[i].key;
		t->all[i].filter.key2.at = t->all[i].key2;
	}
	return &t->all[TRACES_KEPT - 1];
}

static void
put(struct traces *t, const struct trace_filter *f, struct trace **to)
{
	struct trace *one = room(t);

	*one = (struct trace){.filter = *f};
	if (f->key.len > 0)
		memcpy(one->key, f->key.at, f->key.len);
	if (f->key2.len > 0)
		memcpy(one->key2, f->key2.at, f->key2.len);
	one->filter.key.at = one->key;
	one->filter.key2.at = one->key2;
	*to = one;
}

/* free_place: where no running trace is counted. The one that was free the
 * longest: a call of the trace before may still be on its way. */
static uint32_t
free_place(struct traces *t)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->all[i].state == TRACE_RUNNING)
			taken |= 1u << t->all[i].filter.place;
	do
		t->last_place = (t->last_place + 1) % TRACE_PLACES;
	while ((taken >> t->last_place & 1) != 0);
	return t->last_place;
}

enum err
traces_start(struct traces *t, const struct trace_filter *f, struct trace **to)
{
	uint32_t place;

	if (f->key.len > TRACE_KEY_BYTES || f->key2.len > TRACE_KEY_BYTES)
		return ERR_TOO_BIG;
	if (traces_running(t) >= TRACES_RUNNING)
		return ERR_FULL;
	place = free_place(t);
	put(t, f, to);
	(*to)->filter.id = ++t->last_id;
	(*to)->filter.place = place;
	return OK;
}

void
traces_adopt(struct traces *t, const struct trace_filter *f)
{
	struct trace *one;

	if (f->id > t->last_id)
		t->last_id = f->id;
	if (!f->is_tracer && f->place < TRACE_PLACES &&
	    traces_running(t) < TRACES_RUNNING)
		put(t, f, &one);
}

static void
end(struct trace *one, enum trace_state how, uint64_t now_ms)
{
	one->state = how;
	one->ended_ms = now_ms;
}

uint32_t
traces_stop(struct traces *t, uint32_t id, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		if (t->all[i].state != TRACE_RUNNING ||
		    (id != 0 && t->all[i].filter.id != id))
			continue;
		end(&t->all[i], TRACE_STOPPED, now_ms);
		count++;
	}
	return count;
}

bool
traces_look(struct traces *t, uint64_t now_ms)
{
	bool any = false;

	for (uint32_t i = 0; i < t->count; i++) {
		struct trace *one = &t->all[i];

		if (one->state != TRACE_RUNNING || one->filter.until_ms == 0 ||
		    now_ms < one->filter.until_ms)
			continue;
		end(one, TRACE_OF_TIME, now_ms);
		any = true;
	}
	return any;
}

/* --- requests --- */

static struct traced_request *
find(const struct traces *t, const struct hop *h)
{
	for (uint64_t back = 0;
	     back < TRACES_REQUESTS && back < t->requests_seen; back++) {
		struct traced_request *r =
		    t->requests[(t->requests_seen - 1 - back) %
			TRACES_REQUESTS];

		if (r->span == h->span && r->trace[1] == h->trace[1] &&
		    r->trace[0] == h->trace[0])
			return r;
	}
	return NULL;
}

static struct traced_request *
add(struct traces *t, const struct hop *h)
{
	uint32_t place = (uint32_t)(t->requests_seen++ % TRACES_REQUESTS);

	if (t->requests[place] == NULL)
		t->requests[place] = MEMORY_NEW(struct traced_request);
	struct traced_request *r = t->requests[place];
	*r = (struct traced_request){.serial = t->requests_seen,
	    .trace = {h->trace[0], h->trace[1]},
	    .span = h->span};
	return r;
}

/* take_ids reads which traces the request belongs to: "ids=3,4". */
static void
take_ids(struct traced_request *r, struct text rest)
{
	struct text ids;
	uint64_t id = 0;

	if (!facts_find(rest, "ids", &ids, NULL, 0))
		return;
	for (uint32_t i = 0; i <= ids.len; i++) {
		if (i < ids.len && ids.at[i] >= '0' && ids.at[i] <= '9') {
			id = id * 10 + (uint64_t)(ids.at[i] - '0');
			continue;
		}
		if (id > 0 && id <= UINT32_MAX && r->id_count < TRACES_IDS)
			r->ids[r->id_count++] = (uint32_t)id;
		id = 0;
	}
}

bool
traces_counted(
    struct trace *one, uint64_t requests, uint64_t records, uint64_t now_ms)
{
	if (one->state != TRACE_RUNNING)
		return false;
	one->requests = requests;
	one->records = records;
	if (one->filter.most == 0 || records < one->filter.most)
		return false;
	end(one, TRACE_OF_COUNT, now_ms);
	return true;
}

static void
keep_piece(struct traced_request *r, const struct hop *h)
{
	if (h->of > sizeof(r->facts) || h->at + h->piece.len > h->of)
		return;
	memcpy(r->facts + h->at, h->piece.at, h->piece.len);
	r->facts_bytes = h->of;
	r->facts_got += h->piece.len;
}

static void
keep_hop(struct traced_request *r, const struct hop *h,
    const struct trace_place *place)
{
	if (r->hop_count++ >= TRACES_HOPS)
		return;
	struct traced_hop *to = &r->hops[r->hop_count - 1];
	*to = (struct traced_hop){
	    .stage = h->stage, .place = *place, .us = h->us};
	to->len =
	    h->rest.len < sizeof(to->text) ? h->rest.len : sizeof(to->text);
	memcpy(to->text, h->rest.at, to->len);
}

void
traces_note(struct traces *t, const struct trace_place *place, struct text text)
{
	if (t->lines == NULL)
		t->lines =
		    memory_new(TRACES_LINES * sizeof(struct traced_line));
	struct traced_line *line = &t->lines[t->lines_seen++ % TRACES_LINES];
	*line =
	    (struct traced_line){.sequence = t->lines_seen, .place = *place};
	line->len =
	    text.len < sizeof(line->text) ? text.len : sizeof(line->text);
	memcpy(line->text, text.at, line->len);
}

static void
note_hop(struct traces *t, const struct traced_request *r, const struct hop *h,
    const struct trace_place *place)
{
	char text[TRACES_LINE_TEXT], room_[64];
	struct text id = TEXT("?");

	if (!facts_find(
		traces_facts(r), "request_id", &id, room_, sizeof(room_)))
		id = TEXT("?");
	if (id.len > 40)
		id.len = 40;
	snprintf(text, sizeof(text),
	    "request=%.*s stage=%s us=%" PRIu64 "%s%.*s", TEXT_ARG(id),
	    stage_info(h->stage)->name, h->us, h->rest.len > 0 ? " " : "",
	    TEXT_ARG(h->rest));
	traces_note(t, place, text_of(text));
}

struct traced_request *
traces_take(
    struct traces *t, const struct hop *h, const struct trace_place *place)
{
	struct traced_request *r = find(t, h);

	if (r == NULL)
		r = add(t, h);
	t->records++;
	if (h->is_piece) {
		keep_piece(r, h);
		return r;
	}
	if (h->stage == STAGE_start) {
		r->began_us = place->mono_us - h->us;
		take_ids(r, h->rest);
	}
	keep_hop(r, h, place);
	note_hop(t, r, h, place);
	return r;
}

struct text
traces_facts(const struct traced_request *r)
{
	if (r->facts_bytes == 0 || r->facts_got != r->facts_bytes)
		return TEXT("");
	return (struct text){r->facts, r->facts_bytes};
}

void
traces_lines(const struct traces *t, uint64_t after, uint32_t most,
    void (*each)(void *ctx, const struct traced_line *), void *ctx)
{
	uint64_t first =
	    t->lines_seen > TRACES_LINES ? t->lines_seen - TRACES_LINES + 1 : 1;

	if (most > TRACES_LINES)
		most = TRACES_LINES;
	if (first <= after)
		first = after + 1;
	if (t->lines_seen >= most && first + most <= t->lines_seen)
		first = t->lines_seen - most + 1;
	for (uint64_t s = first; s <= t->lines_seen; s++)
		each(ctx, &t->lines[(s - 1) % TRACES_LINES]);
}

static bool
is_named(const struct traced_request *r, struct text id)
{
	struct text value;
	char name[300];
	uint64_t trace[2], span;

	if (trace_id_read(id, trace) == OK && trace[0] == r->trace[0] &&
	    trace[1] == r->trace[1])
		return true;
	if (span_id_read(id, &span) == OK && span == r->span)
		return true;
	return facts_find(
		   traces_facts(r), "request_id", &value, name, sizeof(name)) &&
	    text_eq(value, id);
}

const struct traced_request *
traces_next(const struct traces *t, struct text id, uint64_t after)
{
	const struct traced_request *best = NULL;

	for (uint32_t i = 0; i < TRACES_REQUESTS; i++) {
		const struct traced_request *r = t->requests[i];

		if (r == NULL || r->serial <= after || !is_named(r, id) ||
		    (best != NULL && r->serial > best->serial))
			continue;
		best = r;
	}
	return best;
}

uint32_t
traces_order(
    const struct traced_request *r, const struct traced_hop *to[TRACES_HOPS])
{
	uint32_t count =
	    (uint32_t)(r->hop_count < TRACES_HOPS ? r->hop_count : TRACES_HOPS);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;

		/* equal times stay in the order in which they were read */
		while (at > 0 &&
		    to[at - 1]->place.mono_us > r->hops[i].place.mono_us) {
			to[at] = to[at - 1];
			at--;
		}
		to[at] = &r->hops[i];
	}
	return count;
}
