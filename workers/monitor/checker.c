// SPDX-License-Identifier: MIT
#include "workers/monitor/checker.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/loop.h"
#include "protocol/base/memory.h"
#include "protocol/census.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/base/proc.h"
#include "protocol/settings.h"
#include "workers/kit/ask.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"
#include "workers/monitor/bus.h"
#include "workers/monitor/file_check.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/records.h"

enum {
	WAITERS = 32,
	SILENT_MS = 1500
};

struct ping {
	struct checker *checker;
	struct ask *question;
	uint64_t sent_us;
	char name[CHECK_NAME];
};

struct waiter {
	void (*done)(void *ctx, const struct checkup *);
	void *ctx;
};

struct checker {
	struct monitor *own;
	struct loop_timer timer;
	uint64_t interval_ms;
	uint32_t timeout_ms, slow_ms, warning, error;
	struct ping pings[STATS_SLOTS];
	uint32_t out; /* pings not answered yet, and the file's check */
	bool is_running;
	bool is_again; /* somebody asked during a round */
	uint64_t began_us;
	struct waiter now[WAITERS], next[WAITERS];
	uint32_t now_count, next_count;
	struct checkup_facts facts;
	char config_problem[CHECKUP_TEXT];
};

static void begin(struct checker *);

static struct checks *
checks_of(struct checker *c)
{
	return &c->own->records->checks;
}

static void
keep(struct checker *c, const struct check *check)
{
	struct check kept = *check;

	kept.wall_ms = clock_wall_ms();
	kept.mono_ms = clock_mono_ms();
	checks_add(checks_of(c), &kept);
	scope_note(SCOPE_monitor_health, "check=\"%s\" component=%s result=%s",
	    kept.name, kept.component, check_outcome_name(kept.outcome));
}

/* ---- the five, when all pings are in ---- */

static void
pack_alert(struct packer *p, void *ctx)
{
	const struct checkup_result *r = ctx;
	bool is_error = r->level == CHECKUP_ERROR;

	pack_field_string(p, "alert_type",
	    is_error ? "resource_critical" : "resource_warning");
	pack_field_string(p, "severity", is_error ? "critical" : "warning");
	pack_field_string(p, "message", r->text);
	pack_string(p, "context");
	pack_map(p, 1);
	pack_field_string(p, "check", r->name);
}

static void
pack_outcome(struct packer *p, void *ctx)
{
	const struct checkup *c = ctx;

	pack_field_string(p, "component", "health_checker");
	pack_field_string(p, "status", checkup_status(c));
	pack_string(p, "details");
	pack_map(p, 3);
	pack_field_u64(p, "check_count", CHECKUP_CHECKS);
	pack_field_u64(p, "errors", c->errors);
	pack_field_u64(p, "warnings", c->warnings);
}

static void
tell(struct checker *c, struct checkup *outcome)
{
	struct checkup_result *resources = &outcome->results[2];

	bus_publish(c->own, "health/component", 3, pack_outcome, outcome);
	if (resources->level == CHECKUP_OK)
		return;
	bus_publish(c->own,
	    resources->level == CHECKUP_ERROR ? "alerts/resource_critical"
					      : "alerts/resource_warning",
	    4, pack_alert, resources);
	event_note(EVENT_resource_usage, "level=%s what=\"%s\"",
	    checkup_level_name(resources->level), resources->text);
}

static void
keep_five(struct checker *c, const struct checkup *outcome)
{
	uint64_t took_us = clock_mono_us() - c->began_us;

	for (int i = 0; i < CHECKUP_CHECKS; i++) {
		const struct checkup_result *r = &outcome->results[i];
		struct check check = {.duration_us = took_us,
		    .outcome =
			r->level == CHECKUP_ERROR ? CHECK_FAIL : CHECK_PASS};

		snprintf(check.name, sizeof(check.name), "%s", r->name);
		snprintf(check.details, sizeof(check.details), "level=%s",
		    checkup_level_name(r->level));
		if (r->level != CHECKUP_OK)
			snprintf(
			    check.error, sizeof(check.error), "%s", r->text);
		keep(c, &check);
	}
}

