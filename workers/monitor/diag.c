// SPDX-License-Identifier: MIT
#include "workers/monitor/diag.h"

#include <stdio.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/base/proc.h"
#include "protocol/census.h"
#include "protocol/settings.h"
#include "protocol/stats_tree.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"

enum {
	EVERY_MS = 1000,
	AT_ONCE = 64,
	TURN_MOST = 4096
};

/* --- errors --- */

static void
name_slot(const struct diag *d, uint32_t slot, char *to, size_t size)
{
	const struct stats_slot *s =
	    stats_slot_at(worker_stats(d->worker), slot);
	uint32_t instance = s == NULL ? 0 : atomic_load(&s->instance);
	enum role role =
	    s == NULL ? ROLE_none : (enum role)atomic_load(&s->role);

	if (instance != 0)
		snprintf(to, size, "%s/%u", role_name(role), instance);
	else
		snprintf(to, size, "%s", role_name(role));
}

static void
take(struct diag *d, uint32_t slot, const struct event_record *record)
{
	char process[40];

	if (event_level(record->id) < LOG_WARN)
		return;
	name_slot(d, slot, process, sizeof(process));
	diagnostics_error(&d->store, process, event_name(record->id),
	    record->text, record->wall_us / 1000);
}

void
diag_read(struct diag *d)
{
	struct event_record records[AT_ONCE];
	uint32_t left = TURN_MOST;

	for (uint32_t slot = 0; slot < EVENTS_RINGS; slot++) {
		for (int k = 0; k < EVENTS_KINDS; k++) {
			uint32_t count = AT_ONCE;

			while (count == AT_ONCE && left > 0) {
				count = events_next(worker_events(d->worker),
				    (enum events_kind)k, slot,
				    &d->told[k][slot], records, AT_ONCE);
				for (uint32_t i = 0; i < count; i++)
					take(d, slot, &records[i]);
				left -= count < left ? count : left;
			}
		}
	}
}

static void
on_timer(void *ctx)
{
	struct diag *d = ctx;
	struct loop *loop = worker_loop(d->worker);

	diag_read(d);
	loop_timer_start(loop, &d->timer, loop_now_ms(loop) + EVERY_MS);
}

struct diag *
diag_open(struct worker *w)
{
	struct diag *d = MEMORY_NEW(struct diag);

	d->worker = w;
	diagnostics_init(&d->store);
	d->timer = (struct loop_timer){.due = on_timer, .ctx = d};
	loop_timer_start(
	    worker_loop(w), &d->timer, loop_now_ms(worker_loop(w)) + EVERY_MS);
	return d;
}

void
diag_close(struct diag **d)
{
	if (*d == NULL)
		return;
	loop_timer_stop(worker_loop((*d)->worker), &(*d)->timer);
	diagnostics_finish(&(*d)->store);
	memory_free(*d);
	*d = NULL;
}

/* --- components --- */

bool
diag_component(struct page *page, struct component *c)
{
	struct text word = TEXT("");
	uint64_t instance = 0;

	*c = (struct component){.role = ROLE_none};
	if (page_text(page, "component", &word) != OK || word.len == 0) {
		page_fail(
		    page, PAGE_BAD, "component is missing: a role, or role/N");
		return false;
	}
	struct text role = word;
	int64_t slash = text_find(word, '/');
	if (slash >= 0) {
		struct text number = {
		    word.at + slash + 1, word.len - (uint32_t)slash - 1};

		role.len = (uint32_t)slash;
		if (text_to_u64(number, &instance) == OK &&
		    instance <= STATS_SLOTS)
			c->role = role_by_name(role);
	} else {
		c->role = role_by_name(role);
	}
	c->instance = (uint32_t)instance;
	struct component_look look;
	diag_look(page, c, &look);
	if (c->role != ROLE_none && look.processes > 0) {
		snprintf(c->name, sizeof(c->name), "%.*s", TEXT_ARG(word));
		return true;
	}
	page_fail(page, PAGE_NOT_FOUND,
	    "no process of this tree is `%.*s`; `banyan tree` lists them",
	    (int)(word.len < 64 ? word.len : 64), word.at);
	return false;
}

