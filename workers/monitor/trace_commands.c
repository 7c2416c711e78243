// SPDX-License-Identifier: MIT
/* trace_commands - `banyan trace start|stop|status`. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats_tree.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/trace_hub.h"

enum {
	RATE = 1000, /* records a second, of each process */
	RATE_MOST = 100000,
	RECORDS = 100000, /* until a trace ends */
	FOR_MS = 60000,
	FOR_MOST_MS = 24 * 3600 * 1000,
	WORD = 2 * TRACE_KEY_BYTES + 40
};

static struct trace_hub *
hub_of(struct worker *w)
{
	struct monitor *own = worker_state(w);

	return own->traces;
}

/* --- start --- */

static void
fail_flag(struct command *command, struct text wrong)
{
	command_fail(command, CLASS_INVALID,
	    "flags: call return_to return_trace procs ports timestamp "
	    "cpu_timestamp arity silent",
	    "invalid_trace_flag: `%.*s`", TEXT_ARG(wrong));
}

/* read_key takes a filter that is one name: a user, a request. */
static enum err
read_key(struct text value, enum trace_kind kind, struct trace_filter *f)
{
	if (value.len == 0 || value.len > TRACE_KEY_BYTES)
		return ERR_MALFORMED;
	f->kind = kind;
	f->key = value;
	return OK;
}

static enum err
read_either(struct text value, struct trace_filter *f)
{
	enum err e = trace_target_read(value, f);

	return e == OK ? OK : trace_function_read(value, f);
}

/* read_what takes exactly one of the ways to say what is traced. */
static bool
read_what(struct command *command, struct trace_filter *f)
{
	static const char *const keys[] = {
	    "target", "process", "function", "user", "request"};
	struct text value, found = TEXT("");
	uint32_t which = 0, count = 0;
	enum err e = ERR_MISSING;

	for (uint32_t i = 0; i < COUNT_OF(keys); i++) {
		if (command_text(command, keys[i], &value) != OK)
			continue;
		which = i;
		found = value;
		count++;
	}
	if (count != 1) {
		command_fail(command, CLASS_INVALID,
		    "banyan trace start --user u7",
		    "say what to trace: one of TARGET, --user, --function, "
		    "--request, --process");
		return false;
	}
	if (which == 0)
		e = read_either(found, f);
	else if (which == 1)
		e = trace_target_read(found, f);
	else if (which == 2)
		e = trace_function_read(found, f);
	else
		e = read_key(found, which == 3 ? TRACE_USER : TRACE_REQUEST, f);
	if (e == OK)
		return true;
	command_fail(command, CLASS_INVALID,
	    which == 2 ? "service/request_type, module.function, "
			 "module.function/2, module.function/_ or all"
		       : "all, processes, ports, existing, new, …, a role, "
			 "role/N or a pid; or a function",
	    "%s: `%.*s`", which == 2 ? "invalid_mfa" : "invalid_trace_target",
	    TEXT_ARG(found));
	return false;
}

/* read_number reads one with a default, and fails the command on nonsense. */
static bool
read_number(struct command *command, const char *key, uint64_t least,
    uint64_t most, uint64_t *to)
{
	enum err e = command_u64(command, key, to);

	if (e == ERR_MISSING || (e == OK && *to >= least && *to <= most))
		return true;
	command_fail(command, CLASS_INVALID, NULL,
	    "--%s takes a number from %" PRIu64 " to %" PRIu64, key, least,
	    most);
	return false;
}

static bool
read_limits(struct command *command, uint64_t now_ms, struct trace_filter *f)
{
	uint64_t rate = RATE, for_ms = FOR_MS, most = RECORDS;

	if (!read_number(command, "rate", 1, RATE_MOST, &rate) ||
	    !read_number(command, "count", 1, UINT32_MAX, &most) ||
	    !read_number(command, "for", 1, FOR_MOST_MS, &for_ms))
		return false;
	f->per_second = (uint32_t)rate;
	f->most = (uint32_t)most;
	f->started_ms = now_ms;
	f->until_ms = now_ms + for_ms;
	return true;
}

/* matching counts the processes that a trace reaches now. */
static uint32_t
matching(struct worker *w, const struct trace_filter *f)
{
	struct stats_child child;
	uint32_t count = 0;

	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++) {
		if (stats_child_get(worker_stats(w), i, &child) != OK ||
		    child.state != CHILD_UP)
			continue;
		const struct trace_process p = {.role = (enum role)child.role,
		    .instance = child.instance,
		    .pid = child.pid,
		    .born_ms = child.started_ms};
		count += f->kind == TRACE_PROCESS
		    ? trace_filter_has_process(f, &p)
		    : child.role == ROLE_gateway;
	}
	return count;
}

static void
pack_flags(struct packer *p, uint32_t flags)
{
	uint32_t count = 0;
	size_t place;

	pack_string(p, "flags");
	place = pack_open(p);
	for (uint32_t i = 0; trace_flag_name(i) != NULL; i++) {
		if ((flags >> i & 1) == 0)
			continue;
		pack_string(p, trace_flag_name(i));
		count++;
	}
	pack_close_array(p, place, count);
}

static void
answer_start(struct worker *w, struct command *command, const struct trace *t)
{
	struct packer *p = command->result;
	char word[WORD];

	trace_filter_word(&t->filter, word, sizeof(word));
	pack_map(p, 8);
	pack_field_u64(p, "id", t->filter.id);
	pack_field_string(p, "target", word);
	pack_field_string(p, "tracer", "monitor");
	pack_flags(p, t->filter.flags);
	pack_string(p, "results");
	pack_map(p, 1);
	pack_field_u64(p, word, matching(w, &t->filter));
	pack_field_u64(p, "rate", t->filter.per_second);
	pack_field_u64(p, "count", t->filter.most);
	pack_field_u64(p, "for_ms", t->filter.until_ms - t->filter.started_ms);
}

