// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * One timer drives everything: rounds, the budgets of nodes, and services that
 * were never seen, which are asked again every `puller.retry_ms` beside the
 * rounds, so that one that starts late is found within two seconds.
 */

#include "workers/puller/puller.h"

#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "protocol/unpack.h"

enum {
	WATCH_MS = 50 /* between looks at fetches under way */
};

void
puller_wake(struct puller *p)
{
	struct loop *loop = worker_loop(p->worker);

	loop_timer_start(loop, &p->timer, loop_now_ms(loop));
}

static uint32_t
count_active(const struct puller *p)
{
	uint32_t active = 0;

	for (uint32_t i = 0; i < p->service_count; i++)
		active += fetch_is_active(&p->services[i]);
	return active;
}

static void
begin_round(struct puller *p, uint64_t now_ms)
{
	schedule_begin(&p->schedule, p->service_count, now_ms);
	for (uint32_t i = 0; i < p->service_count; i++) {
		p->services[i].is_in_round = true;
		/* a fetch under way counts for this round */
		if (!fetch_is_active(&p->services[i]))
			p->services[i].is_wanted = true;
	}
}

static void
tell_start(const struct service *s)
{
	struct event_word service;

	if (event_happens(EVENT_pull_start))
		event_tell(EVENT_pull_start, "system_time=%llu service=%s",
		    (unsigned long long)clock_wall_us() * 1000,
		    event_word(&service, s->name));
}

static void
start_wanted(struct puller *p)
{
	uint32_t active = count_active(p);

	for (uint32_t i = 0; i < p->service_count && active < p->parallel;
	     i++) {
		struct service *s = &p->services[i];

		if (!s->is_wanted || fetch_is_active(s))
			continue;
		stats_add(worker_slot(p->worker), COUNTER_puller_pulls, 1);
		s->began_us = loop_now_us(worker_loop(p->worker));
		tell_start(s);
		fetch_begin(s);
		active = count_active(p);
	}
}

static uint64_t
next_due(const struct puller *p, uint64_t now_ms)
{
	uint64_t due =
	    p->schedule.is_in_round ? now_ms + WATCH_MS : p->schedule.next_ms;

	for (uint32_t i = 0; i < p->service_count; i++) {
		const struct service *s = &p->services[i];

		if (fetch_is_active(s) || s->is_wanted)
			due = now_ms + WATCH_MS < due ? now_ms + WATCH_MS : due;
		else if (!s->was_seen && s->retry_ms < due)
			due = s->retry_ms;
	}
	return due > now_ms ? due : now_ms + 1;
}

static void
timer_due(void *ctx)
{
	struct puller *p = ctx;
	struct loop *loop = worker_loop(p->worker);
	uint64_t now_ms = loop_now_ms(loop);

	for (uint32_t i = 0; i < p->service_count; i++) {
		struct service *s = &p->services[i];

		fetch_tick(s, now_ms);
		if (!s->was_seen && !fetch_is_active(s) &&
		    now_ms >= s->retry_ms && s->retry_ms > 0)
			s->is_wanted = true;
	}
	if (schedule_is_due(&p->schedule, now_ms))
		begin_round(p, now_ms);
	start_wanted(p);
	scope_note(SCOPE_puller_registry, "services=%u active=%u next_ms=%llu",
	    p->service_count, count_active(p),
	    (unsigned long long)(next_due(p, now_ms) - now_ms));
	diag_note(DIAG_discovery_loop, NULL,
	    "targets=%u selected=%u interval=%llu", p->service_count,
	    count_active(p),
	    (unsigned long long)(next_due(p, now_ms) - now_ms));
	loop_timer_start(loop, &p->timer, next_due(p, now_ms));
}

static void
count_services(struct puller *p)
{
	struct stats_slot *slot = worker_slot(p->worker);
	uint32_t up = 0;

	for (uint32_t i = 0; i < p->service_count; i++)
		up +=
		    p->services[i].failures == 0; /* not asked yet: no alarm */
	stats_set(slot, COUNTER_puller_services, p->service_count);
	stats_set(slot, COUNTER_puller_services_up, up);
}

/* version_word: versions are texts or numbers; another kind is not told. */
static const char *
version_word(const struct service *s, struct event_word *to)
{
	struct unpacker u;
	struct text text;
	uint64_t number;
	char digits[24];

	unpack_init(&u,
	    (struct text){
		(const char *)s->pull.stored.bytes, s->pull.stored.len});
	if (s->pull.stored.len > 0 && unpack_text(&u, &text) == OK)
		return event_word(to, text);
	if (s->pull.stored.len == 0 || unpack_u64(&u, &number) != OK)
		return event_word(to, TEXT(""));
	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	return event_word(to, text_of(digits));
}

