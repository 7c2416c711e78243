// SPDX-License-Identifier: MIT
/* telemetry_commands - `banyan telemetry …`, as the monitor answers it. */

#include <stdlib.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/pack.h"
#include "workers/monitor/handler_desk.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/telemetry_desk.h"

enum {
	LEASE_MS = 6000,
	ATTACH_MOST_S = 30 * 86400
};

static struct telemetry_desk *
desk_of(struct worker *w)
{
	struct monitor *m = worker_state(w);

	return m->telemetry;
}

/* --- what was asked for --- */

/* choose_arg adds what one argument names; false: the command has failed. */
static bool
choose_arg(struct command *command, const char *key, enum telemetry_by by,
    struct telemetry_choice *to, bool *is_any)
{
	struct text list, wrong;

	if (command_text(command, key, &list) != OK)
		return true;
	*is_any = true;
	if (telemetry_choose(to, by, list, &wrong) == OK)
		return true;
	command_fail(command, CLASS_INVALID,
	    "the events there are: banyan telemetry events",
	    "no event is named by --%s %.*s", key, TEXT_ARG(wrong));
	return false;
}

/* choose reads --match, --event and --category; nothing means all. */
static bool
choose(struct command *command, struct telemetry_choice *to)
{
	bool is_any = false;

	memset(to, 0, sizeof(*to));
	if (!choose_arg(command, "match", TELEMETRY_BY_MATCH, to, &is_any) ||
	    !choose_arg(command, "event", TELEMETRY_BY_EVENT, to, &is_any) ||
	    !choose_arg(
		command, "category", TELEMETRY_BY_CATEGORY, to, &is_any))
		return false;
	for (int id = 0; id < EVENT_IDS && !is_any; id++)
		telemetry_add(to, (enum event)id);
	return true;
}

/* note_match keeps what was asked for as it was typed, to be shown. */
static void
note_match(const struct command *command, struct attachment *item)
{
	static const char *const keys[] = {"match", "event", "category"};
	size_t used = 0;

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct text word;

		if (command_text(command, keys[i], &word) != OK)
			continue;
		if (used > 0 && used < sizeof(item->match) - 1)
			item->match[used++] = ' ';
		uint32_t room = (uint32_t)(sizeof(item->match) - 1 - used);
		uint32_t len = word.len < room ? word.len : room;
		memcpy(item->match + used, word.at, len);
		used += len;
	}
	if (used == 0)
		memcpy(item->match, "*", 2);
}

static void
put(struct worker *w, struct command *command, struct text name,
    const struct attachment *item)
{
	struct telemetry_desk *d = desk_of(w);
	enum err e = attachments_put(&d->attachments, name, item);

	if (e == ERR_EXISTS)
		command_fail(command, CLASS_EXISTS,
		    "another name, or first: banyan telemetry detach NAME",
		    "%.*s is attached already", TEXT_ARG(name));
	else if (e == ERR_FULL)
		command_fail(command, CLASS_REFUSED,
		    "see who they are: banyan telemetry status",
		    "%d are attached, no more fit", ATTACHMENTS);
	else if (e != OK)
		command_fail(command, CLASS_INVALID, NULL,
		    "a name has 1 to %d bytes", ATTACHMENT_NAME - 1);
	if (e != OK)
		return;
	telemetry_desk_changed(d);
	pack_map(command->result, 3);
	pack_string(command->result, "name");
	pack_text(command->result, name);
	pack_field_string(command->result, "match", item->match);
	pack_field_u64(command->result, "until_ms", item->until_ms);
}

void
monitor_cmd_telemetry_attach(struct worker *w, struct command *command)
{
	struct attachment item = {0};
	struct text name = {0};
	uint64_t seconds = 0;

	if (command_text(command, "name", &name) != OK) {
		command_fail(command, CLASS_INVALID, NULL, "a name is missing");
		return;
	}
	if (!choose(command, &item.choice))
		return;
	if (command_u64(command, "for", &seconds) == ERR_TYPE ||
	    seconds > ATTACH_MOST_S) {
		command_fail(command, CLASS_INVALID, "--for 600",
		    "--for wants seconds, at most %d", ATTACH_MOST_S);
		return;
	}
	if (command_bool(command, "log", &item.is_logged) == ERR_TYPE) {
		command_fail(
		    command, CLASS_INVALID, "--log", "log is true or false");
		return;
	}
	note_match(command, &item);
	item.until_ms = seconds > 0 ? clock_wall_ms() + seconds * 1000 : 0;
	put(w, command, name, &item);
}