void
monitor_cmd_trace_start(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct trace_filter f = {.arity = TRACE_ANY_ARITY};
	struct text flags = TEXT(""), wrong;
	struct trace *t;

	if (!read_what(command, &f) ||
	    !read_limits(command, trace_hub_now_ms(hub), &f))
		return;
	if (command_text(command, "flags", &flags) == ERR_TYPE ||
	    trace_flags_read(flags, &f.flags, &wrong) != OK) {
		fail_flag(command, flags.len > 0 ? wrong : TEXT("?"));
		return;
	}
	enum err e = traces_start(&hub->traces, &f, &t);
	if (e == OK)
		trace_counts_clear(
		    trace_watch_counts(&hub->watch), t->filter.place);
	if (e == OK && trace_hub_publish(hub) != OK) {
		traces_stop(&hub->traces, t->filter.id, f.started_ms);
		e = ERR_FULL;
	}
	if (e != OK)
		command_fail(command, CLASS_REFUSED,
		    "`banyan trace stop` ends one; `banyan trace status` "
		    "lists them",
		    "there are %u traces already, or their names are too "
		    "long together",
		    traces_running(&hub->traces));
	else
		answer_start(w, command, t);
}

/* --- stop --- */

/* id_of finds the trace an operator means: its id, or what it is after, in
 * the words of `trace status` or in those it was started with. */
static bool
id_of(const struct traces *t, struct text word, uint32_t *id)
{
	struct trace_filter f = {.arity = TRACE_ANY_ARITY};
	char own[WORD], meant[WORD] = "";
	uint64_t number;

	*id = 0;
	if (word.len == 0 || text_is(word, "all") || text_is(word, ":all"))
		return true;
	if (text_to_u64(word, &number) != OK && read_either(word, &f) == OK)
		trace_filter_word(&f, meant, sizeof(meant));
	for (uint32_t i = 0; i < t->count; i++) {
		trace_filter_word(&t->all[i].filter, own, sizeof(own));
		if (t->all[i].state == TRACE_RUNNING &&
		    (text_is(word, own) || strcmp(meant, own) == 0))
			*id = t->all[i].filter.id;
	}
	if (*id == 0 && text_to_u64(word, &number) == OK &&
	    number <= UINT32_MAX)
		*id = (uint32_t)number;
	return *id != 0;
}

void
monitor_cmd_trace_stop(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct text word = TEXT("");
	uint32_t id = 0, count = 0;

	if (command_text(command, "id", &word) != ERR_TYPE &&
	    id_of(&hub->traces, word, &id)) {
		trace_hub_read(hub);
		count = traces_stop(&hub->traces, id, trace_hub_now_ms(hub));
	}
	if (count == 0 && word.len > 0 && !text_is(word, "all")) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan trace status` lists them",
		    "no running trace is `%.*s`", TEXT_ARG(word));
		return;
	}
	if (count > 0 && trace_hub_publish(hub) != OK) {
		command_fail(command, CLASS_INTERNAL, NULL,
		    "the traces in force could not be changed");
		return;
	}
	pack_map(command->result, 1);
	pack_field_u64(command->result, "stopped", count);
}

/* --- status --- */

static void
pack_trace(struct packer *p, const struct trace *t, uint64_t now_ms)
{
	bool is_running = t->state == TRACE_RUNNING;
	uint64_t end_ms = is_running ? now_ms : t->ended_ms;
	char word[WORD];

	trace_filter_word(&t->filter, word, sizeof(word));
	pack_map(p, 10);
	pack_field_u64(p, "id", t->filter.id);
	pack_field_string(p, "target", word);
	pack_field_string(p, "state", trace_state_name(t->state));
	pack_flags(p, t->filter.flags);
	pack_field_u64(p, "requests", t->requests);
	pack_field_u64(p, "records", t->records);
	pack_field_u64(p, "rate", t->filter.per_second);
	pack_field_u64(p, "count", t->filter.most);
	pack_field_u64(p, "ran_ms", end_ms - t->filter.started_ms);
	pack_field_u64(p, "left_ms",
	    is_running && t->filter.until_ms > now_ms
		? t->filter.until_ms - now_ms
		: 0);
}

static uint64_t
control_word(const struct traces *t)
{
	uint64_t word = 0;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->all[i].state == TRACE_RUNNING)
			word |= (uint64_t)1 << (t->all[i].filter.id % 64);
	return word;
}

static uint64_t
skipped(struct worker *w)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < STATS_SLOTS; i++)
		sum += stats_get(stats_slot_at(worker_stats(w), i),
		    COUNTER_gateway_traces_skipped);
	return sum;
}

void
monitor_cmd_trace_status(struct worker *w, struct command *command)
{
	struct trace_hub *hub = hub_of(w);
	struct packer *p = command->result;

	trace_hub_read(hub);
	pack_map(p, 7);
	pack_field_string(p, "node", hub->node);
	pack_field_u64(p, "trace_control_word", control_word(&hub->traces));
	pack_field_u64(p, "records", hub->traces.records);
	pack_field_u64(p, "skipped", skipped(w));
	pack_field_u64(p, "missed", hub->missed);
	pack_field_bool(p, "tracer_enabled", hub->tracer.is_enabled);
	pack_string(p, "traces");
	pack_array(p, hub->traces.count);
	for (uint32_t i = 0; i < hub->traces.count; i++)
		pack_trace(p, &hub->traces.all[i], trace_hub_now_ms(hub));
}
