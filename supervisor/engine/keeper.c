// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Deaths are seen through pidfds, so a pid is never guessed. While the leader
 * is a zombie its process group cannot be given to anybody else: that is the
 * moment to kill what is left of the group, before the leader is reaped.
 *
 * The channel is read to its end before a child is mourned: last words were
 * written by a handler of the dying process and wait there.
 */

#include "supervisor/engine/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"

enum {
	RECORDS_A_TURN = 32
};

static struct keeper_body *
body(const struct child *c)
{
	return c->body;
}

static uint32_t
op_chance(void *ctx)
{
	struct keeper *k = ctx;

	k->chance ^= k->chance << 13; /* xorshift: jitter, not secrets */
	k->chance ^= k->chance >> 17;
	k->chance ^= k->chance << 5;
	return k->chance;
}

static void
keep_words(struct keeper_body *b, const char *text)
{
	size_t room = sizeof(b->words) - b->words_used;
	int n = snprintf(b->words + b->words_used, room, "%s", text);

	b->words_used += (size_t)n < room ? (uint32_t)n : (uint32_t)room - 1;
}

static void
take_record(struct keeper_body *b, const struct handover_record *r, int fd)
{
	struct keeper *k = b->keeper;
	uint64_t now_ms = loop_now_ms(k->loop);

	switch ((enum handover_kind)r->kind) {
	case HANDOVER_READY:
		tree_child_ready(k->tree, b->child, now_ms);
		break;
	case HANDOVER_PROGRESS:
		tree_child_progress(k->tree, b->child, r->a, now_ms);
		break;
	case HANDOVER_FAREWELL:
		snprintf(b->farewell, sizeof(b->farewell), "%s", r->text);
		break;
	case HANDOVER_LAST_WORDS:
		keep_words(b, r->text);
		break;
	case HANDOVER_UNSTARTED:
		b->is_unstarted = true;
		b->start_errno = (int)r->a;
		break;
	case HANDOVER_RELOADED:
	case HANDOVER_ORDER:
	case HANDOVER_DRAIN:
	case HANDOVER_SETTINGS:
	case HANDOVER_SIBLING_DIED:
	case HANDOVER_ORDER_DONE:
	case HANDOVER_GENERATION:
	case HANDOVER_NOTIFY:
	case HANDOVER_SETTINGS_READ:
	default:
		k->ops.record(k->ops.ctx, b->child, r, fd);
		return;
	}
	fd_close(&fd);
}

/* read_channel: at most a few records a turn, all of them when it is dead. */
static void
read_channel(struct keeper_body *b, uint32_t most)
{
	struct handover_record record;
	int fd;

	while (most-- > 0 && b->channel.fd >= 0) {
		enum err e = handover_receive(b->channel.fd, &record, &fd);

		if (e == ERR_AGAIN)
			return;
		if (e == ERR_MALFORMED) {
			b->keeper->refused++;
			continue;
		}
		if (e != OK) { /* closed its end: its death will tell */
			loop_watch_remove(b->keeper->loop, &b->channel);
			fd_close(&b->channel.fd);
			return;
		}
		take_record(b, &record, fd);
	}
}

static void
channel_ready(void *ctx, uint32_t events)
{
	struct keeper_body *b = ctx;

	(void)events;
	read_channel(b, RECORDS_A_TURN);
	keeper_wake(b->keeper);
}

/* count_oom_kills: the machine's count; a SIGKILL beside a new one is an OOM.
 */
static uint64_t
count_oom_kills(void)
{
	char text[16384];
	size_t bytes;
	unsigned long long kills = 0;

	if (fd_read_file("/proc/vmstat", text, sizeof(text), &bytes) != OK)
		return 0;
	const char *at = strstr(text, "\noom_kill ");
	if (at != NULL && sscanf(at, "\noom_kill %llu", &kills) != 1)
		return 0;
	return kills;
}

static void
tell_end(struct keeper_body *b, int status, struct child_end *end)
{
	struct keeper *k = b->keeper;

	end->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end->has_core = WIFSIGNALED(status) && WCOREDUMP(status);
	if (b->is_unstarted)
		end->reason = REASON_START_FAILED;
	if (end->signal == SIGKILL && b->child->cause == REASON_NONE) {
		uint64_t kills = count_oom_kills();

		end->is_oom = kills > k->oom_kills;
		k->oom_kills = kills;
	}
}