static bool
is_up(const struct census_process *p)
{
	return p->child.state == CHILD_UP;
}

static void
count_children(const struct census *census, struct checkup_facts *f)
{
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		if (!census_is_child(p) || !p->child.wants_up)
			continue;
		f->children++;
		f->children_alive += is_up(p);
		f->gateways_alive += p->child.role == ROLE_gateway && is_up(p);
		f->relay_is_alive |= p->child.role == ROLE_relay && is_up(p);
	}
}

static uint64_t
silence_of_supervisor(const struct checker *c, uint64_t now_ms)
{
	const struct stats_slot *slot =
	    stats_slot_at(worker_stats(c->own->worker), STATS_SLOT_SUPERVISOR);
	uint64_t beat_ms = atomic_load(&slot->heartbeat_ms);

	return now_ms > beat_ms ? now_ms - beat_ms : 0;
}

static void
gather_facts(struct checker *c)
{
	const struct records *r = c->own->records;
	const struct stats *stats = worker_stats(c->own->worker);
	struct checkup_facts *f = &c->facts;
	struct arena arena;

	arena_init(&arena);
	const struct census *census = census_take(&arena, stats);
	f->supervisor_silent_ms = silence_of_supervisor(c, census->now_ms);
	f->supervisor_is_alive = f->supervisor_silent_ms < SILENT_MS;
	f->memory_percent = machine_percent(
	    (double)r->machine.memory_used, (double)r->machine.memory_total);
	f->process_percent =
	    machine_percent((double)census->count, (double)proc_most());
	f->warning_percent = c->warning;
	f->error_percent = c->error;
	count_children(census, f);
	for (uint32_t i = 0; i < census->count; i++) {
		const struct stats_slot *slot = census->process[i].stats;

		if (census->process[i].child.role != ROLE_relay)
			continue;
		f->subscriptions +=
		    (uint32_t)stats_get(slot, COUNTER_relay_members);
		if (stats_get(slot, COUNTER_relay_is_degraded) != 0)
			f->subscriptions_degraded = f->subscriptions;
	}
	arena_finish(&arena);
}

static void
finish_round(struct checker *c)
{
	struct waiter waiters[WAITERS];
	uint32_t count = c->now_count;
	struct checkup outcome;

	gather_facts(c);
	checkup_run(&c->facts, &outcome);
	keep_five(c, &outcome);
	tell(c, &outcome);
	memcpy(waiters, c->now, sizeof(waiters));
	memcpy(c->now, c->next, sizeof(c->now));
	c->now_count = c->next_count;
	c->next_count = 0;
	c->is_running = false;
	for (uint32_t i = 0; i < count; i++)
		waiters[i].done(waiters[i].ctx, &outcome);
	if (c->now_count > 0 && !c->is_running)
		begin(c);
}

static void
one_less(struct checker *c)
{
	if (--c->out == 0)
		finish_round(c);
}

/* ---- pings ---- */

static void
ponged(void *ctx, const struct ask_reply *reply)
{
	struct ping *ping = ctx;
	struct checker *c = ping->checker;
	struct check check = {.outcome = CHECK_PASS};

	ping->question = NULL;
	check.duration_us = clock_mono_us() - ping->sent_us;
	snprintf(check.name, sizeof(check.name), "ping");
	snprintf(check.component, sizeof(check.component), "%s", ping->name);
	check.is_slow = check.duration_us > (uint64_t)c->slow_ms * 1000;
	if (reply->err == ERR_TIMEOUT) {
		check.outcome = CHECK_TIMEOUT;
		snprintf(check.error, sizeof(check.error),
		    "no answer within %u ms", c->timeout_ms);
	} else if (reply->err != OK) {
		check.outcome = CHECK_FAIL;
		snprintf(check.error, sizeof(check.error), "%s",
		    err_name(reply->err));
	}
	keep(c, &check);
	one_less(c);
}

