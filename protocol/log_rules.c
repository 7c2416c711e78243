// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What the settings choose and what operators asked for at run time are kept
 * apart and put together at each look: when a temporary level or scope ends,
 * what the settings say holds again without anybody doing anything.
 */

#include "protocol/log_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "protocol/base/log_text.h"
#include "protocol/handover.h"

enum {
	FIELDS = 1024
};

static struct {
	struct log_choice chosen;
	struct log_watched watched;
} rules = {.chosen = {
	       .level = LOG_INFO,
	       .is_boxed = true,
	       .tells_actions = true,
	       .tells_health = true,
	   }};

uint64_t log_rules_scopes;

/* Before the settings are read: what level info says. */
bool log_rules_events[EVENT_IDS] = {
#define DEBUG               false
#define INFO                true
#define WARN                true
#define ERROR               true
#define FATAL               true
#define E(name, level, ...) [EVENT_##name] = level,
    EVENTS(E)
#undef E
#undef DEBUG
#undef INFO
#undef WARN
#undef ERROR
#undef FATAL
};

/* The scope of an event's line, + 1; 0: none. */
static const uint8_t event_scopes[EVENT_IDS] = {
#define SE(event, scope) [EVENT_##event] = SCOPE_##scope + 1,
    LOG_SCOPE_EVENTS(SE)
#undef SE
};

static const uint8_t event_kinds[EVENT_IDS] = {
#define LK(event, kind) [EVENT_##event] = LOG_##kind,
    LOG_KINDS(LK)
#undef LK
};

static const struct {
	enum event event;
	struct log_box box;
} boxes[] = {
#define LB(event, component, title, rows) {EVENT_##event, {title, rows}},
    LOG_BOX_TABLE(LB)
#undef LB
};

static enum log_kind
kind_of(enum event id)
{
	if (event_level(id) >= LOG_WARN && event_kinds[id] == LOG_OTHER)
		return LOG_FAILURE;
	return (enum log_kind)event_kinds[id];
}

static bool
is_silenced(enum event id)
{
	enum log_kind kind = (enum log_kind)event_kinds[id];

	if ((rules.watched.mute[id / 64 % LOG_WATCH_MUTE_WORDS] >> (id % 64) &
		1) != 0)
		return true;
	return (kind == LOG_ACTION && !rules.chosen.tells_actions) ||
	    (kind == LOG_HEALTH && !rules.chosen.tells_health);
}

static bool
is_wanted(enum event id)
{
	enum log_level level = event_level(id);

	if (level >= LOG_WARN)
		return log_wants(level);
	if (!log_wants(level) &&
	    (event_scopes[id] == 0 ||
		!scope_is_on((enum log_scope)(event_scopes[id] - 1))))
		return false;
	return !is_silenced(id);
}

static void
put_together(void)
{
	enum log_level level =
	    rules.watched.has_level ? rules.watched.level : rules.chosen.level;

	log_set_level(level);
	log_rules_scopes = rules.chosen.scopes | rules.watched.scopes;
	if (level == LOG_DEBUG)
		log_rules_scopes |= ((uint64_t)1 << LOG_SCOPES) - 1;
	log_listen(rules.watched.is_tailed ? event_line : NULL);
	for (uint32_t i = 0; i < EVENT_IDS; i++)
		log_rules_events[i] = is_wanted((enum event)i);
}

void
log_rules_set(const struct log_choice *choice)
{
	rules.chosen = *choice;
	put_together();
}

void
log_rules_look(const struct log_watch *words, uint64_t now_ms)
{
	log_watch_read(words, now_ms, &rules.watched);
	put_together();
}

static bool
is_yes(const char *value)
{
	static const char *const words[] = {
	    "1", "true", "yes", "on", "enabled", "debug"};

	for (size_t i = 0; value != NULL && i < COUNT_OF(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

uint64_t
log_rules_environment(void)
{
	uint64_t mask = 0;
	char name[64];

	for (uint32_t i = LOG_SCOPES; i < LOG_SWITCH_END; i++) {
		snprintf(name, sizeof(name), ENV_DEBUG_PREFIX "%s",
		    log_scope_info((enum log_scope)i)->suffix);
		if (is_yes(getenv(name)))
			mask |= (uint64_t)1 << i;
	}
	return mask;
}

void
log_rules_write(enum event id, char *fields)
{
	log_write(event_level(id), kind_of(id), event_name(id), fields);
	if (!rules.chosen.is_boxed || !log_is_terminal())
		return;
	for (size_t i = 0; i < COUNT_OF(boxes); i++)
		if (boxes[i].event == id)
			log_draw(&boxes[i].box, event_level(id), kind_of(id),
			    event_name(id), fields);
}

void
log_rules_scope(enum log_scope scope, const char *fmt, ...)
{
	char fields[FIELDS];
	va_list args;

	va_start(args, fmt);
	vsnprintf(fields, sizeof(fields), fmt, args);
	va_end(args);
	log_write(LOG_DEBUG, LOG_OTHER, log_scope_info(scope)->name, fields);
}

void
log_rules_diag(enum log_scope which, const char *tag, const char *fmt, ...)
{
	char fields[FIELDS], event[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(fields, sizeof(fields), fmt, args);
	va_end(args);
	snprintf(event, sizeof(event), "[DIAG_%s]",
	    tag != NULL ? tag : log_scope_info(which)->suffix);
	log_write(LOG_WARN, LOG_OTHER, event, fields);
}
