// SPDX-License-Identifier: MIT
#include "workers/monitor/discovery.h"

#include <stdio.h>
#include <string.h>

#include "protocol/unpack.h"

void
discovery_init(struct discovery *d, const struct discovery_rules *rules)
{
	memset(d, 0, sizeof(*d));
	d->rules = *rules;
}

static void
keep(char *to, size_t size, struct text from)
{
	snprintf(to, size, "%.*s", TEXT_ARG(from));
}

static void
say(struct discovery *d, enum discovery_topic topic,
    const struct discovery_service *s, const char *what, uint64_t wall_ms)
{
	struct discovery_change *c =
	    &d->changes[d->sequence % DISCOVERY_CHANGES];

	*c = (struct discovery_change){.sequence = ++d->sequence,
	    .at_ms = wall_ms,
	    .topic = topic,
	    .functions = s->functions,
	    .what = what};
	memcpy(c->service, s->name, sizeof(c->service));
	memcpy(c->version, s->version, sizeof(c->version));
}

static struct discovery_service *
find(struct discovery *d, struct text name)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (text_is(name, d->services[i].name))
			return &d->services[i];
	if (d->count == DISCOVERY_SERVICES || name.len >= DISCOVERY_NAME)
		return NULL;
	struct discovery_service *s = &d->services[d->count++];
	*s = (struct discovery_service){0};
	keep(s->name, sizeof(s->name), name);
	return s;
}

/* What one entry of the list says. */
struct entry {
	struct text name;
	struct text version;
	bool is_up;
	uint64_t functions;
	uint64_t pulled_at_ms;
};

static bool
read_entry(struct text span, uint64_t wall_ms, struct entry *e)
{
	struct text state, value;
	uint64_t ago_ms;

	*e = (struct entry){.version = TEXT("")};
	if (unpack_field_text(span, "service", &e->name) != OK ||
	    e->name.len == 0)
		return false;
	e->is_up = unpack_field_text(span, "state", &state) == OK &&
	    text_is(state, "up");
	if (unpack_field_text(span, "version", &e->version) != OK)
		e->version = TEXT("");
	if (unpack_map_find(span, TEXT("functions"), &value) == OK) {
		struct unpacker u;
		uint32_t count;

		unpack_init(&u, value);
		if (unpack_array(&u, &count) == OK)
			e->functions = count;
	}
	if (unpack_field_u64(span, "pulled_ms_ago", &ago_ms) == OK &&
	    ago_ms < wall_ms)
		e->pulled_at_ms = wall_ms - ago_ms;
	return true;
}

/* what_changed: NULL when nothing did. */
static const char *
what_changed(const struct discovery_service *s, const struct entry *e)
{
	if (s->pulled_at_ms == 0 && e->pulled_at_ms > 0)
		return "added";
	if (!text_is(e->version, s->version) || s->functions != e->functions)
		return "changed";
	if (s->is_up != e->is_up)
		return e->is_up ? "up" : "down";
	return NULL;
}

static void
take_entry(struct discovery *d, const struct entry *e, uint64_t wall_ms)
{
	struct discovery_service *s = find(d, e->name);
	const char *what;

	if (s == NULL)
		return;
	what = what_changed(s, e);
	keep(s->version, sizeof(s->version), e->version);
	s->functions = e->functions;
	s->is_up = e->is_up;
	s->is_listed = true;
	/* the list says how long ago: a jitter of a few ms is no news */
	if (e->pulled_at_ms > s->pulled_at_ms + 10)
		s->pulled_at_ms = e->pulled_at_ms;
	if (s->pulled_at_ms > d->delta_at_ms) {
		d->delta_at_ms = s->pulled_at_ms;
		memcpy(d->delta_service, s->name, sizeof(d->delta_service));
		d->delta_functions = s->functions;
	}
	if (what == NULL)
		return;
	d->deltas++;
	say(d, DISCOVERY_DELTA, s, what, wall_ms);
}

/* forget_unlisted drops what the puller no longer asks. */
static void
forget_unlisted(struct discovery *d, uint64_t wall_ms)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		if (!d->services[i].is_listed) {
			d->deltas++;
			say(d, DISCOVERY_DELTA, &d->services[i], "removed",
			    wall_ms);
			continue;
		}
		if (kept != i)
			d->services[kept] = d->services[i];
		kept++;
	}
	if (kept < d->count) {
		d->prune_at_ms = wall_ms;
		d->prune_count = d->count - kept;
		d->prunes += d->prune_count;
	}
	d->count = kept;
}

enum err
discovery_take(struct discovery *d, struct text list, uint64_t wall_ms)
{
	struct unpacker u;
	struct text span;
	struct entry e;
	uint32_t count;

	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK) {
		d->lists_invalid++;
		return ERR_MALFORMED;
	}
	if (d->seed_at_ms == 0)
		d->seed_at_ms = wall_ms;
	for (uint32_t i = 0; i < d->count; i++)
		d->services[i].is_listed = false;
	for (uint32_t i = 0; i < count && unpack_raw(&u, &span) == OK; i++)
		if (read_entry(span, wall_ms, &e))
			take_entry(d, &e, wall_ms);
	forget_unlisted(d, wall_ms);
	return OK;
}

void
discovery_export(struct discovery *d, uint64_t mono_ms, uint64_t wall_ms)
{
	if (!d->rules.exports || d->seed_at_ms == 0 ||
	    mono_ms < d->export_due_ms)
		return;
	d->export_due_ms = mono_ms + d->rules.interval_ms;
	d->exports++;
	d->exported_at_ms = wall_ms;
	d->exported_count = d->count;
	d->summaries += d->count;
	for (uint32_t i = 0; i < d->count; i++) {
		struct discovery_service *s = &d->services[i];

		s->exports++;
		s->summaries++;
		s->exported_at_ms = wall_ms;
		s->exported_count = s->functions;
		say(d, DISCOVERY_SUMMARY, s, "summary", wall_ms);
	}
}

const struct discovery_change *
discovery_change_at(const struct discovery *d, uint64_t after)
{
	uint64_t oldest = d->sequence > DISCOVERY_CHANGES
	    ? d->sequence - DISCOVERY_CHANGES
	    : 0;

	if (after >= d->sequence)
		return NULL;
	if (after < oldest)
		after = oldest;
	return &d->changes[after % DISCOVERY_CHANGES];
}
