// SPDX-License-Identifier: MIT
#include "workers/relay/subscription.h"

#include <stdbool.h>

static const struct {
	const char *name;
	enum subscription_status status;
	bool is_error;
} events[] = {
#define E(name, status, is_error) \
	[SUBSCRIPTION_EVENT_##name] = {#name, SUBSCRIPTION_##status, is_error},
    SUBSCRIPTION_EVENTS(E)
#undef E
};

static const char *const status_names[] = {
#define S(name) [SUBSCRIPTION_##name] = #name,
    SUBSCRIPTION_STATUSES(S)
#undef S
};

void
subscription_note(struct subscription *s, enum subscription_event event,
    uint64_t wall_ms, const char *error)
{
	s->last_event = event;
	s->event_count++;
	s->seen_ms = wall_ms;
	if (!events[event].is_error)
		return;
	s->error_count++;
	s->last_error = error;
}

enum subscription_status
subscription_status_of(const struct subscription *s)
{
	return events[s->last_event].status;
}

const char *
subscription_status_name(enum subscription_status status)
{
	return status_names[status];
}

const char *
subscription_event_name(enum subscription_event event)
{
	return events[event].name;
}