static void
detach(struct worker *w, struct command *command, struct text name,
    uint64_t holder)
{
	struct telemetry_desk *d = desk_of(w);

	if (attachments_remove(&d->attachments, name, holder) != OK) {
		command_fail(command, CLASS_NOT_FOUND,
		    "see who is: banyan telemetry status",
		    "nobody named %.*s is attached", TEXT_ARG(name));
		return;
	}
	telemetry_desk_changed(d);
	pack_map(command->result, 1);
	pack_string(command->result, "detached");
	pack_text(command->result, name);
}

void
monitor_cmd_telemetry_detach(struct worker *w, struct command *command)
{
	struct text name = {0};

	if (command_text(command, "name", &name) != OK)
		command_fail(command, CLASS_INVALID, NULL, "a name is missing");
	else
		detach(w, command, name, 0);
}

void
monitor_cmd_telemetry_lease(struct worker *w, struct command *command)
{
	struct attachment item = {0};
	struct text name = {0};
	bool is_end = false;

	if (command_text(command, "name", &name) != OK ||
	    command_u64(command, "holder", &item.holder) != OK ||
	    item.holder == 0 ||
	    command_bool(command, "end", &is_end) == ERR_TYPE) {
		command_fail(command, CLASS_INVALID, NULL,
		    "a lease wants a name, a number that is its holder's, and "
		    "end as true or false");
		return;
	}
	if (is_end) {
		detach(w, command, name, item.holder);
		return;
	}
	if (!choose(command, &item.choice))
		return;
	note_match(command, &item);
	item.until_ms = clock_wall_ms() + LEASE_MS;
	put(w, command, name, &item);
}

/* --- what there is --- */

static void
pack_keys(struct packer *p, const char *keys)
{
	size_t place = pack_open(p);
	uint32_t count = 0;

	while (*keys != '\0') {
		size_t word = strcspn(keys, " ");
		size_t len = strcspn(keys, " ?#");

		pack_text(p, (struct text){keys, (uint32_t)len});
		count++;
		keys += word + (keys[word] == ' ');
	}
	pack_close_array(p, place, count);
}

static void
pack_event(struct packer *p, const struct telemetry_desk *d, enum event id)
{
	const struct telemetry_row *row = telemetry_row(id);
	struct telemetry_choice mask;

	attachments_mask(&d->attachments, &mask);
	pack_map(p, 9);
	pack_field_string(p, "event", row->name);
	pack_field_string(
	    p, "category", telemetry_category_name(row->category));
	pack_field_bool(p, "attached", telemetry_has(&mask, id));
	pack_field_bool(p, "always", event_is_of_life(id));
	pack_field_u64(p, "total", telemetry_desk_total(d, id));
	pack_string(p, "per_second");
	pack_f64(
	    p, (double)(int64_t)(telemetry_desk_rate(d, id) * 100 + 0.5) / 100);
	pack_string(p, "measurements");
	pack_keys(p, row->measurements);
	pack_string(p, "metadata");
	pack_keys(p, row->metadata);
	pack_field_string(p, "meaning", event_meaning(id));
}

void
monitor_cmd_telemetry_events(struct worker *w, struct command *command)
{
	const struct telemetry_desk *d = desk_of(w);
	struct packer *p = command->result;
	struct telemetry_choice choice;
	uint32_t count = 0;

	if (!choose(command, &choice))
		return;
	pack_map(p, 1);
	pack_string(p, "events");
	size_t place = pack_open(p);
	for (int category = 0; category < TELEMETRY_CATEGORY_COUNT; category++)
		for (int id = 0; id < EVENT_IDS; id++) {
			const struct telemetry_row *row =
			    telemetry_row((enum event)id);

			if (row == NULL || (int)row->category != category ||
			    !telemetry_has(&choice, (enum event)id))
				continue;
			pack_event(p, d, (enum event)id);
			count++;
		}
	pack_close_array(p, place, count);
}

static uint32_t
chosen(const struct telemetry_choice *choice)
{
	uint32_t count = 0;

	for (int id = 0; id < EVENT_IDS; id++)
		count += telemetry_has(choice, (enum event)id);
	return count;
}

