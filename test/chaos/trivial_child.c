// SPDX-License-Identifier: MIT
/*
 * trivial_child - a child that speaks the handover and does as it is told.
 *
 * Stands in for any role (linked under its name in a libexec folder), so that
 * the supervisor is tested without the real workers. What to do is read at
 * each start from $BANYAN_STATE_DIR/trivial/<role>[-N], one word and a number:
 *   exit N      exit with N right after READY
 *   early N     exit with N before READY
 *   signal N    raise signal N right after READY
 *   spin MS     after MS stop turning the loop, busily
 *   sleep MS    after MS stop turning the loop, idle
 *   mute        never say READY
 *   slow MS     say READY after MS, asking for the time by PROGRESS
 *   deaf        ignore TERM and DRAIN
 *   fork        leave a grandchild that ignores all but KILL
 *   lease MS    announce busy_until for MS, and block that long
 * An absent file: READY at once, end when asked.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/handover.h"
#include "protocol/stats.h"

static struct {
	struct stats stats;
	struct stats_slot *slot;
	char word[16];
	unsigned number;
	int signals;
	uint64_t born_ms;
	bool is_ready;
} me;

static bool
is_told(const char *word)
{
	return strcmp(me.word, word) == 0;
}

static void
say(enum handover_kind kind, uint64_t a, uint64_t b)
{
	struct handover_record record;

	handover_fill(&record, kind, "trivial");
	record.a = a;
	record.b = b;
	if (handover_send(FD_PARENT, &record, -1) != OK)
		exit(EXIT_SYSTEM);
}

static void
read_task(void)
{
	const char *role = getenv(ENV_ROLE), *dir = getenv(ENV_STATE_DIR);
	const char *instance = getenv(ENV_INSTANCE);
	char path[512], text[64];
	size_t bytes;

	if (role == NULL || dir == NULL || instance == NULL)
		exit(EXIT_SYSTEM);
	if (instance[0] == '0')
		snprintf(path, sizeof(path), "%s/trivial/%s", dir, role);
	else
		snprintf(path, sizeof(path), "%s/trivial/%s-%s", dir, role,
		    instance);
	if (fd_read_file(path, text, sizeof(text), &bytes) == OK &&
	    sscanf(text, "%15s %u", me.word, &me.number) < 1)
		me.word[0] = '\0';
}

static void
begin(void)
{
	const char *slot = getenv(ENV_SLOT), *life = getenv(ENV_LIFE);
	sigset_t set;

	me.born_ms = clock_mono_ms();
	if (stats_map(FD_STATS, &me.stats) != OK || slot == NULL ||
	    life == NULL)
		exit(EXIT_SEGMENT);
	me.slot = stats_slot_at(&me.stats, (uint32_t)atoi(slot));
	stats_begin(me.slot, ROLE_none, 0, (uint64_t)atoll(life), me.born_ms);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	me.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
leave_grandchild(void)
{
	if (fork() == 0) {
		signal(SIGHUP, SIG_IGN);
		for (;;)
			pause();
	}
}

/* act does what was told for after READY. */
static void
act(void)
{
	if (is_told("exit"))
		exit((int)me.number);
	if (is_told("signal")) {
		signal((int)me.number, SIG_DFL);
		raise((int)me.number);
	}
	if (is_told("fork"))
		leave_grandchild();
	if (is_told("lease")) {
		stats_busy(me.slot, clock_mono_ms() + me.number);
		poll(NULL, 0, (int)me.number);
		stats_busy(me.slot, 0);
	}
}

static void
be_ready(void)
{
	uint64_t age_ms = clock_mono_ms() - me.born_ms;

	if (me.is_ready || is_told("mute"))
		return;
	if (is_told("slow") && age_ms < me.number) {
		say(HANDOVER_PROGRESS, 500, 0);
		return;
	}
	me.is_ready = true;
	say(HANDOVER_READY, 0, 0);
	act();
}

static void
take_record(const struct handover_record *r)
{
	if (r->kind == HANDOVER_DRAIN && !is_told("deaf"))
		exit(EXIT_ASKED);
	if (r->kind == HANDOVER_SETTINGS)
		say(HANDOVER_RELOADED, r->a, RELOAD_UNCHANGED);
}

static void
stand_still(void)
{
	uint64_t age_ms = clock_mono_ms() - me.born_ms;

	while (is_told("spin") && age_ms >= me.number)
		continue;
	while (is_told("sleep") && age_ms >= me.number)
		poll(NULL, 0, -1);
}

int
main(void)
{
	read_task();
	begin();
	if (is_told("early"))
		exit((int)me.number);
	for (;;) {
		struct pollfd wait[] = {{.fd = FD_PARENT, .events = POLLIN},
		    {.fd = me.signals, .events = POLLIN}};
		struct handover_record record;
		int fd;

		be_ready();
		stats_beat(me.slot, clock_mono_ms());
		stand_still();
		poll(wait, 2, is_told("slow") ? 100 : 400);
		if (wait[1].revents != 0 && !is_told("deaf"))
			exit(EXIT_ASKED);
		if (wait[0].revents == 0)
			continue;
		enum err e = handover_receive(FD_PARENT, &record, &fd);
		if (e == ERR_CLOSED)
			exit(EXIT_SYSTEM);
		if (e == OK) {
			fd_close(&fd);
			take_record(&record);
		}
	}
}
