// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A process is asked where it is by a signal to its main thread; the answer is
 * a file in the run folder, written by the handler (kit/last_words.h). Only
 * who catches the signal gets it: for anybody else it would be the end. A
 * process that is stopped does not answer and is shown with what the kernel
 * tells of it.
 */

#include <signal.h> /* LAST_WORDS_SIGNAL */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/events.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/trace_watch.h"
#include "workers/control/control.h"
#include "workers/control/figures.h"
#include "workers/control/health.h"
#include "workers/kit/ask.h"
#include "workers/kit/last_words.h"
#include "workers/kit/worker.h"

enum {
	LIMIT = 20,
	RUNNERS_MS = 300, /* that worker_pool has for its answer */
	STACKS_MS = 60,
	STACK_BYTES = 8192
};

/* One line of the page: a process of the tree, or a runner of worker_pool. */
struct line {
	const struct census_process *process; /* NULL: a runner */
	struct text runner;                   /* msgpack, as it told */
	uint64_t memory_bytes;
};

struct debug {
	struct worker *worker;
	struct command *command;
	const struct census *census;
	struct line *lines; /* the largest first */
	uint32_t count, room;
	uint64_t limit;
	bool wants_stacks;
	struct loop_timer timer;
};

/* --- where a process is --- */

static bool
catches(uint32_t pid)
{
	char path[64], text[4096];
	size_t bytes;
	unsigned long long caught;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (fd_read_file(path, text, sizeof(text), &bytes) != OK)
		return false;
	const char *at = strstr(text, "\nSigCgt:");
	return at != NULL && sscanf(at, "\nSigCgt: %llx", &caught) == 1 &&
	    (caught >> (LAST_WORDS_SIGNAL - 1) & 1) != 0;
}

static bool
stack_path(
    const struct debug *d, const struct stats_child *c, char to[ENDPOINT_PATH])
{
	return endpoint_stack_path(worker_runtime_dir(d->worker),
		   (enum role)c->role, c->instance, to) == OK;
}

static void
ask_where(const struct debug *d, const struct stats_child *c)
{
	char path[ENDPOINT_PATH];

	if (stack_path(d, c, path))
		unlink(path); /* of an earlier question */
	if (catches(c->pid) &&
	    syscall(SYS_tgkill, c->pid, c->pid, LAST_WORDS_SIGNAL) != 0)
		return; /* gone: its line will say so */
}

/* pack_lines packs each line of a text but the closing dot. */
static void
pack_lines(struct packer *p, char *text)
{
	uint32_t count = 0;
	size_t place = pack_open(p);
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strcmp(line, ".") == 0)
			break;
		pack_string(p, line);
		count++;
	}
	pack_close_array(p, place, count);
}

/* pack_kernel_stack: root may look into the kernel's half of a process. */
static void
pack_kernel_stack(const struct debug *d, uint64_t pid)
{
	struct packer *p = d->command->result;
	char *text = arena_alloc(d->command->arena, STACK_BYTES);
	char kernel[64];
	size_t bytes;

	pack_string(p, "kernel_stack");
	snprintf(kernel, sizeof(kernel), "/proc/%llu/stack",
	    (unsigned long long)pid);
	if (fd_read_file(kernel, text, STACK_BYTES, &bytes) == OK && bytes > 0)
		pack_lines(p, text);
	else
		pack_nil(p);
}

static void
pack_stacks(const struct debug *d, const struct stats_child *c)
{
	struct packer *p = d->command->result;
	char *text = arena_alloc(d->command->arena, STACK_BYTES);
	char path[ENDPOINT_PATH];
	size_t bytes;

	pack_string(p, "current_stacktrace");
	if (stack_path(d, c, path) &&
	    fd_read_file(path, text, STACK_BYTES, &bytes) == OK && bytes > 0) {
		pack_lines(p, text);
		unlink(path);
	} else {
		pack_nil(p);
	}
	pack_kernel_stack(d, c->pid);
}

/* --- the page --- */

static void
add_line(struct debug *d, struct line line)
{
	uint32_t at = d->count;

	if (d->count == d->room)
		return;
	for (d->count++;
	     at > 0 && d->lines[at - 1].memory_bytes < line.memory_bytes; at--)
		d->lines[at] = d->lines[at - 1];
	d->lines[at] = line;
}

/* sort_by_memory leaves the dead out. */
static void
sort_by_memory(struct debug *d, struct text runners)
{
	struct unpacker u;
	struct text one;
	uint32_t count = 0;
	uint64_t pid, bytes;

	unpack_init(&u, runners);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	d->room = d->census->count + count;
	d->lines = ARENA_ARRAY(d->command->arena, struct line, d->room);
	for (uint32_t i = 0; i < d->census->count; i++)
		if (d->census->process[i].child.pid != 0)
			add_line(d,
			    (struct line){.process = &d->census->process[i],
				.memory_bytes =
				    d->census->process[i].memory_bytes});
	while (count-- > 0 && unpack_raw(&u, &one) == OK)
		if (unpack_field_u64(one, "pid", &pid) == OK && pid != 0 &&
		    unpack_field_u64(one, "memory_bytes", &bytes) == OK)
			add_line(d,
			    (struct line){
				.runner = one, .memory_bytes = bytes});
	if (d->count > d->limit)
		d->count = (uint32_t)d->limit;
}

