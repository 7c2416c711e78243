// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The order of life is numbered in worker.h; the functions below stand in
 * that order. Signals are blocked before a library starts threads, so they
 * inherit the mask and every signal arrives in the loop.
 *
 * There is one worker in a process, so it is static: a last look at it in a
 * debugger or a core needs no search.
 */

#include "workers/kit/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/conn.h"
#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/endpoint.h"
#include "protocol/log_rules.h"
#include "protocol/log_settings.h"
#include "workers/kit/desk.h"
#include "workers/kit/heartbeat.h"
#include "workers/kit/inside.h"
#include "workers/kit/last_words.h"
#include "workers/kit/sandbox.h"

enum {
	LAST_REPLIES_MS = 200 /* for answers already given to leave */
};

static struct worker the_worker;

_Noreturn void
worker_fail(struct worker *w, enum handover_exit code, const char *fmt, ...)
{
	char why[HANDOVER_TEXT];
	struct handover_record record;
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	event_note(EVENT_cannot_start, "exit=%d reason=\"%s\"", (int)code, why);
	handover_fill(&record, HANDOVER_FAREWELL, "%s", why);
	enum err e = handover_send(FD_PARENT, &record, -1);
	(void)e; /* if nobody listens, the log line has it */
	(void)w;
	exit((int)code);
}

/* --- 1: descriptors and environment --- */

static uint64_t
number_from_env(struct worker *w, const char *name, uint64_t most)
{
	const char *value = getenv(name);
	uint64_t number;

	if (value == NULL || text_to_u64(text_of(value), &number) != OK ||
	    number > most)
		worker_fail(w, EXIT_SYSTEM,
		    "$%s is missing or wrong: only banyand starts this "
		    "program",
		    name);
	return number;
}

static const char *
folder_from_env(struct worker *w, const char *name)
{
	const char *value = getenv(name);

	if (value == NULL || value[0] != '/')
		worker_fail(w, EXIT_SYSTEM,
		    "$%s is missing: only banyand starts this program", name);
	return value;
}

static void
take_over(struct worker *w)
{
	for (int fd = FD_PARENT; fd < FD_FIRST_FREE; fd++) {
		if (fd_set_cloexec(fd, true) == OK)
			w->given |= 1u << fd;
	}
	w->instance = (uint32_t)number_from_env(w, ENV_INSTANCE, 1024);
	w->life = number_from_env(w, ENV_LIFE, UINT64_MAX);
	w->slot_index = (uint32_t)number_from_env(w, ENV_SLOT, STATS_SLOTS - 1);
	w->runtime_dir = folder_from_env(w, ENV_RUNTIME_DIR);
	w->state_dir = folder_from_env(w, ENV_STATE_DIR);
}

/* --- 2: who we are, in every line --- */

static void
name_self(struct worker *w, char *name, size_t size)
{
	const char *role = role_name(w->spec->role);

	if (w->instance == 0)
		snprintf(name, size, "%s", role);
	else
		snprintf(name, size, "%s/%u", role, w->instance);
	log_init(name, w->life);
}

/* --- 3: the segments --- */

static void
map_segments(struct worker *w, const char *name)
{
	char path[ENDPOINT_PATH];
	enum err e = stats_map(FD_STATS, &w->stats);

	if (e == OK)
		e = events_map(FD_EVENTS, &w->events);
	if (e != OK)
		worker_fail(w, e == ERR_SYSTEM ? EXIT_SYSTEM : EXIT_SEGMENT,
		    "a segment cannot be mapped: %s", err_name(e));
	w->slot = stats_slot_at(&w->stats, w->slot_index);
	stats_begin(
	    w->slot, w->spec->role, w->instance, w->life, clock_mono_ms());
	event_attach(&w->events, w->slot_index, w->life);
	last_words_prepare(name, w->slot);
	if (endpoint_stack_path(
		w->runtime_dir, w->spec->role, w->instance, path) == OK)
		last_words_on_request(path);
}

/* --- 4: the settings --- */

