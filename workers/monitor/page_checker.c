// SPDX-License-Identifier: MIT
/* page_checker - POST /health/run and `banyan health check`: a round of the
 * health checker, now. */

#include "protocol/base/clock.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/checker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/tell.h"

static void
pack_checkup(struct packer *p, const struct checkup *c)
{
	pack_map(p, 5);
	pack_field_string(p, "status", checkup_status(c));
	pack_string(p, "results");
	pack_array(p, CHECKUP_CHECKS);
	for (int i = 0; i < CHECKUP_CHECKS; i++) {
		const struct checkup_result *r = &c->results[i];

		pack_map(p, 3);
		pack_field_string(p, "check", r->name);
		pack_field_string(p, "result", checkup_level_name(r->level));
		pack_field_string(p, "details", r->text);
	}
	pack_field_u64(p, "errors", c->errors);
	pack_field_u64(p, "warnings", c->warnings);
	tell_time(p, "checked_at", clock_wall_ms());
}

static void
came(void *ctx, const struct checkup *outcome)
{
	struct page *page = ctx;

	pack_map(page->out, 1);
	pack_string(page->out, "health_check");
	pack_checkup(page->out, outcome);
	page_finish(page, PAGE_OK);
}

enum page_status
page_health_run(struct page *page)
{
	if (!checker_run(page->monitor->checker, came, page))
		return page_fail(page, PAGE_TOO_MANY,
		    "many wait for a health check already");
	return page_park(page);
}

void
monitor_cmd_health_check(struct worker *w, struct command *command)
{
	page_answer_command(w, command, page_health_run);
}
