// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A reload has three steps: the settings program reads the file (a broken one
 * ends it here and nothing has changed), every worker gets the new memfd and
 * answers what it made of it, then the generation is in force: published, told
 * to the guard (which keeps the memfd for our next life) and to control.
 * A worker that dies or is silent is not waited for: its next life starts with
 * the new settings anyway.
 */

#include "supervisor/supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/log_settings.h"

bool
reload_is_running(const struct supervisor *s)
{
	return s->reload.is_reading || s->reload.is_collecting;
}

static void
end_reading(struct supervisor *s)
{
	struct reload *r = &s->reload;

	loop_watch_remove(s->loop, &r->channel);
	loop_watch_remove(s->loop, &r->pidfd);
	loop_timer_stop(s->loop, &r->timer);
	r->is_reading = false;
}

/* tell_result: to the guard (with the memfd in force) and to control. */
static void
tell_result(struct supervisor *s, enum err e, const char *text)
{
	struct reload *r = &s->reload;
	struct handover_record record;

	handover_fill(&record, HANDOVER_GENERATION, "%s", text);
	record.a = s->generation;
	record.b = e;
	if (!s->is_orphan &&
	    handover_send(FD_PARENT, &record, s->settings_fd) != OK)
		event_note(EVENT_record_refused, "to=guard");
	if (s->control != NULL && !keeper_send(s->control, &record, -1))
		event_note(EVENT_record_refused, "to=control");
	orders_answer(s, r->order_id, r->order_life, e, text);
	status_notify(s, "READY=1\nSTATUS=%s", text);
}

static void
refuse(struct supervisor *s, enum err e, const char *why)
{
	event_note(EVENT_reload_failed, "why=%s", why);
	tell_result(s, e, why);
}

static void
finish(struct supervisor *s)
{
	struct reload *r = &s->reload;
	char text[HANDOVER_TEXT];

	r->is_collecting = false;
	loop_timer_stop(s->loop, &r->timer);
	snprintf(text, sizeof(text),
	    "generation %" PRIu64 ": %u applied, %u unchanged, %u need a "
	    "restart",
	    s->generation, r->applied, r->unchanged, r->restarts);
	event_note(EVENT_reload_done, "%s", text);
	tell_result(s, OK, text);
}

static void
send_to_all(struct supervisor *s)
{
	struct tree *t = s->keeper.tree;
	struct handover_record record;

	handover_fill(&record, HANDOVER_SETTINGS, NULL);
	record.a = s->generation;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->children[i]->state == CHILD_UP &&
		    keeper_send(t->children[i], &record, s->settings_fd))
			s->reload.waiting |= UINT64_C(1)
			    << t->children[i]->spec.slot;
}

static void
pass_on(struct supervisor *s, const struct handover_record *record)
{
	struct reload *r = &s->reload;

	r->applied += record->b == RELOAD_APPLIED;
	r->unchanged += record->b == RELOAD_UNCHANGED;
	r->restarts += record->b == RELOAD_NEEDS_RESTART;
	if (s->control != NULL && r->order_id != 0 &&
	    !keeper_send(s->control, record, -1))
		event_note(EVENT_record_refused, "to=control");
}

/*
 * answer_for: nobody asks the guard or us, and a key that waits for a restart
 * of banyand must not be passed over in silence.
 */
static void
answer_for(struct supervisor *s, enum role role, const struct settings *next)
{
	struct handover_record record;

	handover_fill(&record, HANDOVER_RELOADED, NULL);
	record.a = s->generation + 1;
	record.role = role;
	record.b = settings_reload_result(
	    &(struct settings_lives){s->began, s->settings, next}, role,
	    record.text, sizeof(record.text));
	if (record.b != RELOAD_UNCHANGED)
		pass_on(s, &record);
}