static void
read_settings(struct worker *w)
{
	enum err e = settings_open(FD_SETTINGS, &w->settings);

	w->began = w->settings;

	if (e != OK)
		worker_fail(w, EXIT_SETTINGS,
		    "the settings handed over cannot be read: %s", err_name(e));
	log_settings_take(w->settings, w->spec->role);
	atomic_store(
	    &w->slot->settings_generation, settings_generation(w->settings));
}

/* --- 5: our endpoint --- */

static void
signal_arrived(void *ctx, int number, int sender_pid)
{
	struct worker *w = ctx;
	uint64_t drain_ms = settings_worker_u64(
	    w->settings, w->spec->role, WORKER_drain_timeout_ms);

	if (number != SIGTERM && number != SIGINT)
		return; /* HUP: the supervisor's business */
	event_note(EVENT_stopping, "signal=%s from_pid=%d",
	    number == SIGTERM ? "TERM" : "INT", sender_pid);
	worker_end(w, number == SIGTERM ? (uint32_t)drain_ms : 0);
}

static void
open_loop(struct worker *w)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

	if (loop_create(&w->loop) != OK ||
	    loop_on_signals(
		w->loop, signals, COUNT_OF(signals), signal_arrived, w) != OK)
		worker_fail(
		    w, EXIT_SYSTEM, "no event loop: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	w->began_ms = loop_now_ms(w->loop);
	parent_open(w);
}

static void
open_endpoint(struct worker *w)
{
	char path[ENDPOINT_PATH];
	const char *why = "its path is too long";

	if (endpoint_path(w->runtime_dir, w->spec->role, w->instance, path) !=
		OK ||
	    !desks_open(w, path, &why))
		worker_fail(w, EXIT_SYSTEM, "cannot listen in %s: %s",
		    w->runtime_dir, why);
	scope_note(SCOPE_net_listen, "path=%s for=commands", path);
}

/* --- 6: limits --- */

static void
enter_sandbox(struct worker *w)
{
	enum role role = w->spec->role;
	struct sandbox_limits limits = {
	    .nofile = settings_worker_u64(w->settings, role, WORKER_nofile),
	    .memory_bytes =
		settings_worker_u64(w->settings, role, WORKER_memory_bytes),
	    .core_bytes =
		settings_worker_u64(w->settings, role, WORKER_core_bytes),
	    .nice = settings_worker_u64(w->settings, role, WORKER_nice),
	};

	if (sandbox_enter(&limits) != OK)
		worker_fail(
		    w, EXIT_SYSTEM, "limits are refused: %s", strerror(errno));
}

/* --- 7 and 8: start, READY --- */

void
worker_starting(struct worker *w, uint32_t ms)
{
	struct handover_record record;

	w->starts_later = true;
	handover_fill(&record, HANDOVER_PROGRESS, NULL);
	record.a = ms;
	worker_send(w, &record);
}

void
worker_ready(struct worker *w)
{
	struct handover_record record;

	if (w->is_ready || w->phase != WORKER_STARTING)
		return;
	w->is_ready = true;
	w->phase = WORKER_WORKING;
	stats_phase_set(w->slot, STATS_WORKING);
	loop_refresh_now(w->loop);
	event_note(EVENT_ready, "after_ms=%llu",
	    (unsigned long long)(loop_now_ms(w->loop) - w->began_ms));
	handover_fill(&record, HANDOVER_READY, NULL);
	worker_send(w, &record);
}

/* --- 10: the ways to end --- */

static void
stop_now(struct worker *w)
{
	w->phase = WORKER_STOPPING;
	loop_timer_stop(w->loop, &w->drain_timer);
	loop_stop(w->loop);
}

static void
drain_is_over(void *ctx)
{
	struct worker *w = ctx;

	event_note(EVENT_stopping, "reason=\"no time left to drain\"");
	stop_now(w);
}

void
worker_drained(struct worker *w)
{
	if (w->phase == WORKER_DRAINING)
		stop_now(w);
}

