// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A roll is asked for on the stream of messages and answered by a call, so it
 * stands in the order of all else its gateway says: what we have from this
 * gateway when the roll arrives, it had said before it took the roll. That is
 * why nothing is judged later, and nothing twice.
 *
 * A gateway that does not answer in time is hung or overloaded, and others
 * are there to find that out; here its members are unconfirmed, no more.
 *
 * Whoever asks while an audit is under way gets the next one: half of this
 * one may have been judged before he asked.
 */

#include "workers/relay/audit.h"

#include "protocol/events.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/relay/audit_report.h"
#include "workers/relay/relay.h"
#include "workers/relay/roll.h"

enum {
	ROLL_MS = 2000, /* below what an operator's question waits */
	ROLL_BYTES = 32,
	REPORT_BYTES = 8 << 20,
	COMPARED_UNASKED = 50000, /* records: some 25 ms, once a minute */
	COMPARED_MOST = UINT32_MAX
};

/* An operator who waits; lives in the command's arena. */
struct audit_waiter {
	struct audit_waiter *next;
	struct command *command;
};

static void begin(struct relay *, bool is_asked);

static void
rest(struct relay *r)
{
	struct loop *loop = worker_loop(r->worker);

	if (r->audit.interval_ms == 0)
		loop_timer_stop(loop, &r->audit.next);
	else
		loop_timer_start(loop, &r->audit.next,
		    loop_now_ms(loop) + r->audit.interval_ms);
}

/* --- its end --- */

static enum gateway_word
word_of(void *ctx, uint64_t gateway)
{
	const struct relay *r = ctx;
	const struct lane *lane = lanes_of_gateway(&r->lanes, gateway);

	if (lane == NULL)
		return GATEWAY_NOBODY;
	return lane->roll_answered == r->audit.number ? GATEWAY_ANSWERED
						      : GATEWAY_SILENT;
}

/* conclude ends what was just judged, or leaves it. */
static void
conclude(struct relay *r)
{
	struct audit *a = &r->audit;

	if (a->is_fixing)
		judge_apply(r->groups, &a->findings, &a->ended);
	else
		judge_forget(&a->findings);
}

static void
answer_all(struct audit *a)
{
	struct audit_waiter *w = a->waiting, *next;

	a->waiting = NULL;
	for (; w != NULL; w = next) {
		next = w->next;
		pack_raw(w->command->result, buffer_text(&a->report));
		command_finish(w->command);
	}
}

static void
tell(struct relay *r, const struct audit_outcome *o)
{
	struct audit *a = &r->audit;
	struct stats_slot *slot = worker_slot(r->worker);
	const uint32_t *counts = a->findings.counts;
	uint32_t issues = audit_issues(&a->findings);

	stats_add(slot, COUNTER_relay_audits, 1);
	stats_add(slot, COUNTER_relay_audit_ended, a->ended.memberships);
	stats_set(slot, COUNTER_relay_audit_issues, issues);
	event_note(EVENT_relay_audit,
	    "memberships=%u groups=%u stale=%u orphaned=%u missing=%u "
	    "unconfirmed=%u duration_us=%llu store=%s",
	    o->memberships, o->groups, counts[ISSUE_STALE],
	    counts[ISSUE_ORPHANED], counts[ISSUE_MISSING],
	    a->findings.unconfirmed, (unsigned long long)o->took_us, o->store);
	/* what is found again and again is news once */
	if (issues > 0 && (issues != a->last_issues || a->is_fixing))
		event_note(EVENT_relay_audit_found,
		    "stale=%u orphaned=%u missing=%u memberships_ended=%u "
		    "groups_deleted=%u is_fixed=%s",
		    counts[ISSUE_STALE], counts[ISSUE_ORPHANED],
		    counts[ISSUE_MISSING], a->ended.memberships,
		    a->ended.groups, a->is_fixing ? "true" : "false");
	a->last_issues = a->is_fixing ? 0 : issues;
}

static void
report(struct relay *r, const struct audit_outcome *o)
{
	struct audit *a = &r->audit;
	struct packer p;

	buffer_truncate(&a->report, 0);
	pack_init(&p, &a->report);
	audit_report(&p, o);
	enum err e = pack_finish(&p);
	INVARIANT(e == OK); /* a thousand ids of a bounded size */
}

static void
finish(struct relay *r)
{
	struct audit *a = &r->audit;
	struct loop *loop = worker_loop(r->worker);
	struct audit_outcome o = {
	    .findings = &a->findings,
	    .node = settings_text(worker_settings(r->worker), SETTING_node),
	    .wall_ms = r->groups->now.wall_ms,
	    .memberships = r->groups->memberships,
	    .groups = r->groups->by_id.count,
	    .is_fixing = a->is_fixing,
	};

	judge_gateways(r->groups, word_of, r, &a->findings);
	conclude(r);
	judge_empty(r->groups, &a->findings);
	conclude(r);
	o.store = keeping_compare(&r->keeping,
	    a->is_asked ? COMPARED_MOST : COMPARED_UNASKED, &a->findings);
	o.is_store_written = a->is_fixing && a->findings.of_store > 0;
	if (o.is_store_written)
		keeping_write_anew(&r->keeping);
	loop_refresh_now(loop);
	o.took_us = loop_now_us(loop) - a->began_us;
	/* what ended while the rolls came in was counted out already */
	o.ended = a->ended;
	audit_count_lanes(&r->lanes, a->number, &o);
	tell(r, &o);
	report(r, &o);
	findings_finish(&a->findings);
	a->is_running = false;
	loop_timer_stop(loop, &a->late);
	answer_all(a);
	rest(r);
	if (a->behind != NULL)
		begin(r, true);
}