/* put_in_force takes the new memfd, or says why it cannot. */
static bool
put_in_force(struct supervisor *s)
{
	struct reload *r = &s->reload;
	struct settings *next = NULL;

	if (settings_open(r->reader.settings_fd, &next) != OK) {
		fd_close(&r->reader.settings_fd);
		refuse(s, ERR_MALFORMED,
		    "the settings program handed over "
		    "what is no settings");
		return false;
	}
	r->applied = r->unchanged = r->restarts = 0;
	answer_for(s, ROLE_supervisor, next);
	answer_for(s, ROLE_guard, next);
	if (s->settings != s->began)
		settings_close(&s->settings);
	fd_close(&s->settings_fd);
	s->settings = next;
	s->settings_fd = r->reader.settings_fd;
	s->generation++;
	r->reader.settings_fd = -1;
	atomic_store(&s->stats.shared->settings_generation, s->generation);
	log_settings_take(s->settings, ROLE_supervisor);
	policy_apply(s);
	return true;
}

static void
reader_moved(struct supervisor *s)
{
	struct reload *r = &s->reload;
	uint64_t now_ms = loop_now_ms(s->loop);
	int exit_code = 0;
	enum err e = reader_look(&r->reader, now_ms, &exit_code);

	if (e == ERR_AGAIN)
		return;
	end_reading(s);
	if (e != OK) {
		refuse(s, e, r->reader.problem);
		return;
	}
	if (!put_in_force(s))
		return;
	r->is_collecting = true;
	r->waiting = 0;
	send_to_all(s);
	loop_timer_start(s->loop, &r->timer, now_ms + RELOAD_WAIT_MS);
	tree_settings_changed(s->keeper.tree, now_ms);
	keeper_wake(&s->keeper);
	reload_look(s);
}

static void
reader_ready(void *ctx, uint32_t events)
{
	(void)events;
	reader_moved(ctx);
}

static void
timer_due(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->reload.is_reading)
		reader_moved(s);
	else if (s->reload.is_collecting)
		finish(s);
}

void
reload_start(struct supervisor *s, uint64_t order_id)
{
	struct reload *r = &s->reload;
	uint64_t life = s->control != NULL ? s->control->life : 0;

	if (reload_is_running(s) || s->is_stopping) {
		orders_answer(s, order_id, life, ERR_EXISTS,
		    "a reload or a shutdown is under way");
		return;
	}
	r->order_id = order_id;
	r->order_life = life;
	event_note(EVENT_reload, "file=%s", s->file);
	status_notify(s,
	    "RELOADING=1\nMONOTONIC_USEC=%" PRIu64
	    "\nSTATUS=reading the settings",
	    clock_mono_us());
	if (reader_start(&r->reader, s->libexec_dir, s->file, s->overrides,
		s->generation + 1, loop_now_ms(s->loop)) != OK) {
		refuse(s, ERR_SYSTEM, "the settings program cannot be started");
		return;
	}
	r->is_reading = true;
	r->timer = (struct loop_timer){.due = timer_due, .ctx = s};
	r->channel = (struct loop_watch){
	    .fd = r->reader.process.channel, .ready = reader_ready, .ctx = s};
	r->pidfd = (struct loop_watch){
	    .fd = r->reader.process.pidfd, .ready = reader_ready, .ctx = s};
	if (loop_watch_add(s->loop, &r->pidfd, EPOLLIN) != OK)
		event_note(EVENT_reload_failed, "why=epoll");
	loop_timer_start(s->loop, &r->timer, r->reader.deadline_ms);
}

void
reload_answered(
    struct supervisor *s, struct child *c, const struct handover_record *r)
{
	uint64_t bit = UINT64_C(1) << c->spec.slot;
	struct handover_record record = *r;

	if (!s->reload.is_collecting || (s->reload.waiting & bit) == 0 ||
	    r->a != s->generation)
		return;
	s->reload.waiting &= ~bit;
	record.role = c->spec.role;
	record.instance = c->spec.instance;
	pass_on(s, &record);
	reload_look(s);
}

void
reload_look(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;

	if (!s->reload.is_collecting)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		if (t->children[i]->state != CHILD_UP)
			s->reload.waiting &=
			    ~(UINT64_C(1) << t->children[i]->spec.slot);
	if (s->reload.waiting == 0)
		finish(s);
}