static void
add_counters(
    const struct stats_slot *s, enum role role, struct component_look *look)
{
	if (role == ROLE_gateway) {
		look->calls += stats_get(s, COUNTER_gateway_calls);
		look->failed += stats_get(s, COUNTER_gateway_failed);
		look->queue += stats_get(s, COUNTER_gateway_in_flight);
	} else if (role == ROLE_worker_pool) {
		look->calls += stats_get(s, COUNTER_worker_pool_calls);
		look->failed += stats_get(s, COUNTER_worker_pool_failed);
		look->queue += stats_get(s, COUNTER_worker_pool_queued);
	} else {
		look->calls += stats_get(s, COUNTER_process_commands) +
		    stats_get(s, COUNTER_process_messages);
		look->failed += stats_get(s, COUNTER_process_commands_failed);
	}
}

static uint64_t
queue_most(const struct page *page, enum role role, uint32_t processes)
{
	const struct settings *s = worker_settings(page->monitor->worker);

	if (role == ROLE_gateway)
		return processes * settings_u64(s, SETTING_gateway_max_calls);
	return role == ROLE_worker_pool
	    ? settings_u64(s, SETTING_pools_max_queue_size)
	    : 0;
}

static void
list_process(struct component_look *look, const struct census_process *p)
{
	struct process_look *one = &look->process[look->listed];
	struct proc_stat stat;
	struct proc_io io;

	if (look->listed == ANALYSIS_PROCESSES)
		return;
	*one = (struct process_look){.pid = p->child.pid, .cpu_us = p->cpu_us};
	if (proc_stat((int)one->pid, &stat))
		one->io_wait_us = stat.io_wait_us;
	if (proc_io((int)one->pid, &io)) {
		one->read_bytes = io.read_bytes;
		one->written_bytes = io.written_bytes;
	}
	look->listed++;
}

void
diag_look(
    struct page *page, const struct component *c, struct component_look *look)
{
	const struct census *census =
	    census_take(page->arena, worker_stats(page->monitor->worker));

	*look = (struct component_look){.processes = 0};
	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		if (p->child.role != (uint32_t)c->role || p->child.pid == 0 ||
		    (c->instance != 0 && c->instance != p->child.instance))
			continue;
		list_process(look, p);
		look->processes++;
		look->cpu_us += p->cpu_us;
		look->memory_bytes += p->memory_bytes;
		look->heap_bytes += p->heap_bytes;
		add_counters(p->stats, c->role, look);
	}
	look->queue_most = queue_most(page, c->role, look->processes);
}

/* --- records --- */

struct packer *
diag_begin_record(struct page *page, enum diagnostics_kind kind, uint32_t count,
    struct diag_record *r)
{
	const struct settings *s = worker_settings(page->monitor->worker);
	uint64_t chance = 0;

	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		chance = clock_wall_us(); /* a name, no secret */
	r->kind = kind;
	diagnostics_name(kind, chance, r->id);
	pack_map(page->out, 1);
	pack_string(page->out, "record");
	r->at = buffer_used(page->out->out);
	pack_map(page->out, count + 3);
	pack_field_string(page->out, "id", r->id);
	pack_field_string(page->out, "node", settings_string(s, SETTING_node));
	pack_string(page->out, "timestamp");
	pack_f64(page->out, (double)clock_wall_ms() / 1000);
	return page->out;
}

enum page_status
diag_end_record(struct page *page, const struct diag_record *r)
{
	if (pack_finish(page->out) != OK)
		return PAGE_INTERNAL;
	struct text all = buffer_text(page->out->out);
	diagnostics_keep(&page->monitor->diag->store, r->kind, r->id,
	    clock_wall_ms(),
	    (struct text){all.at + r->at, all.len - (uint32_t)r->at});
	return PAGE_OK;
}