static void
pidfd_ready(void *ctx, uint32_t events)
{
	struct keeper_body *b = ctx;
	struct keeper *k = b->keeper;
	struct child_end end = {.reason = REASON_NONE};
	siginfo_t info = {0};
	int status = 0;

	(void)events;
	if (waitid(P_PIDFD, (id_t)b->pidfd.fd, &info,
		WEXITED | WNOHANG | WNOWAIT) < 0 ||
	    info.si_pid == 0)
		return;
	kill(-b->child->pid, SIGKILL); /* whom it left behind in its group */
	read_channel(b, UINT32_MAX);
	if (wait4(b->child->pid, &status, WNOHANG, &end.usage) != b->child->pid)
		return;
	loop_watch_remove(k->loop, &b->pidfd);
	loop_watch_remove(k->loop, &b->channel);
	fd_close(&b->pidfd.fd);
	fd_close(&b->channel.fd);
	tell_end(b, status, &end);
	tree_child_died(k->tree, b->child, &end, loop_now_ms(k->loop));
	keeper_wake(k);
}

static void
forget_life(struct keeper_body *b)
{
	b->is_unstarted = false;
	b->start_errno = 0;
	b->farewell[0] = b->words[0] = '\0';
	b->words_used = 0;
}

static enum err
op_spawn(void *ctx, struct child *c)
{
	struct keeper *k = ctx;
	struct keeper_body *b = body(c);
	struct spawn_plan *plan = MEMORY_NEW(struct spawn_plan);
	struct spawned made;

	forget_life(b);
	k->ops.plan(k->ops.ctx, c, plan);
	enum err e = spawn_process(plan, &made);
	b->start_errno = e != OK ? errno : 0;
	if (k->ops.made != NULL)
		k->ops.made(k->ops.ctx, c, e == OK);
	memory_free(plan);
	if (e != OK)
		return e;
	c->pid = made.pid;
	b->pidfd.fd = made.pidfd;
	b->channel.fd = made.channel;
	/* both are fresh descriptors below our limit: epoll takes them, or
	 * the machine is out of memory, which is fatal everywhere */
	e = loop_watch_add(k->loop, &b->pidfd, EPOLLIN);
	INVARIANT(e == OK);
	e = loop_watch_add(k->loop, &b->channel, EPOLLIN);
	INVARIANT(e == OK);
	return OK;
}

static void
op_signal(void *ctx, struct child *c, int signal)
{
	(void)ctx;
	if (body(c)->pidfd.fd < 0)
		return;
	if (signal == SIGKILL) /* unreaped: the group is still its own */
		kill(-c->pid, SIGKILL);
	spawn_signal(body(c)->pidfd.fd, signal);
}

static void
op_drain(void *ctx, struct child *c, uint32_t allowed_ms)
{
	struct keeper *k = ctx;
	struct handover_record record;

	if (k->ops.drain != NULL) {
		k->ops.drain(k->ops.ctx, c, allowed_ms);
		return;
	}
	handover_fill(&record, HANDOVER_DRAIN, NULL);
	record.a = allowed_ms;
	if (!keeper_send(c, &record, -1))
		return; /* it does not read: TERM follows in its time */
}

static bool
op_beat(void *ctx, const struct child *c, struct hang_beat *beat)
{
	struct keeper *k = ctx;

	return k->ops.beat != NULL && k->ops.beat(k->ops.ctx, c, beat);
}

static bool
op_facts(void *ctx, const struct child *c, struct hang_facts *facts)
{
	(void)ctx;
	return hang_read_facts(c->pid, facts);
}

static void
op_moved(void *ctx, struct child *c, enum child_state was)
{
	struct keeper *k = ctx;

	k->ops.moved(k->ops.ctx, c, was);
}

static void
op_mourn(void *ctx, struct child *c)
{
	struct keeper *k = ctx;

	k->ops.mourn(k->ops.ctx, c);
}

static void
op_starved(void *ctx, struct child *c)
{
	struct keeper *k = ctx;

	k->ops.starved(k->ops.ctx, c);
}

static void
op_escalate(void *ctx, struct child *c, enum exhausted how)
{
	struct keeper *k = ctx;

	k->ops.escalate(k->ops.ctx, c, how);
}

static void
timer_due(void *ctx)
{
	keeper_wake(ctx);
}

