// SPDX-License-Identifier: MIT
/* tracer_commands - `banyan tracer …`: the request tracer at run time. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/pack.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/trace_hub.h"

static struct trace_hub *
hub_of(struct worker *w)
{
	struct monitor *own = worker_state(w);

	return own->traces;
}

static void
pack_names(
    struct packer *p, const char *name, const struct tracer *t, bool is_user)
{
	uint32_t count = 0;

	pack_string(p, name);
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tracer_key *k = t->keys[i];

		if (k->is_user != is_user)
			continue;
		pack_text(p, (struct text){k->name, k->len});
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_files(struct packer *p, const struct tracer *t)
{
	pack_string(p, "files");
	pack_map(p, t->count);
	for (uint32_t i = 0; i < t->count; i++)
		pack_field_u64(
		    p, t->keys[i]->file.path, t->keys[i]->file.bytes);
}

static uint64_t
lost(const struct tracer *t)
{
	uint64_t sum = t->lost;

	for (uint32_t i = 0; i < t->count; i++)
		sum += t->keys[i]->file.lost;
	return sum;
}

static const char *
error_of(const struct tracer *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->keys[i]->file.error != 0)
			return strerror(t->keys[i]->file.error);
	return "";
}

static const char *
level_name(enum log_level level)
{
	static const char *const names[] = {
	    [LOG_DEBUG] = "debug",
	    [LOG_INFO] = "info",
	    [LOG_WARN] = "warn",
	    [LOG_ERROR] = "error",
	    [LOG_FATAL] = "fatal",
	};

	return names[level];
}

static void
answer_status(struct trace_hub *hub, struct command *command)
{
	const struct tracer *t = &hub->tracer;
	struct packer *p = command->result;

	pack_map(p, 11);
	pack_field_bool(p, "started", true);
	pack_field_bool(p, "enabled", t->is_enabled);
	pack_names(p, "request_types", t, false);
	pack_names(p, "user_ids", t, true);
	pack_field_string(p, "log_dir", t->folder);
	pack_field_u64(p, "max_file_bytes", t->max_file_bytes);
	pack_field_u64(p, "max_backup_files", t->max_backup_files);
	pack_field_string(p, "log_level", level_name(t->log_level));
	pack_files(p, t);
	pack_field_u64(p, "lost", lost(t));
	pack_field_string(p, "error", error_of(t));
}

void
monitor_cmd_tracer_status(struct worker *w, struct command *command)
{
	answer_status(hub_of(w), command);
}

/* change makes one key, or the whole tracer, wanted or not. */
static enum err
change(struct trace_hub *hub, bool on, struct text kind, struct text key)
{
	struct tracer *t = &hub->tracer;
	bool is_user = text_is(kind, "user") || text_is(kind, "user-id") ||
	    text_is(kind, "user_id");

	if (kind.len == 0) {
		t->is_enabled = on;
		return OK;
	}
	if (!is_user && !text_is(kind, "request-type") &&
	    !text_is(kind, "request_type"))
		return ERR_NOT_FOUND;
	if (key.len == 0)
		return ERR_MISSING;
	if (!on) {
		(void)tracer_remove(t, is_user, key);
		return OK;
	}
	if (tracer_find(t, is_user, key) != NULL)
		return OK;
	return tracer_add(t, is_user, key, ++hub->traces.last_id);
}

static void
switch_it(struct worker *w, struct command *command, bool on)
{
	struct trace_hub *hub = hub_of(w);
	struct text kind = TEXT(""), key = TEXT("");

	trace_hub_read(hub);
	enum err e = command_text(command, "kind", &kind) == ERR_TYPE ||
		command_text(command, "key", &key) == ERR_TYPE
	    ? ERR_TYPE
	    : change(hub, on, kind, key);
	if (e == OK)
		e = trace_hub_publish(hub);
	if (e == OK) {
		answer_status(hub, command);
		return;
	}
	if (e == ERR_FULL && on && key.len > 0 &&
	    change(hub, false, kind, key) != OK)
		e = ERR_FULL; /* as it was before */
	command_fail(command, e == ERR_FULL ? CLASS_REFUSED : CLASS_INVALID,
	    "banyan tracer enable request-type get_user; … user u7",
	    e == ERR_FULL ? "%.*s: there are too many keys already"
			  : "`%.*s` needs `request-type NAME` or `user ID`",
	    TEXT_ARG(kind));
}

void
monitor_cmd_tracer_enable(struct worker *w, struct command *command)
{
	switch_it(w, command, true);
}

void
monitor_cmd_tracer_disable(struct worker *w, struct command *command)
{
	switch_it(w, command, false);
}

void
monitor_cmd_tracer_clear(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);

	trace_hub_read(hub);
	tracer_clear(&hub->tracer);
	if (trace_hub_publish(hub) == OK)
		answer_status(hub, command);
	else
		command_fail(command, CLASS_INTERNAL, NULL,
		    "the traces in force could not be changed");
}

void
monitor_cmd_tracer_flush(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);

	trace_hub_read(hub);
	if (tracer_flush(&hub->tracer))
		answer_status(hub, command);
	else
		command_fail(command, CLASS_UNAVAILABLE,
		    "make room there, or `banyan tracer configure --log-dir "
		    "PATH`",
		    "%s: %s", hub->tracer.folder, error_of(&hub->tracer));
}

/* configure changes what files opened from now on go by. */
void
monitor_cmd_tracer_configure(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct tracer *t = &hub->tracer;
	uint64_t bytes = t->max_file_bytes, backups = t->max_backup_files;
	struct text folder = text_of(t->folder);

	if (command_text(command, "log_dir", &folder) == ERR_TYPE ||
	    folder.len == 0 || *folder.at != '/' ||
	    folder.len >= sizeof(t->folder) - TRACE_KEY_BYTES - 48 ||
	    command_u64(command, "max_file_bytes", &bytes) == ERR_TYPE ||
	    bytes < 1024 ||
	    command_u64(command, "max_backup_files", &backups) == ERR_TYPE ||
	    backups > 100) {
		command_fail(command, CLASS_INVALID, NULL,
		    "--log-dir takes an absolute path, --max-file-bytes at "
		    "least 1024, --max-backup-files 0 to 100");
		return;
	}
	char path[TRACER_PATH];
	snprintf(path, sizeof(path), "%.*s", TEXT_ARG(folder));
	memcpy(t->folder, path, sizeof(path));
	t->max_file_bytes = bytes;
	t->max_backup_files = (uint32_t)backups;
	answer_status(hub, command);
}