static void
pack_processes(const struct debug *d)
{
	struct packer *p = d->command->result;
	struct text node =
	    settings_text(worker_settings(d->worker), SETTING_node);
	uint32_t extra = d->wants_stacks ? 2 : 0;

	pack_string(p, "processes");
	pack_array(p, d->count);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct line *line = &d->lines[i];

		if (line->process == NULL) {
			uint64_t pid =
			    health_pack_runner(p, line->runner, node, extra);

			if (d->wants_stacks) {
				/* it has no handler: it is not our program */
				pack_string(p, "current_stacktrace");
				pack_nil(p);
				pack_kernel_stack(d, pid);
			}
			continue;
		}
		health_pack_process(p, d->census, line->process, node, extra);
		if (d->wants_stacks)
			pack_stacks(d, &line->process->child);
	}
}

static void
pack_table(const struct debug *d, const char *name, uint64_t size,
    uint64_t memory, const char *owner)
{
	struct packer *p = d->command->result;

	pack_string(p, name);
	pack_map(p, 4);
	pack_field_bool(p, "exists", memory > 0);
	pack_field_u64(p, "size", size);
	pack_field_u64(p, "memory", memory);
	pack_field_string(p, "owner", owner);
}

static uint64_t
gauge(const struct debug *d, enum role role, enum counter id)
{
	for (uint32_t i = 0; i < d->census->count; i++)
		if (d->census->process[i].child.role == (uint32_t)role)
			return stats_get(d->census->process[i].stats, id);
	return 0;
}

static void
pack_tables(const struct debug *d)
{
	const struct worker *w = d->worker;

	pack_string(d->command->result, "ets_tables");
	pack_map(d->command->result, 6);
	pack_table(d, "stats", d->census->count,
	    figures_segment_bytes(w, FD_STATS), "guard");
	pack_table(d, "events", d->census->count,
	    figures_segment_bytes(w, FD_EVENTS), "guard");
	pack_table(d, "limits",
	    gauge(d, ROLE_rate_limiter, COUNTER_rate_limiter_keys_8) +
		gauge(d, ROLE_rate_limiter, COUNTER_rate_limiter_keys_32) +
		gauge(d, ROLE_rate_limiter, COUNTER_rate_limiter_keys_128),
	    figures_segment_bytes(w, FD_LIMITS), "rate_limiter");
	pack_table(d, "routes",
	    gauge(d, ROLE_gateway, COUNTER_gateway_functions),
	    figures_segment_bytes(w, FD_ROUTES), "gateway");
	pack_table(d, "functions",
	    gauge(d, ROLE_config_db, COUNTER_config_db_functions),
	    figures_store_bytes(w, "config_db"), "config_db");
	pack_table(d, "groups", gauge(d, ROLE_relay, COUNTER_relay_groups),
	    figures_store_bytes(w, "relay"), "relay");
}

/* pack_trace: bit n of the control word is kind n of trace_filter.h. */
static void
pack_trace(const struct debug *d)
{
	struct packer *p = d->command->result;
	struct events *events = worker_events(d->worker);
	struct trace_view *view =
	    ARENA_NEW(d->command->arena, struct trace_view);
	struct trace_watch watch;
	uint64_t attached = 0;

	trace_watch_at(
	    &watch, (char *)events_watch_area(events) + TRACE_WATCH_AT);
	trace_watch_read(&watch, view);
	for (int id = 0; id < EVENT_IDS; id++)
		attached += events_mask_has(events, (enum event)id);
	pack_string(p, "trace");
	pack_map(p, 4);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(d->worker), SETTING_node));
	pack_field_u64(p, "trace_control_word", view->kinds);
	pack_field_u64(p, "traces", view->count);
	pack_field_u64(p, "attached_events", attached);
}

static void
tell(const struct debug *d)
{
	struct packer *p = d->command->result;

	pack_map(p, 5);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(d->worker), SETTING_node));
	pack_field_u64(p, "collected_at_ms", d->census->wall_ms);
	pack_processes(d);
	pack_tables(d);
	pack_trace(d);
}

static void
stacks_are_there(void *ctx)
{
	struct debug *d = ctx;

	tell(d);
	command_finish(d->command);
}

/* begin: without an answer the page is made without runners. */
static void
begin(void *ctx, const struct ask_reply *reply)
{
	struct debug *d = ctx;

	sort_by_memory(d,
	    reply->err == OK && reply->is_ok
		? arena_text(d->command->arena, reply->result)
		: TEXT("\x90"));
	if (!d->wants_stacks) {
		stacks_are_there(d);
		return;
	}
	for (uint32_t i = 0; i < d->count; i++)
		if (d->lines[i].process != NULL)
			ask_where(d, &d->lines[i].process->child);
	d->timer = (struct loop_timer){.due = stacks_are_there, .ctx = d};
	loop_timer_start(
	    worker_loop(d->worker), &d->timer, clock_mono_ms() + STACKS_MS);
}

void
control_cmd_debug(struct worker *w, struct command *command)
{
	struct debug *d = ARENA_NEW(command->arena, struct debug);

	*d = (struct debug){.worker = w, .command = command, .limit = LIMIT};
	if (command_u64(command, "limit", &d->limit) == ERR_TYPE ||
	    d->limit == 0 ||
	    command_bool(command, "stacks", &d->wants_stacks) == ERR_TYPE) {
		command_fail(command, CLASS_INVALID, "banyan debug --limit 5",
		    "`limit` is a number of processes, `stacks` true or false");
		return;
	}
	d->census = census_take(command->arena, worker_stats(w));
	command_park(command);
	ask(w,
	    &(struct ask_question){.role = ROLE_worker_pool,
		.op = "runners",
		.deadline_ms = RUNNERS_MS,
		.done = begin,
		.ctx = d});
}