static void
ping_one(struct checker *c, const struct stats_child *child)
{
	struct ping *ping = &c->pings[c->out++];
	enum role role = (enum role)child->role;

	*ping = (struct ping){.checker = c, .sent_us = clock_mono_us()};
	if (child->instance == 0)
		snprintf(ping->name, sizeof(ping->name), "%s", role_name(role));
	else
		snprintf(ping->name, sizeof(ping->name), "%s/%u",
		    role_name(role), child->instance);
	ping->question = ask(c->own->worker,
	    &(struct ask_question){.role = role,
		.instance = child->instance,
		.op = ROUTE_PING,
		.deadline_ms = c->timeout_ms,
		.done = ponged,
		.ctx = ping});
}

static void
file_came(void *ctx, const struct file_finding *finding)
{
	struct checker *c = ctx;
	uint32_t len = 0;

	c->facts.config_is_read = finding->is_read;
	c->facts.config_is_valid = finding->is_valid;
	while (len < finding->lines.len && finding->lines.at[len] != '\n' &&
	    len + 1 < sizeof(c->config_problem))
		len++;
	snprintf(c->config_problem, sizeof(c->config_problem), "%.*s", (int)len,
	    finding->lines.at);
	one_less(c);
}

static void
begin(struct checker *c)
{
	struct arena arena;

	c->is_running = true;
	c->began_us = clock_mono_us();
	c->facts = (struct checkup_facts){.config_problem = c->config_problem,
	    .config_is_read = true,
	    .config_is_valid = true};
	c->out = 0;
	arena_init(&arena);
	const struct census *census =
	    census_take(&arena, worker_stats(c->own->worker));
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		if (census_is_child(p) && is_up(p) &&
		    p->child.role != ROLE_monitor &&
		    p->child.role < ROLE_WORKERS_END)
			ping_one(c, &p->child);
	}
	arena_finish(&arena);
	c->out++;
	if (!file_check_ask(c->own->file_check, file_came, c))
		one_less(c);
}

bool
checker_run(struct checker *c, void (*done)(void *ctx, const struct checkup *),
    void *ctx)
{
	uint32_t *count = c->is_running ? &c->next_count : &c->now_count;
	struct waiter *list = c->is_running ? c->next : c->now;

	if (*count == WAITERS)
		return false;
	list[(*count)++] = (struct waiter){done, ctx};
	if (!c->is_running)
		begin(c);
	return true;
}

static void
due(void *ctx)
{
	struct checker *c = ctx;
	struct loop *loop = worker_loop(c->own->worker);

	if (!c->is_running)
		begin(c);
	loop_timer_start(loop, &c->timer, loop_now_ms(loop) + c->interval_ms);
}

void
checker_settings(struct checker *c, const struct settings *s)
{
	struct loop *loop = worker_loop(c->own->worker);

	c->interval_ms = settings_u64(s, SETTING_health_interval_ms);
	c->timeout_ms =
	    (uint32_t)settings_u64(s, SETTING_health_ping_timeout_ms);
	c->slow_ms = (uint32_t)settings_u64(s, SETTING_health_slow_ms);
	c->warning =
	    (uint32_t)settings_u64(s, SETTING_health_thresholds_warning);
	c->error =
	    (uint32_t)settings_u64(s, SETTING_health_thresholds_critical);
	loop_timer_start(loop, &c->timer, loop_now_ms(loop) + c->interval_ms);
}

struct checker *
checker_open(struct monitor *own)
{
	struct checker *c = MEMORY_NEW(struct checker);

	c->own = own;
	c->timer = (struct loop_timer){.due = due, .ctx = c};
	checker_settings(c, worker_settings(own->worker));
	return c;
}

void
checker_close(struct checker **c)
{
	if (*c == NULL)
		return;
	for (uint32_t i = 0; i < STATS_SLOTS; i++)
		ask_cancel(&(*c)->pings[i].question);
	loop_timer_stop(worker_loop((*c)->own->worker), &(*c)->timer);
	memory_free(*c);
	*c = NULL;
}