static void
tell_stop(const struct service *s)
{
	struct event_word service, version;
	struct unpacker u;
	uint32_t count = 0;

	if (!event_happens(EVENT_pull_stop))
		return;
	unpack_init(&u, buffer_text(&s->names));
	if (buffer_used(&s->names) == 0 || unpack_array(&u, &count) != OK)
		count = 0;
	event_tell(EVENT_pull_stop,
	    "duration_us=%llu count=%u service=%s version=%s result=%s",
	    (unsigned long long)(loop_now_us(worker_loop(s->puller->worker)) -
		s->began_us),
	    count, event_word(&service, s->name), version_word(s, &version),
	    s->pull.step == PULL_DONE          ? "fetched"
		: s->pull.step == PULL_SKIPPED ? "unchanged"
					       : "failed");
}

void
puller_finished(struct service *s, bool is_success)
{
	struct puller *p = s->puller;
	struct stats_slot *slot = worker_slot(p->worker);
	uint64_t now_ms = loop_now_ms(worker_loop(p->worker));

	tell_stop(s);
	stats_time(slot, HISTOGRAM_puller_pull_us,
	    loop_now_us(worker_loop(p->worker)) - s->began_us);
	scope_note(SCOPE_puller_pull, "service=%.*s outcome=%s failures=%u",
	    TEXT_ARG(s->name),
	    !is_success                        ? "failed"
		: s->pull.step == PULL_SKIPPED ? "unchanged"
					       : "stored",
	    s->failures);
	diag_note(DIAG_pull, NULL, "action=end service=%.*s outcome=%s",
	    TEXT_ARG(s->name), is_success ? "ok" : "failed");
	if (!is_success)
		stats_add(slot, COUNTER_puller_pulls_failed, 1);
	if (s->pull.step == PULL_SKIPPED)
		stats_add(slot, COUNTER_puller_unchanged, 1);
	s->retry_ms = now_ms + p->retry_ms;
	count_services(p);
	if (s->is_in_round) {
		s->is_in_round = false;
		if (schedule_finish_one(&p->schedule, is_success, now_ms))
			event_note(EVENT_pull_recovered, "services=%u",
			    p->service_count);
	}
	puller_wake(p);
}

/* close_stale ends links that fetches gave up, outside of their callbacks. */
static void
close_stale(void *ctx)
{
	struct puller *p = ctx;

	for (uint32_t i = 0; i < p->service_count; i++) {
		struct service *s = &p->services[i];

		for (uint32_t n = 0; n < s->pull.node_count; n++) {
			struct source *source = &s->sources[n];

			link_client_destroy(&source->old);
			if (source->wants_close)
				link_client_destroy(&source->link);
			source->wants_close = false;
		}
	}
}

static void
apply_times(struct puller *p, const struct settings *s)
{
	schedule_set(&p->schedule, settings_u64(s, SETTING_puller_interval_ms),
	    settings_u64(s, SETTING_puller_max_delay_ms));
	p->timeout_ms = settings_u64(s, SETTING_puller_timeout_ms);
	p->retry_ms = settings_u64(s, SETTING_puller_retry_ms);
	p->parallel = settings_u64(s, SETTING_puller_parallel);
}

/* are_services_same: a reload that does not touch them leaves links alone. */
static bool
are_services_same(const struct settings *old, const struct settings *next)
{
	static const enum setting lists[] = {
	    SETTING_services, SETTING_nodes, SETTING_security_node_urls};

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (!text_eq(settings_list(old, lists[i]),
			settings_list(next, lists[i])))
			return false;
	return true;
}

void
puller_start(struct worker *w)
{
	const struct settings *s = worker_settings(w);
	struct puller *p = worker_state(w);
	struct loop *loop = worker_loop(w);
	uint64_t first_ms =
	    loop_now_ms(loop) + settings_u64(s, SETTING_puller_first_ms);

	p->worker = w;
	conn_hub_init(&p->hub, loop);
	schedule_init(&p->schedule, first_ms);
	apply_times(p, s);
	services_read(p, s);
	count_services(p);
	p->turn_end = (struct loop_hook){.run = close_stale, .ctx = p};
	loop_on_turn_end(loop, &p->turn_end);
	p->timer = (struct loop_timer){.due = timer_due, .ctx = p};
	loop_timer_start(loop, &p->timer, first_ms);
}

void
puller_stop(struct worker *w)
{
	struct puller *p = worker_state(w);

	loop_timer_stop(worker_loop(w), &p->timer);
	services_forget(p);
	conn_hub_finish(&p->hub);
}

enum reload_result
puller_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct puller *p = worker_state(w);

	apply_times(p, reload->next);
	if (!are_services_same(reload->old, reload->next)) {
		/* a round at work was of services that are no more */
		p->schedule.is_in_round = false;
		services_read(p, reload->next);
		count_services(p);
		schedule_now(&p->schedule, loop_now_ms(worker_loop(w)));
		puller_wake(p);
	}
	return RELOAD_UNCHANGED; /* the kit adds what the table knows */
}
