// SPDX-License-Identifier: MIT
/* commands_log - what operators ask of the log at run time. */

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "workers/config_db/config_db.h"
#include "workers/config_db/log_marks.h"

enum {
	FOR_S = 600, /* what is turned on without --for ends by itself */
	FOR_MOST_S = 86400 * 365,
	DETAIL_MOST_S = 86400
};

static const char *const level_words[] = {
    "debug", "info", "warn", "error", "fatal"};

void
config_db_look_at_log(struct config_db *db)
{
	struct log_watch *words =
	    log_watch_at(events_watch_area(worker_events(db->worker)));

	/* a store that cannot be read leaves what holds as it is */
	if (db->store != NULL &&
	    log_marks_publish(
		db->store, words, clock_wall_ms(), clock_mono_ms()) != OK)
		scope_note(SCOPE_config_db_store, "what=log_marks read=no");
	log_rules_look(words, clock_mono_ms());
}

/* read_until gives the end of a mark; false when it was answered. */
static bool
read_until(struct command *command, uint64_t *until_ms)
{
	uint64_t seconds = FOR_S;
	enum err e = command_u64(command, "for", &seconds);

	if ((e != OK && e != ERR_MISSING) || seconds > FOR_MOST_S) {
		command_fail(command, CLASS_INVALID,
		    "0 keeps it until it is removed",
		    "--for takes 0 to %d seconds", FOR_MOST_S);
		return false;
	}
	*until_ms =
	    seconds == 0 ? LOG_WATCH_FOREVER : clock_wall_ms() + seconds * 1000;
	return true;
}

static void
ask_for(struct worker *w, struct command *command, const struct log_mark *m,
    bool is_drop)
{
	char why[256], kind[2] = {(char)m->kind, '\0'};
	struct buffer args;
	struct packer p;

	if (!is_drop && log_mark_problem(m, why, sizeof(why))) {
		command_fail(command, CLASS_INVALID,
		    "see `banyan log scopes`, `banyan help log`", "%s", why);
		return;
	}
	buffer_init(&args, 1024);
	pack_init(&p, &args);
	pack_map(&p, 5);
	pack_field_string(&p, "kind", kind);
	pack_string(&p, "name");
	pack_text(&p, m->name);
	pack_field_u64(&p, "until_ms", m->until_ms);
	pack_field_u64(&p, "level", m->level);
	pack_string(&p, "is_drop");
	pack_bool(&p, is_drop);
	if (pack_finish(&p) == OK)
		config_db_ask(w, command, CHANGE_LOG, buffer_text(&args));
	else
		command_fail(command, CLASS_INVALID, NULL,
		    "a name has %d bytes at most", LOG_MARK_NAME);
	buffer_finish(&args);
}

static void
list_marks(struct worker *w, struct command *command)
{
	struct config_db *db = worker_state(w);
	enum err e = db->store == NULL
	    ? ERR_CLOSED
	    : log_marks_list(db->store, clock_wall_ms(), command->result);

	if (e != OK)
		config_db_unavailable(command, e);
}

/* tell_level: which level holds, who said so, and until when. */
static void
tell_level(struct worker *w, struct command *command)
{
	struct config_db *db = worker_state(w);
	char word[16];
	const char *settings = settings_choice_word(
	    worker_settings(w), SETTING_log_level, word, sizeof(word));
	struct packer *p = command->result;
	uint64_t level = 0, until_ms = LOG_WATCH_FOREVER;
	enum err e = db->store == NULL
	    ? ERR_CLOSED
	    : log_marks_level(db->store, clock_wall_ms(), &level, &until_ms);

	if (e != OK && e != ERR_NOT_FOUND) {
		config_db_unavailable(command, e);
		return;
	}
	pack_map(p, 5);
	pack_field_string(p, "level", e == OK ? level_words[level] : settings);
	pack_field_string(p, "source", e == OK ? "operator" : "settings");
	pack_field_string(p, "settings", settings);
	pack_string(p, "until_ms");
	if (until_ms == LOG_WATCH_FOREVER)
		pack_nil(p);
	else
		pack_u64(p, until_ms);
	pack_string(p, "asked");
	list_marks(w, command);
}

