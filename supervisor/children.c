// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * This file joins the engine, which knows no role, to the table of workers.
 * What other processes see of a child (the tree part of `stats`) is written at
 * each transition and never read back: our own truth is the engine's.
 */

#include "supervisor/supervisor.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/log_rules.h"

enum {
	LISTEN_none = 0,
	LISTEN_gateway = 1,
	LISTEN_monitor = 2,
};

struct worker_row {
	const char *name;
	uint32_t segments;
	int listener;
	int32_t oom_adjust;
};

static const struct worker_row rows[ROLES] = {
#define W(role, restart, segments, listener, oom, purpose) \
	[ROLE_##role] = {#role, SEGMENT_##segments, LISTEN_##listener, oom},
    WORKERS(W)
#undef W
};

static const struct {
	enum role role, needs;
} needs[] = {
#define N(role, needs) {ROLE_##role, ROLE_##needs},
    WORKER_NEEDS(N)
#undef N
};

/* give_listeners: those the guard did not open are not there to give. */
static void
give_listeners(
    const struct supervisor *s, struct spawn_plan *plan, int listener)
{
	static const int of_monitor[] = {
	    FD_LISTEN_MONITOR, FD_LISTEN_PROMETHEUS};

	if (listener == LISTEN_gateway)
		spawn_give(plan, FD_LISTEN_GATEWAY, FD_LISTEN_GATEWAY);
	for (size_t i = 0; i < COUNT_OF(of_monitor); i++)
		if (listener == LISTEN_monitor &&
		    (s->given & 1u << of_monitor[i]) != 0)
			spawn_give(plan, of_monitor[i], of_monitor[i]);
}

static void
plan_life(void *ctx, struct child *c, struct spawn_plan *plan)
{
	struct supervisor *s = ctx;
	const struct worker_row *row = &rows[c->spec.role];
	enum role role = (enum role)c->spec.role;
	char program[512];

	snprintf(program, sizeof(program), "%s/%s", s->libexec_dir, row->name);
	spawn_plan_init(plan, program);
	spawn_set(plan, ENV_ROLE, row->name);
	spawn_set_number(plan, ENV_INSTANCE, c->spec.instance);
	spawn_set_number(plan, ENV_LIFE, c->life);
	spawn_set_number(plan, ENV_SLOT, c->spec.slot);
	spawn_set(plan, ENV_RUNTIME_DIR, s->runtime_dir);
	spawn_set(plan, ENV_STATE_DIR, s->state_dir);
	spawn_set(plan, ENV_LIBEXEC_DIR, s->libexec_dir);
	spawn_set(plan, ENV_FILE, s->file);
	spawn_set(plan, ENV_OVERRIDES, s->overrides);
	spawn_give(plan, s->settings_fd, FD_SETTINGS);
	for (int fd = FD_STATS; fd <= FD_ROUTES; fd++)
		if ((row->segments & (1u << (fd - FD_STATS))) != 0)
			spawn_give(plan, fd, fd);
	give_listeners(s, plan, row->listener);
	plan->oom_adjust = c->spec.oom_adjust;
	plan->open_files =
	    settings_worker_u64(s->settings, role, WORKER_nofile);
	plan->memory_bytes =
	    settings_worker_u64(s->settings, role, WORKER_memory_bytes);
	plan->core_bytes =
	    settings_worker_u64(s->settings, role, WORKER_core_bytes);
	plan->nice =
	    (uint32_t)settings_worker_u64(s->settings, role, WORKER_nice);
	if (c->life > 1)
		stats_add(s->slot, COUNTER_supervisor_restarts, 1);
}

static void
take_record(void *ctx, struct child *c, const struct handover_record *r, int fd)
{
	struct supervisor *s = ctx;

	fd_close(&fd);
	if (r->kind == HANDOVER_RELOADED)
		reload_answered(s, c, r);
	else if (r->kind == HANDOVER_ORDER && c == s->control)
		orders_take(s, r);
	else
		s->keeper.refused++;
}

static bool
read_beat(void *ctx, const struct child *c, struct hang_beat *beat)
{
	struct supervisor *s = ctx;
	struct stats_slot *slot = stats_slot_at(&s->stats, c->spec.slot);

	if (slot == NULL || atomic_load(&slot->pid) != (uint32_t)c->pid)
		return false; /* it has not taken its slot: start_ms guards */
	beat->beat_ms = atomic_load(&slot->heartbeat_ms);
	beat->busy_until_ms = atomic_load(&slot->busy_until_ms);
	return true;
}

static unsigned long long
restarts_of(const struct child *c)
{
	return c->life > 0 ? c->life - 1 : 0;
}

void
children_publish(struct supervisor *s, struct child *c, const char *reason)
{
	struct stats_child out;

	if (stats_child_get(&s->stats, c->spec.slot, &out) != OK)
		memset(&out, 0, sizeof(out));
	out.role = c->spec.role;
	out.instance = c->spec.instance;
	out.state = c->state;
	out.pid = (uint32_t)c->pid;
	out.life = c->life;
	out.restarts = restarts_of(c);
	out.started_ms = c->started_ms;
	out.ready_ms = c->state == CHILD_UP ? c->ready_ms : 0;
	out.rest_until_ms = c->state == CHILD_RESTING ? c->deadline_ms : 0;
	out.died_ms = c->ended_ms;
	out.parent = STATS_SLOT_SUPERVISOR;
	out.last_status = c->last.signal > 0
	    ? (uint32_t)c->last.signal
	    : (uint32_t)(c->last.code > 0 ? c->last.code << 8 : 0);
	out.last_reason = c->last.reason;
	out.wants_up = c->wants_up;
	out.is_paused = c->is_paused;
	out.is_in_probation = c->intensity.is_exhausted;
	out.is_degraded = child_is_degraded(c);
	if (reason == NULL && c->state == CHILD_UP &&
	    c->last.reason == REASON_NONE)
		reason = ""; /* up, and no life of it has ended */
	if (reason != NULL)
		snprintf(out.reason, sizeof(out.reason), "%s", reason);
	stats_child_set(&s->stats, c->spec.slot, &out);
}

/* note_scope says the same to who wants to see every step. */
static void
note_scope(const struct child *c, enum child_state was)
{
	bool is_leaving = c->state == CHILD_DRAINING ||
	    c->state == CHILD_STOPPING || c->state == CHILD_DOWN;
	bool is_starting =
	    c->state == CHILD_QUEUED || c->state == CHILD_STARTING;

	if (is_leaving)
		scope_note(SCOPE_supervisor_shutdown,
		    "child=%s pid=%d state=%s was=%s", c->spec.name, c->pid,
		    child_state_name(c->state), child_state_name(was));
	else if (is_starting)
		scope_note(SCOPE_supervisor_spawn,
		    "child=%s life=%llu pid=%d state=%s", c->spec.name,
		    (unsigned long long)c->life, c->pid,
		    child_state_name(c->state));
	else
		scope_note(SCOPE_supervisor_restart,
		    "child=%s state=%s was=%s failures=%u last=%s",
		    c->spec.name, child_state_name(c->state),
		    child_state_name(was), c->intensity.failures,
		    child_reason_name(c->last.reason));
}

/* note_signal: it is aborted or killed, for one reason or another. */
static void
note_signal(const struct child *c, enum child_state was)
{
	unsigned long long life = c->life;
	bool is_abort = c->state == CHILD_ABORTING;
	bool is_hung = is_abort ? c->cause == REASON_HANG : was == CHILD_UP;

	if (is_hung)
		event_note(EVENT_child_hung,
		    "child=%s life=%llu pid=%d signal=%s", c->spec.name, life,
		    c->pid, is_abort ? "ABRT" : "KILL");
	else
		event_note(
		    is_abort ? EVENT_child_start_failed : EVENT_child_deaf,
		    "child=%s life=%llu pid=%d", c->spec.name, life, c->pid);
}

/* note_move says each transition once, in the words of the events table. */
static void
note_move(struct child *c, enum child_state was)
{
	unsigned long long life = c->life;

	switch (c->state) {
	case CHILD_STARTING:
		event_note(EVENT_child_spawned,
		    "child=%s life=%llu pid=%d restart_count=%llu",
		    c->spec.name, life, c->pid, restarts_of(c));
		break;
	case CHILD_UP:
		event_note(EVENT_child_ready,
		    "child=%s life=%llu pid=%d after_ms=%llu "
		    "restart_count=%llu",
		    c->spec.name, life, c->pid,
		    (unsigned long long)(c->ready_ms - c->started_ms),
		    restarts_of(c));
		break;
	case CHILD_ABORTING:
	case CHILD_KILLING:
		note_signal(c, was);
		break;
	case CHILD_RESTING:
		if (c->rest_ms > 0)
			event_note(c->intensity.is_exhausted
				? EVENT_child_probation
				: EVENT_child_resting,
			    "child=%s rest_ms=%llu", c->spec.name,
			    (unsigned long long)c->rest_ms);
		break;
	case CHILD_HELD:
		event_note(EVENT_child_given_up, "child=%s reason=%s",
		    c->spec.name, child_reason_name(c->last.reason));
		break;
	case CHILD_DOWN:
	case CHILD_QUEUED:
	case CHILD_DRAINING:
	case CHILD_STOPPING:
	case CHILD_DONE:
	case CHILD_STATES:
	default:
		break;
	}
}

static void
child_moved(void *ctx, struct child *c, enum child_state was)
{
	struct supervisor *s = ctx;

	if (c->state == was) {
		event_note(
		    c->is_paused ? EVENT_child_paused : EVENT_child_resumed,
		    "child=%s", c->spec.name);
		children_publish(s, c, NULL);
		return;
	}
	if (c->state == CHILD_KILLING && c->cause != REASON_HANG)
		stats_add(s->slot, COUNTER_supervisor_kills, 1);
	note_move(c, was);
	note_scope(c, was);
	children_publish(s, c, NULL);
}

static void
count_death(struct supervisor *s, const struct child *c)
{
	enum counter which = COUNTER_supervisor_deaths_exit;

	if (c->last.reason == REASON_START_FAILED)
		which = COUNTER_supervisor_spawns_failed;
	else if (c->is_leaving)
		which = COUNTER_supervisor_deaths_asked;
	else if (c->last.reason == REASON_HANG)
		which = COUNTER_supervisor_deaths_hung;
	else if (c->ready_ms == 0)
		which = COUNTER_supervisor_deaths_start;
	else if (c->last.signal > 0)
		which = COUNTER_supervisor_deaths_signal;
	stats_add(s->slot, which, 1);
}

static uint32_t
last_events(struct supervisor *s, const struct child *c,
    struct event_record *records, struct obituary_event *to)
{
	uint32_t count =
	    events_last(&s->events, c->spec.slot, records, EVENTS_OBITUARY);

	for (uint32_t i = 0; i < count; i++)
		to[i] = (struct obituary_event){.wall_us = records[i].wall_us,
		    .name = event_name(records[i].id),
		    .text = records[i].text};
	return count;
}

static void
child_mourned(void *ctx, struct child *c)
{
	struct supervisor *s = ctx;
	struct keeper_body *body = keeper_body(c);
	struct event_record *records =
	    memory_new(EVENTS_OBITUARY * sizeof(*records));
	struct obituary_event events[EVENTS_OBITUARY];
	char last_line[STATS_WORDS_TEXT] = "", sentence[STATS_REASON];
	struct stats_slot *slot = stats_slot_at(&s->stats, c->spec.slot);
	bool was_asked = c->is_leaving && c->last.signal == 0;

	if (slot != NULL && atomic_load(&slot->pid) == (uint32_t)c->pid &&
	    c->pid > 0)
		stats_last_words_of(slot, last_line);
	struct obituary facts = {.child = c,
	    .wall_ms = clock_wall_ms(),
	    .now_ms = loop_now_ms(s->loop),
	    .start_errno = body->start_errno,
	    .farewell = body->farewell,
	    .words = body->words,
	    .last_line = last_line,
	    .events = events,
	    .event_count = last_events(s, c, records, events),
	    .build = BANYAN_VERSION};
	obituary_sentence(&facts, sentence, sizeof(sentence));
	count_death(s, c);
	event_note(c->last.reason == REASON_START_FAILED ? EVENT_spawn_failed
		: was_asked                              ? EVENT_child_stopped
							 : EVENT_child_died,
	    "child=%s pid=%d reason=%s restart_count=%llu %s", c->spec.name,
	    c->pid, child_reason_name(c->last.reason), restarts_of(c),
	    sentence);
	mourning_note(s, &facts, was_asked);
	children_publish(s, c, sentence);
	memory_free(records);
	if (c->last.reason == REASON_SEGMENT && !s->is_remade)
		s->wants_segments = true;
}

static void
child_starved(void *ctx, struct child *c)
{
	(void)ctx;
	event_note(
	    EVENT_child_starved, "child=%s pid=%d", c->spec.name, c->pid);
}

/* escalate only notes what is wanted: the tree is in the middle of a turn. */
static void
escalate(void *ctx, struct child *c, enum exhausted how)
{
	struct supervisor *s = ctx;

	stats_add(s->slot, COUNTER_supervisor_escalations, 1);
	event_note(EVENT_escalated, "child=%s to=%s", c->spec.name,
	    how == EXHAUSTED_SHUTDOWN ? "shutdown" : "restart_supervisor");
	if (how == EXHAUSTED_SHUTDOWN)
		s->wants_shutdown = true;
	else
		s->wants_restart = true;
}

/*
 * last_life: lives are counted over supervisors, for a life is part of names
 * (call ids) that must never be used twice.
 */
static uint64_t
last_life(const struct supervisor *s, const struct child *c)
{
	struct stats_child old;

	if (stats_child_get(&s->stats, c->spec.slot, &old) != OK ||
	    old.role != c->spec.role || old.instance != c->spec.instance)
		return 0;
	return old.life;
}

/* add_role adds the children of one role, and tells which bits they have. */
static uint64_t
add_role(struct supervisor *s, enum role role, const uint64_t bits[ROLES])
{
	uint32_t count =
	    (uint32_t)settings_worker_u64(s->settings, role, WORKER_instances);
	bool is_several = role == ROLE_gateway;
	uint64_t mine = 0, wanted = 0;

	for (size_t i = 0; i < COUNT_OF(needs); i++)
		if (needs[i].role == role)
			wanted |= bits[needs[i].needs];
	for (uint32_t n = 1; n <= (is_several ? count : 1); n++) {
		struct child_spec spec = {.role = role,
		    .instance = is_several ? n : 0,
		    .slot = STATS_SLOT_FIRST_CHILD + s->keeper.tree->count,
		    .restart = (enum restart)settings_worker_choice(
			s->settings, role, WORKER_restart),
		    .on_exhausted = (enum exhausted)settings_choice(
			s->settings, SETTING_supervisor_on_exhausted),
		    .is_significant = settings_worker_bool(
			s->settings, role, WORKER_significant),
		    /* who is dear to the kernel's OOM killer is dear here */
		    .priority = (uint32_t)(1000 + rows[role].oom_adjust),
		    .needs = wanted,
		    .oom_adjust = rows[role].oom_adjust};
		if (is_several)
			snprintf(spec.name, sizeof(spec.name), "%s/%u",
			    rows[role].name, n);
		else
			snprintf(spec.name, sizeof(spec.name), "%s",
			    rows[role].name);
		INVARIANT(spec.slot < STATS_SLOTS);
		struct child *c = keeper_add(&s->keeper, NULL, &spec);
		mine |= UINT64_C(1) << c->index;
		c->life = last_life(s, c);
		children_publish(s, c, "waits for its first start");
	}
	return mine;
}

void
children_create(struct supervisor *s)
{
	struct keeper_ops ops = {.plan = plan_life,
	    .record = take_record,
	    .beat = read_beat,
	    .moved = child_moved,
	    .mourn = child_mourned,
	    .starved = child_starved,
	    .escalate = escalate,
	    .ctx = s};
	uint64_t bits[ROLES] = {0};
	struct policy policy;
	struct group_spec root;

	policy_read(s, &policy);
	policy_root(s, &root);
	keeper_init(&s->keeper, s->loop, &policy, &root, &ops);
	for (int role = ROLE_none + 1; role < ROLE_WORKERS_END; role++)
		bits[role] = add_role(s, (enum role)role, bits);
	policy_apply(s);
	for (uint32_t i = s->keeper.tree->count + STATS_SLOT_FIRST_CHILD;
	     i < STATS_SLOTS; i++)
		stats_child_forget(&s->stats, i);
	s->control = tree_find(s->keeper.tree, ROLE_control, 0);
}
