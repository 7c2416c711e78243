// SPDX-License-Identifier: MIT
/* supervisor - keeps the processes of a tree alive. See README.md. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/log_rules.h"
#include "protocol/log_settings.h"
#include "supervisor/supervisor.h"

enum {
	TICK_MS = 500
};

static struct supervisor the;

static _Noreturn void
give_up(int code, const char *what, enum err e)
{
	event_note(EVENT_cannot_start, "exit=%d what=%s error=%s why=%s", code,
	    what, err_name(e), e == ERR_SYSTEM ? strerror(errno) : "-");
	exit(code);
}

static const char *
need(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		give_up(EXIT_SYSTEM, name, ERR_MISSING);
	return value;
}

static uint64_t
number_of(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? strtoull(value, NULL, 10) : 0;
}

static void
take_over(struct supervisor *s)
{
	for (int fd = FD_PARENT; fd < FD_FIRST_FREE; fd++)
		if (fd_set_cloexec(fd, true) == OK)
			s->given |= 1u << fd;
	s->life = number_of(ENV_LIFE);
	log_init("supervisor", s->life);
	s->runtime_dir = need(ENV_RUNTIME_DIR);
	s->state_dir = need(ENV_STATE_DIR);
	s->libexec_dir = need(ENV_LIBEXEC_DIR);
	s->file = need(ENV_FILE);
	s->overrides = need(ENV_OVERRIDES);
	s->generation = number_of(ENV_GENERATION);
	s->is_remade = number_of(ENV_REMADE) > 0;
	s->settings_fd = FD_SETTINGS;
	snprintf(s->obituaries, sizeof(s->obituaries), "%s/supervisor",
	    s->state_dir);
	mkdir(s->obituaries, 0700); /* if it fails, each obituary says so */
}

static void
map_all(struct supervisor *s)
{
	enum err e = stats_map(FD_STATS, &s->stats);

	if (e != OK)
		give_up(EXIT_SEGMENT, "stats", e);
	e = events_map(FD_EVENTS, &s->events);
	if (e != OK)
		give_up(EXIT_SEGMENT, "events", e);
	s->slot = stats_slot_at(&s->stats, STATS_SLOT_SUPERVISOR);
	stats_begin(s->slot, ROLE_supervisor, 0, s->life, clock_mono_ms());
	event_attach(&s->events, STATS_SLOT_SUPERVISOR, s->life);
	e = settings_open(s->settings_fd, &s->settings);
	if (e != OK)
		give_up(EXIT_SYSTEM, "settings", e);
	s->began = s->settings;
	log_settings_take(s->settings, ROLE_supervisor);
	atomic_store(&s->stats.shared->settings_generation, s->generation);
}

void
supervisor_shutdown(struct supervisor *s, bool fast, int exit_code)
{
	if (!s->is_stopping) {
		s->is_stopping = true;
		s->exit_code = exit_code;
		status_stopping(s);
	}
	tree_shutdown(s->keeper.tree, fast, loop_now_ms(s->loop));
	keeper_wake(&s->keeper);
}

static void
signal_arrived(void *ctx, int signal, int sender)
{
	struct supervisor *s = ctx;

	(void)sender;
	if (signal == SIGTERM || signal == SIGINT)
		supervisor_shutdown(s, signal == SIGINT, EXIT_ASKED);
	else if (signal == SIGHUP)
		reload_start(s, 0);
	else
		keeper_reap_strangers(&s->keeper);
}

/*
 * guard_moved: the guard sends nothing but its end. A tree without a guard
 * still serves; a new guard will ask us to leave (banyand.lock names us).
 */
static void
guard_moved(void *ctx, uint32_t events)
{
	struct supervisor *s = ctx;
	struct handover_record record;
	int fd;
	enum err e = handover_receive(FD_PARENT, &record, &fd);

	(void)events;
	if (e == OK)
		fd_close(&fd);
	if (e == OK || e == ERR_AGAIN || e == ERR_MALFORMED)
		return;
	loop_watch_remove(s->loop, &s->guard);
	s->is_orphan = true;
	event_note(EVENT_guard_died, "the tree goes on; start banyand again");
}

static void
end_of_turn(void *ctx)
{
	struct supervisor *s = ctx;

	if (s->wants_segments && !s->is_stopping)
		supervisor_shutdown(s, true, EXIT_SEGMENT);
	if (s->wants_restart && !s->is_stopping)
		supervisor_shutdown(s, true, EXIT_AT_ONCE);
	if (s->wants_shutdown && !s->is_stopping)
		supervisor_shutdown(s, false, EXIT_ASKED);
	orders_look(s);
	reload_look(s);
	canary_look(s);
	status_look(s);
	mourning_look(s);
	stats_beat(s->slot, loop_now_ms(s->loop));
	if (s->is_stopping && tree_is_down(s->keeper.tree) && !s->canary.is_out)
		loop_stop(s->loop);
}

static void
tick(void *ctx)
{
	struct supervisor *s = ctx;

	keeper_reap_strangers(&s->keeper);
	recycling_look(s);
	log_rules_look(
	    log_watch_at(events_watch_area(&s->events)), loop_now_ms(s->loop));
	log_tick();
	loop_timer_start(s->loop, &s->tick, loop_now_ms(s->loop) + TICK_MS);
}

static void
open_loop(struct supervisor *s)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	enum err e = loop_create(&s->loop);

	if (e == OK)
		e = loop_on_signals(
		    s->loop, signals, COUNT_OF(signals), signal_arrived, s);
	s->guard = (struct loop_watch){
	    .fd = FD_PARENT, .ready = guard_moved, .ctx = s};
	if (e == OK)
		e = loop_watch_add(s->loop, &s->guard, EPOLLIN);
	if (e != OK)
		give_up(EXIT_SYSTEM, "loop", e);
	s->hook = (struct loop_hook){.run = end_of_turn, .ctx = s};
	s->tick = (struct loop_timer){.due = tick, .ctx = s};
}

int
main(void)
{
	struct supervisor *s = &the;

	take_over(s);
	map_all(s);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	open_loop(s);
	event_note(EVENT_tree_starting, "life=%llu generation=%llu",
	    (unsigned long long)s->life, (unsigned long long)s->generation);
	children_create(s);
	loop_on_turn_end(s->loop, &s->hook);
	loop_timer_start(s->loop, &s->tick, loop_now_ms(s->loop) + TICK_MS);
	tree_start(s->keeper.tree, loop_now_ms(s->loop));
	keeper_wake(&s->keeper);
	loop_run(s->loop, TICK_MS);
	event_note(EVENT_tree_stopped, "exit=%d children=%u reason=\"%s\"",
	    s->exit_code, s->keeper.tree->count,
	    s->exit_code == EXIT_ASKED ? "asked to stop" : "could not go on");
	log_flush();
	keeper_finish(&s->keeper);
	if (s->settings != s->began)
		settings_close(&s->settings);
	settings_close(&s->began);
	loop_destroy(&s->loop);
	return s->exit_code;
}
