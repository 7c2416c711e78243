// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A supervisor that dies takes its children along (PR_SET_PDEATHSIG), and as
 * the nearest subreaper we inherit what they leave. Before the next supervisor
 * starts, everything below us must be gone, or two trees would write the same
 * store: the guard kills and reaps until it has no child left, then starts.
 */

#include "supervisor/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/log.h"
#include "protocol/base/proc.h"
#include "protocol/log_rules.h"
#include "protocol/log_settings.h"

enum {
	TICK_MS = 250,
	GAP_MS = 1000,    /* we were stopped ourselves */
	HUNG_MS = 1500,   /* no turn of the supervisor's loop */
	ABORT_MS = 500,   /* between ABRT and KILL */
	START_MS = 10000, /* to take its slot of the stats */
	HEALTHY_MS = 10000,
	REST_FIRST_MS = 50,
	REST_CAP_MS = 200, /* a tree without a supervisor is no tree: R1 */
	CLEAR_MS = 5,
	GRACE_MS = 3000, /* behind the stop budget */
};

static void start_supervisor(struct guard *);

static void
notify(struct guard *g, const char *text)
{
	if (g->notify_fd >= 0)
		sendto(g->notify_fd, text, strlen(text),
		    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&g->notify,
		    g->notify_bytes);
}

