// SPDX-License-Identifier: MIT
#include "workers/monitor/checkup.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocol/base/err.h"

const char *
checkup_level_name(enum checkup_level level)
{
	static const char *const names[] = {"ok", "warning", "error"};

	return names[level];
}

const char *
checkup_status(const struct checkup *c)
{
	return c->errors > 0  ? "unhealthy"
	    : c->warnings > 0 ? "degraded"
			      : "healthy";
}

static void PRINTF(3, 4) say(
    struct checkup_result *r, enum checkup_level level, const char *fmt, ...)
{
	va_list args;

	r->level = level;
	va_start(args, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, args);
	va_end(args);
}

static void
check_processes(const struct checkup_facts *f, struct checkup_result *r)
{
	r->name = "System Processes";
	if (!f->supervisor_is_alive)
		say(r, CHECKUP_ERROR,
		    "the supervisor has not turned for %llu ms",
		    (unsigned long long)f->supervisor_silent_ms);
	else if (f->gateways_alive == 0)
		say(r, CHECKUP_ERROR, "no gateway is up");
	else
		say(r, CHECKUP_OK, "supervisor and %u gateways are up",
		    f->gateways_alive);
}

static void
check_configuration(const struct checkup_facts *f, struct checkup_result *r)
{
	r->name = "Configuration";
	if (!f->config_is_read)
		say(r, CHECKUP_ERROR, "the settings file cannot be read: %s",
		    f->config_problem);
	else if (!f->config_is_valid)
		say(r, CHECKUP_ERROR, "a reload would be refused: %s",
		    f->config_problem);
	else
		say(r, CHECKUP_OK, "the settings file is valid");
}

static void
check_resources(const struct checkup_facts *f, struct checkup_result *r)
{
	double worst = f->memory_percent > f->process_percent
	    ? f->memory_percent
	    : f->process_percent;
	enum checkup_level level = worst > f->error_percent ? CHECKUP_ERROR
	    : worst > f->warning_percent                    ? CHECKUP_WARNING
							    : CHECKUP_OK;

	r->name = "Resource Usage";
	say(r, level, "memory %.1f %%, processes %.1f %% (limits %u and %u %%)",
	    f->memory_percent, f->process_percent, f->warning_percent,
	    f->error_percent);
}

static void
check_tree(const struct checkup_facts *f, struct checkup_result *r)
{
	r->name = "Supervision Tree";
	if (f->children == 0)
		say(r, CHECKUP_ERROR, "the supervisor's table is empty");
	else if (f->children_alive < f->children)
		say(r, CHECKUP_WARNING, "%u of %u alive", f->children_alive,
		    f->children);
	else
		say(r, CHECKUP_OK, "all %u alive", f->children);
}

static void
check_subscriptions(const struct checkup_facts *f, struct checkup_result *r)
{
	r->name = "Subscription Health";
	if (f->subscriptions_failed > 0)
		say(r, CHECKUP_ERROR, "%u of %u failed",
		    f->subscriptions_failed, f->subscriptions);
	else if (!f->relay_is_alive)
		say(r, CHECKUP_WARNING, "cannot be looked at: relay is down");
	else if (f->subscriptions_degraded > 0)
		say(r, CHECKUP_WARNING, "%u of %u degraded",
		    f->subscriptions_degraded, f->subscriptions);
	else
		say(r, CHECKUP_OK, "%u healthy", f->subscriptions);
}

void
checkup_run(const struct checkup_facts *f, struct checkup *c)
{
	static void (*const checks[CHECKUP_CHECKS])(
	    const struct checkup_facts *, struct checkup_result *) = {
	    check_processes, check_configuration, check_resources, check_tree,
	    check_subscriptions};

	*c = (struct checkup){.errors = 0};
	for (int i = 0; i < CHECKUP_CHECKS; i++) {
		checks[i](f, &c->results[i]);
		c->errors += c->results[i].level == CHECKUP_ERROR;
		c->warnings += c->results[i].level == CHECKUP_WARNING;
	}
}
