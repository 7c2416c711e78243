// SPDX-License-Identifier: MIT
#include "workers/monitor/observations.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
#define O(name) #name,
    OBSERVE_TARGETS(O)
#undef O
};

const char *
observe_target_name(enum observe_target target)
{
	return names[target];
}

enum observe_target
observe_target_find(struct text word)
{
	int target = 0;

	while (target < OBSERVE_TARGET_COUNT && !text_is(word, names[target]))
		target++;
	return (enum observe_target)target;
}

struct observation *
observations_start(struct observations *all, enum observe_target target,
    uint64_t interval_ms, uint64_t now_ms)
{
	for (int i = 0; i < OBSERVATIONS; i++) {
		struct observation *o = &all->at[i];

		if (o->number != 0)
			continue;
		*o = (struct observation){.number = ++all->last,
		    .target = target,
		    .interval_ms = interval_ms,
		    .started_ms = now_ms,
		    .due_ms = now_ms};
		buffer_init(&o->points, OBSERVE_BYTES);
		return o;
	}
	return NULL;
}

void
observation_id(const struct observation *o, char to[OBSERVE_ID])
{
	snprintf(to, OBSERVE_ID, "obs_%llu", (unsigned long long)o->number);
}

struct observation *
observations_find(struct observations *all, struct text id)
{
	char name[OBSERVE_ID];

	for (int i = 0; i < OBSERVATIONS; i++) {
		observation_id(&all->at[i], name);
		if (all->at[i].number != 0 && text_is(id, name))
			return &all->at[i];
	}
	return NULL;
}

void
observation_stop(struct observation *o)
{
	buffer_finish(&o->points);
	memset(o, 0, sizeof(*o));
}

void
observations_finish(struct observations *all)
{
	for (int i = 0; i < OBSERVATIONS; i++)
		if (all->at[i].number != 0)
			observation_stop(&all->at[i]);
}

struct observation *
observations_due(struct observations *all, uint64_t now_ms)
{
	for (int i = 0; i < OBSERVATIONS; i++) {
		struct observation *o = &all->at[i];

		if (o->number == 0 || o->due_ms > now_ms)
			continue;
		uint64_t late = (now_ms - o->due_ms) / o->interval_ms;
		o->due_ms += (late + 1) * o->interval_ms;
		return o;
	}
	return NULL;
}

uint64_t
observations_next_ms(const struct observations *all)
{
	uint64_t next_ms = 0;

	for (int i = 0; i < OBSERVATIONS; i++)
		if (all->at[i].number != 0 &&
		    (next_ms == 0 || all->at[i].due_ms < next_ms))
			next_ms = all->at[i].due_ms;
	return next_ms;
}

bool
observation_next(struct text *rest, struct text *point)
{
	uint32_t len;

	if (rest->len < sizeof(len))
		return false;
	memcpy(&len, rest->at, sizeof(len));
	*point = (struct text){rest->at + sizeof(len), len};
	rest->at += sizeof(len) + len;
	rest->len -= (uint32_t)sizeof(len) + len;
	return true;
}

static void
drop_oldest(struct observation *o)
{
	struct text rest = buffer_text(&o->points), point;

	if (!observation_next(&rest, &point))
		return;
	buffer_consume(&o->points, sizeof(uint32_t) + point.len);
	o->count--;
}

enum err
observation_add(struct observation *o, struct text point)
{
	size_t bytes = sizeof(point.len) + point.len;

	if (bytes > OBSERVE_BYTES)
		return ERR_TOO_BIG;
	while (o->count > 0 &&
	    (o->count >= OBSERVE_POINTS ||
		buffer_used(&o->points) + bytes > OBSERVE_BYTES))
		drop_oldest(o);
	if (buffer_append(&o->points, &point.len, sizeof(point.len)) != OK)
		return ERR_TOO_BIG;
	if (buffer_append_text(&o->points, point) != OK) {
		buffer_truncate(
		    &o->points, buffer_used(&o->points) - sizeof(point.len));
		return ERR_TOO_BIG;
	}
	o->count++;
	o->taken++;
	return OK;
}