void
keeper_init(struct keeper *k, struct loop *loop, const struct policy *policy,
    const struct group_spec *root, const struct keeper_ops *ops)
{
	struct tree_ops tree_ops = {.spawn = op_spawn,
	    .signal = op_signal,
	    .drain = op_drain,
	    .beat = op_beat,
	    .facts = op_facts,
	    .moved = op_moved,
	    .mourn = op_mourn,
	    .starved = op_starved,
	    .escalate = op_escalate,
	    .chance = op_chance,
	    .ctx = k};

	*k = (struct keeper){.loop = loop, .ops = *ops};
	k->timer = (struct loop_timer){.due = timer_due, .ctx = k};
	k->oom_kills = count_oom_kills();
	if (getrandom(&k->chance, sizeof(k->chance), 0) < 0 || k->chance == 0)
		k->chance = 1;
	tree_create(&k->tree, policy, &tree_ops, root);
}

void
keeper_finish(struct keeper *k)
{
	loop_timer_stop(k->loop, &k->timer);
	for (uint32_t i = 0; i < k->tree->count; i++) {
		struct keeper_body *b = body(k->tree->children[i]);

		loop_watch_remove(k->loop, &b->pidfd);
		loop_watch_remove(k->loop, &b->channel);
		fd_close(&b->pidfd.fd);
		fd_close(&b->channel.fd);
		memory_free(b);
	}
	tree_destroy(&k->tree);
}

struct child *
keeper_add(struct keeper *k, struct group *g, const struct child_spec *spec)
{
	struct child *c = tree_add_child(k->tree, g, spec);
	struct keeper_body *b = MEMORY_NEW(struct keeper_body);

	*b = (struct keeper_body){.keeper = k, .child = c};
	b->pidfd =
	    (struct loop_watch){.fd = -1, .ready = pidfd_ready, .ctx = b};
	b->channel =
	    (struct loop_watch){.fd = -1, .ready = channel_ready, .ctx = b};
	c->body = b;
	return c;
}

void
keeper_wake(struct keeper *k)
{
	uint64_t now_ms = loop_now_ms(k->loop);

	tree_turn(k->tree, now_ms);
	loop_timer_start(k->loop, &k->timer, tree_next_ms(k->tree, now_ms));
}

void
keeper_ready(struct child *c)
{
	struct keeper *k = body(c)->keeper;

	tree_child_ready(k->tree, c, loop_now_ms(k->loop));
	keeper_wake(k);
}

void
keeper_kill(struct child *c, enum child_reason reason, const char *why)
{
	struct keeper_body *b = body(c);

	if (b->farewell[0] == '\0')
		snprintf(b->farewell, sizeof(b->farewell), "%s", why);
	tree_child_sick(
	    b->keeper->tree, c, reason, loop_now_ms(b->keeper->loop));
	keeper_wake(b->keeper);
}

bool
keeper_send(struct child *c, const struct handover_record *record, int fd)
{
	return body(c)->channel.fd >= 0 &&
	    handover_send(body(c)->channel.fd, record, fd) == OK;
}

static bool
is_ours(const struct keeper *k, int pid)
{
	for (uint32_t i = 0; i < k->tree->count; i++)
		if (k->tree->children[i]->pid == pid)
			return true;
	return false;
}

static bool
is_stranger(const struct keeper *k, int pid)
{
	return !is_ours(k, pid) &&
	    (k->sibling == NULL || !is_ours(k->sibling, pid));
}

void
keeper_reap_strangers(struct keeper *k)
{
	siginfo_t info = {0};

	/* a child of ours at the head of the list waits for its pidfd, and
	 * the next SIGCHLD or its own reaping brings us back here */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid != 0 && is_stranger(k, info.si_pid)) {
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

uint32_t
keeper_kill_strangers(struct keeper *k)
{
	char list[8192], *at = list;
	size_t bytes;
	uint32_t killed = 0;

	if (fd_read_file(
		"/proc/thread-self/children", list, sizeof(list), &bytes) != OK)
		return 0; /* a kernel without it: their groups are all we see */
	for (char *end = at;; at = end) {
		int pid = (int)strtol(at, &end, 10);

		if (end == at)
			break;
		/* unreaped while we look, and nobody else reaps: no stranger
		 * can have the number */
		if (is_stranger(k, pid) && kill(pid, SIGKILL) == 0)
			killed++;
	}
	return killed;
}
