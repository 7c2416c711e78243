// SPDX-License-Identifier: MIT
#include "workers/monitor/catalog.h"

#include "protocol/base/clock.h"
#include "protocol/base/loop.h"
#include "protocol/base/memory.h"
#include "protocol/log_rules.h"
#include "protocol/settings.h"
#include "workers/kit/ask.h"
#include "workers/kit/worker.h"
#include "workers/monitor/line_count.h"
#include "workers/monitor/monitor.h"

enum {
	ASK_MS = 2000,
	DEADLINE_MS = 1500
};

struct catalog {
	struct worker *worker;
	struct loop_timer timer;
	struct ask *question; /* NULL: none is out */
	struct discovery discovery;
	struct line_count audit;
};

static void
answered(void *ctx, const struct ask_reply *reply)
{
	struct catalog *c = ctx;
	enum err e = reply->err;

	c->question = NULL;
	if (e == OK && reply->is_ok)
		e = discovery_take(
		    &c->discovery, reply->result, clock_wall_ms());
	scope_note(SCOPE_monitor_discovery, "services=%u outcome=%s",
	    c->discovery.count, err_name(e));
}

static void
look(void *ctx)
{
	struct catalog *c = ctx;
	struct loop *loop = worker_loop(c->worker);
	uint64_t now_ms = loop_now_ms(loop);

	if (c->question == NULL)
		c->question = ask(c->worker,
		    &(struct ask_question){.role = ROLE_puller,
			.op = "services.list",
			.deadline_ms = DEADLINE_MS,
			.done = answered,
			.ctx = c});
	discovery_export(&c->discovery, now_ms, clock_wall_ms());
	loop_timer_start(loop, &c->timer, now_ms + ASK_MS);
}

static struct discovery_rules
rules_of(const struct settings *s)
{
	return (struct discovery_rules){
	    .exports = settings_bool(s, SETTING_discovery_summary_export),
	    .interval_ms =
		settings_u64(s, SETTING_discovery_summary_interval_s) * 1000};
}

struct catalog *
catalog_open(struct monitor *own)
{
	struct catalog *c = MEMORY_NEW(struct catalog);
	struct discovery_rules rules = rules_of(worker_settings(own->worker));
	struct loop *loop = worker_loop(own->worker);

	c->worker = own->worker;
	discovery_init(&c->discovery, &rules);
	c->timer = (struct loop_timer){.due = look, .ctx = c};
	loop_timer_start(loop, &c->timer, loop_now_ms(loop) + 1);
	return c;
}

void
catalog_close(struct catalog **c)
{
	if (*c == NULL)
		return;
	ask_cancel(&(*c)->question);
	loop_timer_stop(worker_loop((*c)->worker), &(*c)->timer);
	memory_free(*c);
	*c = NULL;
}

void
catalog_settings(struct catalog *c, const struct settings *s)
{
	c->discovery.rules = rules_of(s);
	c->discovery.export_due_ms = 0;
}

const struct discovery *
catalog_discovery(const struct catalog *c)
{
	return &c->discovery;
}

uint64_t
catalog_audit_lines(struct catalog *c, const char *path)
{
	return line_count_look(&c->audit, path);
}