static void
pack_attachments(struct packer *p, const struct attachments *a)
{
	uint64_t now_ms = clock_wall_ms();

	pack_array(p, attachments_count(a));
	for (int i = 0; i < ATTACHMENTS; i++) {
		const struct attachment *item = &a->items[i];

		if (item->name[0] == '\0')
			continue;
		pack_map(p, 6);
		pack_field_string(p, "name", item->name);
		pack_field_string(p, "match", item->match);
		pack_field_u64(p, "events", chosen(&item->choice));
		pack_field_bool(p, "is_lease", item->holder != 0);
		pack_field_bool(p, "logs", item->is_logged);
		pack_string(p, "left_s");
		if (item->until_ms == 0)
			pack_nil(p);
		else
			pack_u64(p,
			    item->until_ms > now_ms
				? (item->until_ms - now_ms + 999) / 1000
				: 0);
	}
}

void
monitor_cmd_telemetry_status(struct worker *w, struct command *command)
{
	const struct telemetry_desk *d = desk_of(w);
	const struct attach_control *control = &d->attachments.control;
	struct packer *p = command->result;
	struct telemetry_choice mask;

	attachments_mask(&d->attachments, &mask);
	pack_map(p, 12);
	pack_field_bool(p, "enabled", !control->is_off);
	pack_string(p, "sampling");
	pack_f64(p, (double)control->sampling / SAMPLING_WHOLE);
	pack_field_u64(p, "sampled_events", chosen(&control->sampled));
	pack_field_u64(p, "allowed_events", chosen(&control->allowed));
	pack_field_u64(p, "recorded_events", chosen(&mask));
	pack_field_u64(p, "told", d->feed.told);
	pack_field_u64(p, "missed", d->feed.missed);
	pack_field_u64(p, "skipped", telemetry_desk_skipped(d));
	pack_field_u64(p, "published", d->published);
	pack_field_u64(p, "withheld", d->withheld);
	pack_string(p, "attachments");
	pack_attachments(p, &d->attachments);
	pack_string(p, "handlers");
	handler_desk_pack(d->handlers, p);
}

/* --- what is let through --- */

static bool
control_toggle(struct command *command, struct attach_control *control)
{
	struct text word;

	if (command_text(command, "toggle", &word) != OK)
		return true;
	if (!text_is(word, "on") && !text_is(word, "off")) {
		command_fail(command, CLASS_INVALID, "--toggle on",
		    "--toggle wants on or off");
		return false;
	}
	control->is_off = text_is(word, "off");
	return true;
}

static bool
control_sampling(struct command *command, struct attach_control *control)
{
	struct telemetry_choice choice = {0};
	struct text word;
	char copy[32];
	char *end = copy;
	double part = -1;
	bool is_any = false;

	if (!choose_arg(
		command, "pattern", TELEMETRY_BY_MATCH, &choice, &is_any))
		return false;
	if (command_text(command, "sampling", &word) != OK) {
		if (is_any)
			control->sampled = choice;
		return true;
	}
	if (text_copy(word, copy, sizeof(copy)) == OK)
		part = strtod(copy, &end);
	if (*end != '\0' || end == copy || !(part >= 0 && part <= 1)) {
		command_fail(command, CLASS_INVALID, "--sampling 0.1",
		    "--sampling wants a part between 0.0 and 1.0");
		return false;
	}
	control->sampling = (uint64_t)(part * SAMPLING_WHOLE + 0.5);
	memset(&control->sampled, 0xff, sizeof(control->sampled));
	if (is_any)
		control->sampled = choice;
	return true;
}

static bool
control_filter(struct command *command, struct attach_control *control)
{
	struct telemetry_choice allowed = {0}, denied = {0};
	bool is_allow = false, is_deny = false;

	if (!choose_arg(
		command, "allow", TELEMETRY_BY_MATCH, &allowed, &is_allow) ||
	    !choose_arg(command, "deny", TELEMETRY_BY_MATCH, &denied, &is_deny))
		return false;
	for (size_t i = 0; i < COUNT_OF(allowed.words); i++) {
		if (is_allow)
			control->allowed.words[i] = allowed.words[i];
		control->allowed.words[i] &= ~denied.words[i];
	}
	return true;
}

void
monitor_cmd_telemetry_control(struct worker *w, struct command *command)
{
	struct telemetry_desk *d = desk_of(w);
	struct attach_control control = d->attachments.control;

	if (!control_toggle(command, &control) ||
	    !control_sampling(command, &control) ||
	    !control_filter(command, &control))
		return;
	d->attachments.control = control;
	telemetry_desk_changed(d);
	monitor_cmd_telemetry_status(w, command);
}
