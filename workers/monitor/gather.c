// SPDX-License-Identifier: MIT
#include "workers/monitor/gather.h"

#include "workers/kit/ask.h"
#include "workers/kit/worker.h"

enum {
	EVERY_MS = 5000,
	FIRST_MS = 200, /* the others start at the same time as we do */
	DEADLINE_MS = 2000,
	ANSWER_MOST = 4 << 20
};

static const struct {
	enum role role;
	const char *op;
} sources[GATHEREDS] = {
#define G(name, role, op) [GATHERED_##name] = {ROLE_##role, op},
    GATHER_TABLE(G)
#undef G
};

static void
has_answered(void *ctx, const struct ask_reply *reply)
{
	struct gather_one *one = ctx;

	one->ask = NULL;
	if (reply->err != OK || !reply->is_ok)
		return;
	buffer_truncate(&one->answer, 0);
	if (buffer_append_text(&one->answer, reply->result) == OK)
		one->at_ms = loop_now_ms(worker_loop(one->gather->worker));
	else
		buffer_truncate(&one->answer, 0);
}

static void
ask_all(void *ctx)
{
	struct gather *g = ctx;
	struct loop *loop = worker_loop(g->worker);

	for (int i = 0; i < GATHEREDS; i++) {
		const struct ask_question question = {.role = sources[i].role,
		    .instance = sources[i].role == ROLE_gateway ? 1 : 0,
		    .op = sources[i].op,
		    .deadline_ms = DEADLINE_MS,
		    .done = has_answered,
		    .ctx = &g->of[i]};

		if (g->of[i].ask == NULL)
			g->of[i].ask = ask(g->worker, &question);
	}
	loop_timer_start(loop, &g->timer, loop_now_ms(loop) + EVERY_MS);
}

void
gather_start(struct gather *g, struct worker *w)
{
	struct loop *loop = worker_loop(w);

	g->worker = w;
	for (int i = 0; i < GATHEREDS; i++) {
		g->of[i] = (struct gather_one){.gather = g};
		buffer_init(&g->of[i].answer, ANSWER_MOST);
	}
	g->timer = (struct loop_timer){.due = ask_all, .ctx = g};
	loop_timer_start(loop, &g->timer, loop_now_ms(loop) + FIRST_MS);
}

void
gather_stop(struct gather *g)
{
	loop_timer_stop(worker_loop(g->worker), &g->timer);
	for (int i = 0; i < GATHEREDS; i++) {
		ask_cancel(&g->of[i].ask);
		buffer_finish(&g->of[i].answer);
	}
}

struct text
gather_of(const struct gather *g, enum gathered which)
{
	return buffer_text(&g->of[which].answer);
}

bool
gather_is_fresh(const struct gather *g, enum gathered which)
{
	const struct gather_one *one = &g->of[which];

	return one->at_ms > 0 &&
	    loop_now_ms(worker_loop(g->worker)) - one->at_ms <=
	    2 * EVERY_MS + DEADLINE_MS;
}