static void
open_notify(struct guard *g)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (path == NULL || strlen(path) >= sizeof(g->notify.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	g->notify.sun_family = AF_UNIX;
	memcpy(g->notify.sun_path, path, strlen(path));
	g->notify_bytes =
	    (uint32_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@') /* abstract */
		g->notify.sun_path[0] = '\0';
	else
		g->notify_bytes++;
	g->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* take_log_settings: all a reload changes for the guard. */
static void
take_log_settings(struct guard *g)
{
	struct settings *settings;

	if (settings_open(g->settings_fd, &settings) != OK)
		return; /* another version's: the next supervisor says so */
	log_settings_take(settings, ROLE_guard);
	settings_close(&settings);
}

static void
take_record(struct guard *g, const struct handover_record *r, int *fd)
{
	if (r->kind == HANDOVER_NOTIFY) {
		if (strncmp(r->text, "READY=1", 7) == 0) {
			g->was_ready = true;
			g->was_remade =
			    false; /* they are good; next time anew */
		}
		notify(g, r->text);
	} else if (r->kind == HANDOVER_GENERATION && *fd >= 0) {
		fd_close(&g->settings_fd);
		g->settings_fd = *fd;
		g->generation = r->a;
		*fd = -1;
		take_log_settings(g);
	} else if (r->kind == HANDOVER_UNSTARTED) {
		event_note(EVENT_spawn_failed, "program=%s why=%s", r->text,
		    strerror((int)r->a));
		g->exit_code = EXIT_SYSTEM;
	}
}

static void
channel_ready(void *ctx, uint32_t events)
{
	struct guard *g = ctx;
	struct handover_record record;
	int fd = -1;
	enum err e = OK;

	(void)events;
	for (int most = 32; most > 0; most--) {
		e = handover_receive(g->channel.fd, &record, &fd);
		if (e != OK && e != ERR_MALFORMED)
			break;
		if (e == OK)
			take_record(g, &record, &fd);
		fd_close(&fd);
	}
	if (e == ERR_CLOSED || e == ERR_SYSTEM)
		loop_watch_remove(g->loop, &g->channel);
}

static void
finish(struct guard *g, int code)
{
	g->exit_code = code;
	loop_stop(g->loop);
}

/* kill_below: every child we have is a leftover of a dead supervisor. */
static void
kill_below(struct guard *g)
{
	struct proc_stat stat;

	rewinddir(g->proc);
	for (struct dirent *entry; (entry = readdir(g->proc)) != NULL;) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		pid_t pid = (pid_t)atol(entry->d_name);

		if (proc_stat(pid, &stat) && stat.parent == getpid())
			kill(pid, SIGKILL);
	}
}

/* clear goes on until nothing is left, then starts the next supervisor. */
static void
clear(void *ctx)
{
	struct guard *g = ctx;
	uint64_t now_ms = loop_now_ms(g->loop);
	uint64_t rest_ms = 0;
	pid_t pid;

	kill_below(g);
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		continue;
	if (pid == 0) { /* some are dying still */
		loop_timer_start(g->loop, &g->again, now_ms + CLEAR_MS);
		return;
	}
	if (g->is_stopping) {
		finish(g, g->exit_code);
		return;
	}
	for (uint32_t i = 1; i < g->failures && rest_ms < REST_CAP_MS; i++)
		rest_ms = rest_ms == 0 ? REST_FIRST_MS : rest_ms * 2;
	if (now_ms - g->died_ms >= rest_ms)
		start_supervisor(g);
	else
		loop_timer_start(g->loop, &g->again, g->died_ms + rest_ms);
}

static void
note_death(struct guard *g, int status)
{
	uint64_t now_ms = loop_now_ms(g->loop);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	stats_add(g->slot, COUNTER_guard_supervisor_deaths, 1);
	event_note(EVENT_supervisor_died, "life=%llu pid=%d exit=%d signal=%d",
	    (unsigned long long)g->life, g->supervisor.pid, code,
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	g->failures =
	    now_ms - g->started_ms >= HEALTHY_MS ? 1 : g->failures + 1;
	notify(g, "STATUS=the supervisor died; starting it again");
	if (code == EXIT_AT_ONCE)
		g->failures = 1;
	if (code == EXIT_SEGMENT && !g->was_remade) {
		guard_remake_segments(g);
		g->was_remade = true;
	}
}

/*
 * is_outdated: it refuses segments that were just made. Then the programs on
 * disk are newer than this guard, which knows their old layout only: who
 * started it starts the new one.
 */
static bool
is_outdated(struct guard *g, int status)
{
	if (!g->was_remade || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != EXIT_SEGMENT)
		return false;
	log_line(LOG_ERROR, "outdated",
	    "the programs in %s are of another version than this banyand: "
	    "start it again",
	    g->libexec_dir);
	g->exit_code = EXIT_TRY_AGAIN;
	return true;
}

/* is_final: the supervisor ended in a way that another would, too. */
static bool
is_final(const struct guard *g, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (g->is_stopping || code == EXIT_ASKED || code == EXIT_NEVER_AGAIN)
		return true;
	return !g->was_ready &&
	    (code == EXIT_SETTINGS || code == EXIT_SYSTEM ||
		g->exit_code == EXIT_SYSTEM);
}

static void
pidfd_ready(void *ctx, uint32_t events)
{
	struct guard *g = ctx;
	int status = 0;

	(void)events;
	if (waitpid(g->supervisor.pid, &status, WNOHANG) != g->supervisor.pid)
		return;
	channel_ready(g, 0); /* what it still said */
	loop_watch_remove(g->loop, &g->pidfd);
	loop_watch_remove(g->loop, &g->channel);
	fd_close(&g->supervisor.pidfd);
	fd_close(&g->supervisor.channel);
	g->died_ms = loop_now_ms(g->loop);
	g->kill_ms = 0;
	if (is_final(g, status) || is_outdated(g, status)) {
		if (!g->is_stopping && WIFEXITED(status) &&
		    WEXITSTATUS(status) != EXIT_NEVER_AGAIN)
			g->exit_code = g->exit_code != 0 ? g->exit_code
							 : WEXITSTATUS(status);
		g->is_stopping = true;
	} else {
		note_death(g, status);
	}
	g->supervisor.pid = 0;
	clear(g);
}

static void
plan_supervisor(struct guard *g)
{
	struct spawn_plan *plan = &g->plan;
	char program[GUARD_PATH + 16];

	snprintf(program, sizeof(program), "%s/supervisor", g->libexec_dir);
	spawn_plan_init(plan, program);
	spawn_set(plan, ENV_ROLE, "supervisor");
	spawn_set_number(plan, ENV_LIFE, g->life);
	spawn_set_number(plan, ENV_SLOT, STATS_SLOT_SUPERVISOR);
	spawn_set(plan, ENV_RUNTIME_DIR, g->runtime_dir);
	spawn_set(plan, ENV_STATE_DIR, g->state_dir);
	spawn_set(plan, ENV_LIBEXEC_DIR, g->libexec_dir);
	spawn_set(plan, ENV_FILE, g->file);
	spawn_set(plan, ENV_OVERRIDES, g->overrides);
	spawn_set_number(plan, ENV_GENERATION, g->generation);
	spawn_set_number(plan, ENV_REMADE, g->was_remade);
	spawn_give(plan, g->settings_fd, FD_SETTINGS);
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		spawn_give(plan, g->segments[i], FD_STATS + i);
	spawn_give(plan, g->listen_fd, FD_LISTEN_GATEWAY);
	spawn_give(plan, g->lock_fd, FD_LOCK);
	spawn_give(plan, g->monitor_fd, FD_LISTEN_MONITOR);
	spawn_give(plan, g->prometheus_fd, FD_LISTEN_PROMETHEUS);
	plan->oom_adjust = -800;
	plan->outlives_us = true; /* K4: a tree without a guard still serves */
}

static void
start_supervisor(struct guard *g)
{
	uint64_t now_ms = loop_now_ms(g->loop);

	g->life++;
	plan_supervisor(g);
	if (spawn_process(&g->plan, &g->supervisor) != OK) {
		g->supervisor.pid = 0;
		event_note(EVENT_spawn_failed, "child=supervisor why=%s",
		    strerror(errno));
		g->failures++;
		loop_timer_start(g->loop, &g->again, now_ms + REST_CAP_MS);
		return;
	}
	g->started_ms = now_ms;
	hang_reset(&g->hang, now_ms + START_MS);
	g->pidfd.fd = g->supervisor.pidfd;
	g->channel.fd = g->supervisor.channel;
	enum err e = loop_watch_add(g->loop, &g->pidfd, EPOLLIN);
	INVARIANT(e == OK);
	e = loop_watch_add(g->loop, &g->channel, EPOLLIN);
	INVARIANT(e == OK);
	guard_lock_write(g);
}

static bool
look(void *ctx, struct hang_facts *facts)
{
	const struct guard *g = ctx;

	return hang_read_facts(g->supervisor.pid, facts);
}

/* check_pulse watches the supervisor as it watches its children. */
static void
check_pulse(struct guard *g, uint64_t now_ms)
{
	struct stats_slot *slot =
	    stats_slot_at(&g->stats, STATS_SLOT_SUPERVISOR);
	struct hang_beat beat = {0};

	if (g->kill_ms > 0 && now_ms >= g->kill_ms) {
		spawn_signal(g->supervisor.pidfd, SIGKILL);
		return;
	}
	if (g->kill_ms > 0)
		return;
	if (atomic_load(&slot->pid) == (uint32_t)g->supervisor.pid) {
		if (g->hang.floor_ms > now_ms)
			hang_reset(&g->hang, now_ms);
		beat.beat_ms = atomic_load(&slot->heartbeat_ms);
	}
	switch (hang_check(
	    &g->hang, &beat, HUNG_MS, now_ms, (struct hang_look){look, g})) {
	case HANG_STOPPED:
		event_note(EVENT_supervisor_hung, "signal=KILL");
		spawn_signal(g->supervisor.pidfd, SIGKILL);
		break;
	case HANG_HUNG:
		event_note(EVENT_supervisor_hung, "signal=ABRT");
		spawn_signal(g->supervisor.pidfd, SIGABRT);
		g->kill_ms = now_ms + ABORT_MS;
		break;
	case HANG_FINE:
	case HANG_STARVED:
	default:
		break;
	}
}

static void
tick(void *ctx)
{
	struct guard *g = ctx;
	uint64_t now_ms = loop_now_ms(g->loop);

	if (now_ms - g->ticked_ms > GAP_MS) { /* nobody else was late (R16) */
		event_note(EVENT_gap, "ms=%llu",
		    (unsigned long long)(now_ms - g->ticked_ms));
		hang_reset(&g->hang, now_ms);
		if (g->stop_by_ms > 0)
			g->stop_by_ms += now_ms - g->ticked_ms;
	}
	g->ticked_ms = now_ms;
	stats_beat(g->slot, now_ms);
	if (g->supervisor.pid > 0)
		check_pulse(g, now_ms);
	if (g->stop_by_ms > 0 && now_ms >= g->stop_by_ms &&
	    g->supervisor.pid > 0)
		spawn_signal(g->supervisor.pidfd, SIGKILL);
	log_rules_look(log_watch_at(events_watch_area(&g->events)), now_ms);
	log_tick();
	loop_timer_start(g->loop, &g->tick, now_ms + TICK_MS);
}

/* reap_strangers: orphans of the tree that came to us. */
static void
reap_strangers(struct guard *g)
{
	siginfo_t info = {0};

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0 && info.si_pid != g->supervisor.pid) {
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static void
signal_arrived(void *ctx, int signal, int sender)
{
	struct guard *g = ctx;

	(void)sender;
	if (signal == SIGCHLD) {
		if (g->supervisor.pid > 0)
			reap_strangers(g);
		return;
	}
	if (signal == SIGTERM || signal == SIGINT) {
		g->is_stopping = true;
		g->stop_by_ms =
		    loop_now_ms(g->loop) + g->stop_budget_ms + GRACE_MS;
	}
	if (g->supervisor.pid > 0)
		spawn_signal(g->supervisor.pidfd, signal);
	/* else: clear() is at work and sees is_stopping */
}

static void
open_loop(struct guard *g)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

	g->proc = opendir("/proc");
	if (g->proc == NULL || loop_create(&g->loop) != OK ||
	    loop_on_signals(
		g->loop, signals, COUNT_OF(signals), signal_arrived, g) != OK)
		guard_fail(EXIT_SYSTEM, "cannot start: %s", strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	g->tick = (struct loop_timer){.due = tick, .ctx = g};
	g->again = (struct loop_timer){.due = clear, .ctx = g};
	g->pidfd = (struct loop_watch){.ready = pidfd_ready, .ctx = g};
	g->channel = (struct loop_watch){.ready = channel_ready, .ctx = g};
	g->ticked_ms = loop_now_ms(g->loop);
}

/* spare_us: we are the last process the kernel should take; refused without
 * right. */
static void
spare_us(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && fd_write_whole(fd, "-900", 4) != OK)
		errno = 0;
	fd_close(&fd);
}

/* forget_endpoints: addresses of a tree that is not there mislead. */
static void
forget_endpoints(const struct guard *g)
{
	char path[GUARD_PATH + 16];

	snprintf(path, sizeof(path), "%s/endpoints.json", g->runtime_dir);
	unlink(path);
}

int
guard_run(struct guard *g)
{
	spare_us();
	forget_endpoints(g);
	open_notify(g);
	open_loop(g);
	event_note(EVENT_listening, "runtime_dir=%s state_dir=%s",
	    g->runtime_dir, g->state_dir);
	guard_tell_monitor(g);
	start_supervisor(g);
	loop_timer_start(g->loop, &g->tick, g->ticked_ms + TICK_MS);
	loop_run(g->loop, TICK_MS);
	forget_endpoints(g);
	event_note(EVENT_stopped, "exit=%d", g->exit_code);
	return g->exit_code;
}