static bool
is_awaited(const struct relay *r)
{
	const struct lane *lane = r->lanes.first;

	while (lane != NULL &&
	    (lane->session == NULL || lane->call == 0 ||
		lane->roll_asked != r->audit.number ||
		lane->roll_answered == r->audit.number))
		lane = lane->next;
	return lane != NULL;
}

/* --- its course --- */

static void
ask_for_rolls(struct relay *r)
{
	struct audit *a = &r->audit;
	struct buffer bytes;
	struct packer p;

	buffer_init(&bytes, ROLL_BYTES);
	pack_init(&p, &bytes);
	pack_map(&p, 1);
	pack_field_u64(&p, "roll", a->number);
	enum err e = pack_finish(&p);
	INVARIANT(e == OK);
	for (struct lane *lane = r->lanes.first; lane != NULL;
	     lane = lane->next) {
		if (lane->session == NULL || lane->call == 0)
			continue;
		lane->roll_asked = a->number;
		lane_message(lane, buffer_text(&bytes));
	}
	buffer_finish(&bytes);
}

static void
begin(struct relay *r, bool is_asked)
{
	struct audit *a = &r->audit;
	struct loop *loop = worker_loop(r->worker);

	relay_now(r);
	loop_refresh_now(loop);
	a->number++;
	a->began_us = loop_now_us(loop);
	a->is_running = true;
	a->is_asked = is_asked;
	a->is_fixing = is_asked ? a->wants_fix : a->is_cleaning;
	a->wants_fix = false;
	a->waiting = a->behind;
	a->behind = NULL;
	a->ended = (struct judged){.memberships = 0};
	findings_init(&a->findings);
	loop_timer_start(loop, &a->late, loop_now_ms(loop) + ROLL_MS);
	ask_for_rolls(r);
}

static void
is_due(void *ctx)
{
	struct relay *r = ctx;

	if (!r->audit.is_running && !worker_is_draining(r->worker))
		begin(r, false);
}

static void
is_late(void *ctx)
{
	struct relay *r = ctx;

	relay_now(r);
	finish(r);
}

void
audit_take(struct relay *r, struct lane *lane, const struct link_frame *frame)
{
	struct audit *a = &r->audit;
	uint64_t number;
	struct unpacker u;
	struct roll roll;
	uint32_t count;

	unpack_init(&u, frame->args);
	if (unpack_array(&u, &count) != OK || count < 2 ||
	    unpack_u64(&u, &number) != OK || roll_read(&roll, &u) != OK) {
		lane_error(lane, frame->id, "internal",
		    "roll wants [number, [[client, [channel]]]]");
		return;
	}
	attach_answer(r, lane, frame);
	/* one of an audit that is over says nothing any more */
	if (a->is_running && number == a->number &&
	    lane->roll_asked == number && lane->roll_answered != number) {
		relay_now(r);
		judge_roll(r->groups, lane->gateway, &roll, &a->findings);
		conclude(r);
		lane->roll_answered = number;
		if (!is_awaited(r))
			loop_timer_start(worker_loop(r->worker), &a->late, 0);
	}
	roll_finish(&roll);
}

/* --- operators --- */

void
relay_cmd_relay_audit(struct worker *w, struct command *command)
{
	struct relay *r = worker_state(w);
	struct audit *a = &r->audit;
	bool is_last = false, is_fix = false;

	if (command_bool(command, "last", &is_last) == OK && is_last) {
		if (buffer_used(&a->report) > 0)
			pack_raw(command->result, buffer_text(&a->report));
		else
			command_fail(command, CLASS_NOT_FOUND,
			    "`banyan relay audit` makes one",
			    "relay has made no audit yet in this life");
		return;
	}
	if (worker_is_draining(w)) {
		command_fail(
		    command, CLASS_UNAVAILABLE, NULL, "relay is about to stop");
		return;
	}
	struct audit_waiter *me =
	    ARENA_NEW(command->arena, struct audit_waiter);
	*me = (struct audit_waiter){.next = a->behind, .command = command};
	a->behind = me;
	if (command_bool(command, "fix", &is_fix) == OK && is_fix)
		a->wants_fix = true;
	command_park(command);
	if (!a->is_running)
		begin(r, true);
}

/* --- life --- */

void
audit_set(struct relay *r, const struct settings *s)
{
	struct audit *a = &r->audit;
	uint64_t interval_ms =
	    settings_u64(s, SETTING_relay_audit_audit_interval_ms);

	a->is_cleaning = settings_bool(s, SETTING_relay_audit_cleanup);
	if (interval_ms == a->interval_ms)
		return;
	a->interval_ms = interval_ms;
	if (!a->is_running)
		rest(r);
}

void
audit_start(struct relay *r)
{
	struct audit *a = &r->audit;

	a->next = (struct loop_timer){.due = is_due, .ctx = r};
	a->late = (struct loop_timer){.due = is_late, .ctx = r};
	buffer_init(&a->report, REPORT_BYTES);
	audit_set(r, worker_settings(r->worker));
}

void
audit_stop(struct relay *r)
{
	struct audit *a = &r->audit;

	while (a->is_running)
		is_late(r);
	loop_timer_stop(worker_loop(r->worker), &a->next);
}

void
audit_finish(struct relay *r)
{
	struct audit *a = &r->audit;

	loop_timer_stop(worker_loop(r->worker), &a->next);
	loop_timer_stop(worker_loop(r->worker), &a->late);
	if (a->is_running)
		findings_finish(&a->findings);
	buffer_finish(&a->report);
}
