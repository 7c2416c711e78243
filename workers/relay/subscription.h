// SPDX-License-Identifier: MIT
#ifndef WORKERS_RELAY_SUBSCRIPTION_H
#define WORKERS_RELAY_SUBSCRIPTION_H

/*
 * subscription - how well a group's messages reach its members: the last
 * event says the status, errors are counted and the last one is kept.
 *
 * Pure, and of one size: nothing grows with what happens.
 *
 * Trust:  nothing from outside.
 * Owner:  the group's; errors are texts of the program.
 */

#include <stdint.h>

/* STATUS(S): in the order of the summary. */
#define SUBSCRIPTION_STATUSES(S) \
	S(healthy) \
	S(degraded) \
	S(failed) \
	S(registering) \
	S(unknown)

enum subscription_status {
#define S(name) SUBSCRIPTION_##name,
	SUBSCRIPTION_STATUSES(S)
#undef S
	SUBSCRIPTION_STATUS_COUNT
};

/* E(name, status, is_error): what happens, and what the group is after it. */
#define SUBSCRIPTION_EVENTS(E) \
	E(none, unknown, 0) \
	E(registration_started, registering, 0) \
	E(registration_success, healthy, 0) \
	E(event_delivery_success, healthy, 0) \
	E(event_delivery_failed, degraded, 1) \
	E(proxy_stopped, failed, 0) \
	E(proxy_crashed, failed, 1)

enum subscription_event {
#define E(name, ...) SUBSCRIPTION_EVENT_##name,
	SUBSCRIPTION_EVENTS(E)
#undef E
};

/* All zero: nothing has happened yet. */
struct subscription {
	enum subscription_event last_event;
	uint64_t event_count;
	uint64_t error_count;
	uint64_t seen_ms;       /* wall, of the last event; 0: none */
	const char *last_error; /* NULL: none */
};

/* subscription_note: `error` is for events that are errors, and stays. */
void subscription_note(struct subscription *, enum subscription_event,
    uint64_t wall_ms, const char *error);

enum subscription_status subscription_status_of(const struct subscription *);
const char *subscription_status_name(enum subscription_status);
const char *subscription_event_name(enum subscription_event);

#endif /* WORKERS_RELAY_SUBSCRIPTION_H */