void
worker_end(struct worker *w, uint32_t drain_ms)
{
	bool may_drain = w->phase == WORKER_WORKING && drain_ms > 0 &&
	    w->spec->drain != NULL;

	if (w->phase == WORKER_STOPPING)
		return;
	if (!may_drain) {
		stop_now(w);
		return;
	}
	w->phase = WORKER_DRAINING;
	stats_phase_set(w->slot, STATS_DRAINING);
	event_note(EVENT_draining, "allowed_ms=%u", drain_ms);
	w->drain_timer = (struct loop_timer){.due = drain_is_over, .ctx = w};
	loop_timer_start(
	    w->loop, &w->drain_timer, loop_now_ms(w->loop) + drain_ms);
	w->spec->drain(w, drain_ms);
}

/* --- 11 and 12 --- */

static void
leave(struct worker *w)
{
	uint64_t until_ms = clock_mono_ms() + LAST_REPLIES_MS;

	if (w->is_ready && w->spec->stop != NULL)
		w->spec->stop(w);
	while (desks_are_sending(w->desks) && clock_mono_ms() < until_ms)
		loop_turn(w->loop, 10);
	event_note(EVENT_stopped, "after_ms=%llu",
	    (unsigned long long)(clock_mono_ms() - w->began_ms));
	stats_phase_set(w->slot, STATS_NOBODY);
	log_flush();
	exit(EXIT_ASKED);
}

int
worker_run(const struct worker_spec *spec, int argc, char **argv)
{
	struct worker *w = &the_worker;
	char name[48];

	(void)argc;
	(void)argv;
	w->spec = spec;
	log_init(role_name(spec->role), 0);
	take_over(w);
	name_self(w, name, sizeof(name));
	map_segments(w, name);
	read_settings(w);
	open_loop(w);
	enter_sandbox(w);
	open_endpoint(w);
	w->state = memory_new(spec->state_size);
	heartbeat_start(w);
	spec->start(w);
	if (!w->starts_later)
		worker_ready(w);
	/* at once: what start left for the end of a turn must not wait for an
	 * idle loop to wake */
	loop_turn(w->loop, 0);
	if (w->phase != WORKER_STOPPING)
		loop_run(w->loop, HEARTBEAT_IDLE_MS);
	leave(w);
	return EXIT_ASKED;
}

/* --- what a worker may ask of its kit --- */

struct loop *
worker_loop(const struct worker *w)
{
	return w->loop;
}

struct conn_hub *
worker_hub(struct worker *w)
{
	if (w->hub == NULL) {
		w->hub = MEMORY_NEW(struct conn_hub);
		conn_hub_init(w->hub, w->loop);
	}
	return w->hub;
}

void *
worker_state(const struct worker *w)
{
	return w->state;
}

const struct settings *
worker_settings(const struct worker *w)
{
	return w->settings;
}

struct stats *
worker_stats(struct worker *w)
{
	return &w->stats;
}

struct stats_slot *
worker_slot(const struct worker *w)
{
	return w->slot;
}

struct events *
worker_events(struct worker *w)
{
	return &w->events;
}

uint32_t
worker_instance(const struct worker *w)
{
	return w->instance;
}

uint64_t
worker_life(const struct worker *w)
{
	return w->life;
}

const char *
worker_runtime_dir(const struct worker *w)
{
	return w->runtime_dir;
}

const char *
worker_state_dir(const struct worker *w)
{
	return w->state_dir;
}

int
worker_segment_fd(const struct worker *w, enum handover_fd fd)
{
	return (w->given & 1u << fd) != 0 ? (int)fd : -1;
}

int
worker_fd_listener(const struct worker *w)
{
	return worker_segment_fd(w, FD_LISTEN_GATEWAY);
}

void
worker_busy(struct worker *w, uint32_t ms)
{
	stats_busy(w->slot, clock_mono_ms() + (ms < 60000 ? ms : 60000));
}

void
worker_busy_over(struct worker *w)
{
	stats_busy(w->slot, 0);
}

bool
worker_is_draining(const struct worker *w)
{
	return w->phase == WORKER_DRAINING;
}
