// SPDX-License-Identifier: MIT
#include "supervisor/guard.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/limits.h"
#include "protocol/routes.h"

/* make creates segment `which` (FD_STATS + which) anew. */
static enum err
make(struct guard *g, int which)
{
	struct limits_size size;

	switch (which + FD_STATS) {
	case FD_STATS:
		return stats_create((uint32_t)settings_u64(g->settings,
					SETTING_gateway_function_statistics),
		    &g->segments[which]);
	case FD_EVENTS:
		return events_create(&g->segments[which]);
	case FD_ROUTES:
		return routes_create(ROUTES_DEFAULT_FUNCTIONS,
		    (uint32_t)settings_u64(
			g->settings, SETTING_gateway_sticky_entries),
		    &g->segments[which]);
	case FD_LIMITS:
	default:
		size = (struct limits_size){
		    .keys = {(uint32_t)settings_u64(
				 g->settings, SETTING_rate_limiter_keys_small),
			(uint32_t)settings_u64(
			    g->settings, SETTING_rate_limiter_keys_medium),
			(uint32_t)settings_u64(
			    g->settings, SETTING_rate_limiter_keys_large)}};
		return limits_create(&size, &g->segments[which]);
	}
}

/* is_usable: an inherited segment speaks our version. */
static bool
is_usable(int fd, int which)
{
	struct limits limits;
	struct routes routes;
	struct events events;
	struct stats stats;

	switch (which + FD_STATS) {
	case FD_STATS:
		if (stats_map(fd, &stats) != OK)
			return false;
		stats_unmap(&stats);
		return true;
	case FD_EVENTS:
		if (events_map(fd, &events) != OK)
			return false;
		events_unmap(&events);
		return true;
	case FD_ROUTES:
		if (routes_map(fd, &routes) != OK)
			return false;
		routes_unmap(&routes);
		return true;
	case FD_LIMITS:
	default:
		if (limits_map(fd, &limits) != OK)
			return false;
		limits_unmap(&limits);
		return true;
	}
}

static void
map_own(struct guard *g)
{
	enum err e = stats_map(g->segments[0], &g->stats);

	if (e == OK)
		e = events_map(g->segments[FD_EVENTS - FD_STATS], &g->events);
	if (e != OK)
		guard_fail(EXIT_SYSTEM, "shared memory cannot be mapped: %s",
		    err_name(e));
	g->slot = stats_slot_at(&g->stats, STATS_SLOT_GUARD);
	stats_begin(g->slot, ROLE_guard, 0, 1, clock_mono_ms());
	event_attach(&g->events, STATS_SLOT_GUARD, 1);
}

void
guard_segments(struct guard *g)
{
	for (int i = 0; i < GUARD_SEGMENTS; i++) {
		if (g->segments[i] >= 0 && is_usable(g->segments[i], i))
			continue;
		fd_close(&g->segments[i]);
		if (make(g, i) != OK)
			guard_fail(EXIT_SYSTEM,
			    "no shared memory: %s; free some memory or lower "
			    "rate_limiter.keys_*",
			    strerror(errno));
	}
	map_own(g);
}

void
guard_remake_segments(struct guard *g)
{
	event_detach();
	stats_unmap(&g->stats);
	events_unmap(&g->events);
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		fd_close(&g->segments[i]);
	guard_segments(g);
	stats_add(g->slot, COUNTER_guard_segments_remade, GUARD_SEGMENTS);
}

static int
take_fd(int pidfd, int fd)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

void
guard_inherit(struct guard *g, int supervisor_pidfd)
{
	/* refused (another user's tree, a hardened kernel): all is made anew */
	g->listen_fd = take_fd(supervisor_pidfd, FD_LISTEN_GATEWAY);
	g->monitor_fd = take_fd(supervisor_pidfd, FD_LISTEN_MONITOR);
	g->prometheus_fd = take_fd(supervisor_pidfd, FD_LISTEN_PROMETHEUS);
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		g->segments[i] = take_fd(supervisor_pidfd, FD_STATS + i);
}
