// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A sweep goes over the table in slices of a few thousand places, one slice a
 * turn, so that the loop beats and commands are answered while it runs.
 * Every second it also looks whether somebody wrote over the header of
 * `limits` or `routes`: the gateways go on with their copies, but no new one
 * could map it. Leaving with 101 makes the guard build the segments anew.
 */

#include "workers/rate_limiter/rate_limiter.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "protocol/stats.h"

enum {
	SLICE_PLACES = 4096,
	SLICE_REST_MS = 1,
	WATCH_MS = 1000,
	NEARLY_FULL_PERCENT = 90
};

static enum err
read_rules(const struct settings *settings, struct limit_rules **rules)
{
	const struct limit_rules_source source = {
	    .global_limits =
		settings_list(settings, SETTING_rate_limiter_global_limits),
	    .api_limits =
		settings_list(settings, SETTING_rate_limiter_api_limits),
	    .is_enabled = settings_bool(settings, SETTING_rate_limiter_enabled),
	    .fails_open =
		settings_bool(settings, SETTING_rate_limiter_fail_open),
	};

	return limit_rules_create(&source, rules);
}

static uint32_t
count_keys(struct rate_limiter *r)
{
	struct stats_slot *slot = worker_slot(r->worker);
	struct limits_usage usage;
	uint32_t fullest = 0;

	limits_usage(&r->limits, &usage);
	stats_set(slot, COUNTER_rate_limiter_keys_8, usage.used[0]);
	stats_set(slot, COUNTER_rate_limiter_keys_32, usage.used[1]);
	stats_set(slot, COUNTER_rate_limiter_keys_128, usage.used[2]);
	for (uint32_t class = 0; class < LIMITS_CLASSES; class ++) {
		uint32_t percent = (uint32_t)((uint64_t)usage.used[class] *
		    100 / usage.capacity[class]);

		fullest = percent > fullest ? percent : fullest;
	}
	stats_set(slot, COUNTER_rate_limiter_fullest, fullest);
	return fullest;
}

static uint32_t
limits_in(const struct rate_limiter *r, enum setting list)
{
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, settings_list(worker_settings(r->worker), list));
	return unpack_array(&u, &count) == OK ? count : 0;
}

static void
end_sweep(struct rate_limiter *r)
{
	struct stats_slot *slot = worker_slot(r->worker);
	uint32_t fullest = count_keys(r);

	r->last = (struct rate_limiter_sweep){.ended_ms = clock_mono_ms(),
	    .took_us = r->busy_us,
	    .looked = r->sweep.looked,
	    .freed = r->sweep.freed,
	    .repaired = r->sweep.repaired};
	stats_add(slot, COUNTER_rate_limiter_sweeps, 1);
	stats_add(slot, COUNTER_rate_limiter_freed, r->last.freed);
	stats_add(slot, COUNTER_rate_limiter_repaired, r->last.repaired);
	atomic_store(&worker_stats(r->worker)->shared->limits_swept_ms,
	    r->last.ended_ms);
	event_note(EVENT_limits_cleanup,
	    "duration_us=%llu cleaned_entries=%u global_limits_count=%u "
	    "api_limits_count=%u looked=%u",
	    (unsigned long long)r->last.took_us, r->last.freed,
	    limits_in(r, SETTING_rate_limiter_global_limits),
	    limits_in(r, SETTING_rate_limiter_api_limits), r->last.looked);
	if (r->last.repaired > 0)
		event_note(EVENT_limits_repaired, "slots=%u", r->last.repaired);
	if (fullest >= NEARLY_FULL_PERCENT)
		event_note(EVENT_limits_full,
		    "percent=%u setting=rate_limiter.keys_small,_medium,_large",
		    fullest);
	memset(&r->sweep, 0, sizeof(r->sweep));
	r->busy_us = 0;
}