void
config_db_cmd_log_level(struct worker *w, struct command *command)
{
	struct log_mark m = {.kind = LOG_MARK_LEVEL, .name = TEXT("")};
	struct text word;

	if (command_text(command, "level", &word) != OK) {
		tell_level(w, command);
		return;
	}
	if (text_is(word, "settings")) {
		ask_for(w, command, &m, true);
		return;
	}
	while (m.level < COUNT_OF(level_words) &&
	    !text_is(word, level_words[m.level]))
		m.level++;
	if (m.level == COUNT_OF(level_words))
		command_fail(command, CLASS_INVALID,
		    "debug, info, warn, error, fatal; `settings` goes back to "
		    "what the settings say",
		    "there is no level \"%.*s\"", TEXT_ARG(word));
	else if (read_until(command, &m.until_ms))
		ask_for(w, command, &m, false);
}

/* act does what `scope` and `filter` have in common. */
static void
act(struct worker *w, struct command *command, struct log_mark *m,
    const char *key)
{
	struct text action = {0};

	if (command_text(command, "action", &action) != OK ||
	    text_is(action, "list")) {
		list_marks(w, command);
		return;
	}
	if (command_text(command, key, &m->name) != OK)
		m->name = TEXT("");
	if (text_is(action, "add")) {
		if (read_until(command, &m->until_ms))
			ask_for(w, command, m, false);
	} else if (text_is(action, "remove") && m->name.len > 0) {
		ask_for(w, command, m, true);
	} else {
		command_fail(command, CLASS_INVALID, "see `banyan help log`",
		    "add, remove or list, and what");
	}
}

void
config_db_cmd_log_scope(struct worker *w, struct command *command)
{
	struct log_mark m = {.kind = LOG_MARK_SCOPE};

	act(w, command, &m, "scope");
}

void
config_db_cmd_log_filter(struct worker *w, struct command *command)
{
	struct log_mark m = {.kind = LOG_MARK_FILTER};

	act(w, command, &m, "pattern");
}

static void
pack_detail(struct packer *p, uint64_t for_s)
{
	pack_map(p, 2);
	pack_field_bool(p, "detail_error", for_s > 0);
	pack_field_u64(p, "for_s", for_s);
}

/* config_db_cmd_detail_error: in shared memory only, so it always ends. */
void
config_db_cmd_detail_error(struct worker *w, struct command *command)
{
	struct log_watch *words =
	    log_watch_at(events_watch_area(worker_events(w)));
	uint64_t now_ms = clock_mono_ms(), seconds = FOR_S;
	struct text word = {0};
	enum err e = command_text(command, "state", &word);
	enum err number = command_u64(command, "for", &seconds);

	if (e == ERR_MISSING) {
		uint64_t until_ms = log_watch_detail_until(words, now_ms);
		pack_detail(command->result,
		    until_ms == 0 ? 0 : (until_ms - now_ms + 999) / 1000);
		return;
	}
	if (e != OK || (!text_is(word, "on") && !text_is(word, "off"))) {
		command_fail(command, CLASS_INVALID, NULL,
		    "detail-error takes on or off");
		return;
	}
	if ((number != OK && number != ERR_MISSING) || seconds == 0 ||
	    seconds > DETAIL_MOST_S) {
		command_fail(command, CLASS_INVALID,
		    "request.detail_error in the settings has no end",
		    "--for takes 1 to %d seconds", DETAIL_MOST_S);
		return;
	}
	if (text_is(word, "off"))
		seconds = 0;
	log_watch_detail(words, seconds == 0 ? 0 : now_ms + seconds * 1000);
	pack_detail(command->result, seconds);
}

/* config_db_cmd_log_scopes tells every scope there is, and which are on. */
void
config_db_cmd_log_scopes(struct worker *w, struct command *command)
{
	const struct log_watch *words =
	    log_watch_at(events_watch_area(worker_events(w)));
	struct packer *p = command->result;
	uint64_t now_ms = clock_mono_ms();

	pack_array(p, LOG_SWITCH_END);
	for (uint32_t i = 0; i < LOG_SWITCH_END; i++) {
		const struct log_scope_info *info =
		    log_scope_info((enum log_scope)i);
		uint64_t until_ms =
		    log_watch_scope_until(words, (enum log_scope)i, now_ms);

		pack_map(p, 4);
		pack_field_string(p, "scope", info->name);
		pack_string(p, "is_on");
		pack_bool(p, until_ms != 0 || scope_is_on((enum log_scope)i));
		pack_string(p, "for_s");
		if (until_ms <= LOG_WATCH_FOREVER)
			pack_nil(p);
		else
			pack_u64(p, (until_ms - now_ms) / 1000);
		pack_field_string(p, "meaning", info->meaning);
	}
}