static void
sweep_slice(void *ctx)
{
	struct rate_limiter *r = ctx;
	uint64_t began_us = clock_mono_us();
	uint32_t rest_ms = SLICE_REST_MS;

	limits_sweep(&r->limits, began_us,
	    limit_rules_longest_window_ms(r->rules), SLICE_PLACES, &r->sweep);
	r->busy_us += clock_mono_us() - began_us;
	if (r->sweep.is_done) {
		end_sweep(r);
		rest_ms = r->interval_ms;
	}
	loop_timer_start(
	    worker_loop(r->worker), &r->timer, clock_mono_ms() + rest_ms);
}

static void
watch_segment(void *ctx)
{
	struct rate_limiter *r = ctx;

	bool is_limits_sound = segment_is_sound(&r->limits.segment);

	if (!is_limits_sound || !segment_is_sound(&r->routes.segment)) {
		event_note(EVENT_segment_unusable,
		    "segment=%s hint=\"its header was written over\"",
		    is_limits_sound ? "routes" : "limits");
		exit(EXIT_SEGMENT);
	}
	loop_timer_start(
	    worker_loop(r->worker), &r->watch, clock_mono_ms() + WATCH_MS);
}

static void
in_force(struct rate_limiter *r, const struct settings *settings)
{
	r->interval_ms = (uint32_t)settings_u64(
	    settings, SETTING_rate_limiter_cleanup_interval_ms);
	stats_set(worker_slot(r->worker), COUNTER_rate_limiter_limits,
	    limit_rules_count(r->rules));
	scope_note(SCOPE_rate_limiter_config, "limits=%u longest_ms=%llu",
	    limit_rules_count(r->rules),
	    (unsigned long long)limit_rules_longest_window_ms(r->rules));
	event_note(EVENT_limits_in_force, "limits=%u enabled=%s interval_ms=%u",
	    limit_rules_count(r->rules),
	    limit_rules_is_enabled(r->rules) ? "yes" : "no", r->interval_ms);
	loop_timer_start(worker_loop(r->worker), &r->timer,
	    clock_mono_ms() + r->interval_ms);
}

void
rate_limiter_start(struct worker *w)
{
	struct rate_limiter *r = worker_state(w);
	enum err e = limits_map(worker_segment_fd(w, FD_LIMITS), &r->limits);

	r->worker = w;
	if (e == OK)
		e = routes_map(worker_segment_fd(w, FD_ROUTES), &r->routes);
	if (e != OK)
		worker_fail(w, EXIT_SEGMENT,
		    "the segment `%s` cannot be used: %s",
		    r->limits.segment.memory == NULL ? "limits" : "routes",
		    err_name(e));
	e = read_rules(worker_settings(w), &r->rules);
	if (e != OK)
		worker_fail(w, EXIT_SETTINGS,
		    "rate_limiter.global_limits or api_limits: %s",
		    err_name(e));
	r->timer = (struct loop_timer){.due = sweep_slice, .ctx = r};
	r->watch = (struct loop_timer){.due = watch_segment, .ctx = r};
	watch_segment(r);
	count_keys(r);
	in_force(r, worker_settings(w));
}

void
rate_limiter_stop(struct worker *w)
{
	struct rate_limiter *r = worker_state(w);

	loop_timer_stop(worker_loop(w), &r->timer);
	loop_timer_stop(worker_loop(w), &r->watch);
	limit_rules_destroy(&r->rules);
	limits_unmap(&r->limits);
	routes_unmap(&r->routes);
}

enum reload_result
rate_limiter_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct rate_limiter *r = worker_state(w);
	struct limit_rules *next;

	if (settings_checksum(reload->old) == settings_checksum(reload->next))
		return RELOAD_UNCHANGED;
	if (read_rules(reload->next, &next) != OK)
		return RELOAD_UNCHANGED; /* the reader has checked them */
	limit_rules_destroy(&r->rules);
	r->rules = next;
	in_force(r, reload->next);
	return RELOAD_UNCHANGED; /* the kit adds what the table knows */
}
