// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/child_state.h"
#include "protocol/stats_tree.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/probe.h"

/* --- the facts --- */

static uint64_t
silence_of(const struct stats_slot *slot, uint64_t now_ms)
{
	uint64_t beat_ms =
	    atomic_load_explicit(&slot->heartbeat_ms, memory_order_relaxed);
	uint64_t busy_ms =
	    atomic_load_explicit(&slot->busy_until_ms, memory_order_relaxed);

	if (busy_ms > now_ms || beat_ms > now_ms)
		return 0;
	return now_ms - beat_ms;
}

static void
take_child(const struct stats *stats, uint32_t slot,
    const struct stats_child *child, uint64_t now_ms, struct probe_child *to)
{
	const char *role = role_name((enum role)child->role);

	*to = (struct probe_child){
	    .state = child_state_name((enum child_state)child->state),
	    .is_gateway = child->role == ROLE_gateway,
	    .is_up = child->state == CHILD_UP,
	    .wants_up = child->wants_up,
	    .silent_ms = silence_of(stats_slot_at(stats, slot), now_ms)};
	if (child->instance == 0)
		snprintf(to->name, sizeof(to->name), "%s", role);
	else
		snprintf(
		    to->name, sizeof(to->name), "%s/%u", role, child->instance);
	snprintf(to->reason, sizeof(to->reason), "%.*s",
	    (int)sizeof(to->reason) - 1, child->reason);
}

/* has_started: the supervisor writes the addresses when all are up, and the
 * guard takes them away when it starts. */
static bool
has_started(struct page *page)
{
	struct text path = arena_printf(page->arena, "%s/endpoints.json",
	    worker_runtime_dir(page->monitor->worker));

	return access(path.at, F_OK) == 0;
}

static void
take_facts(struct page *page, struct probe_facts *facts)
{
	const struct stats *stats = worker_stats(page->monitor->worker);
	struct probe_child *children =
	    ARENA_ARRAY(page->arena, struct probe_child, STATS_SLOTS);
	uint64_t now_ms = clock_mono_ms();
	struct stats_child child;

	*facts = (struct probe_facts){
	    .supervisor_silent_ms =
		silence_of(stats_slot_at(stats, STATS_SLOT_SUPERVISOR), now_ms),
	    .has_started = has_started(page),
	    .is_stopping =
		(atomic_load(&stats->shared->flags) & STATS_TREE_STOPPING) != 0,
	    .children = children};
	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++)
		if (stats_child_get(stats, i, &child) == OK &&
		    child.parent == STATS_SLOT_SUPERVISOR)
			take_child(stats, i, &child, now_ms,
			    &children[facts->count++]);
}

/* --- told --- */

static void
tell_json(struct page *page, const char *name, const struct probe *p)
{
	pack_map(page->out, 2);
	pack_field_string(page->out, "probe", name);
	pack_string(page->out, "checks");
	pack_array(page->out, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct probe_check *check = &p->checks[i];
		bool has_message = check->message[0] != '\0';

		pack_map(page->out, has_message ? 3 : 2);
		pack_field_string(page->out, "name", check->name);
		pack_field_string(
		    page->out, "status", probe_status_name(check->status));
		if (has_message)
			pack_field_string(page->out, "message", check->message);
	}
}

static void
tell_text(
    struct page *page, const char *name, const struct probe *p, bool is_long)
{
	static const char marks[] = {'+', '~', '-'};
	struct buffer *out = page_plain(page, "text/plain; charset=utf-8");
	enum err e = OK;

	for (uint32_t i = 0; is_long && e == OK && i < p->count; i++) {
		const struct probe_check *check = &p->checks[i];

		e = buffer_printf(out, "[%c]%s %s%s%s\n", marks[check->status],
		    check->name, probe_status_name(check->status),
		    check->message[0] != '\0' ? ": " : "", check->message);
	}
	if (e == OK && is_long)
		e = buffer_printf(out, "%s check %s\n", name,
		    p->has_failed ? "failed" : "passed");
	else if (e == OK)
		e = buffer_append_text(out, TEXT("ok\n"));
	INVARIANT(e == OK); /* some lines of bounded length */
}

/* keep leaves the one check that was asked for; false: there is none. */
static bool
keep(struct probe *p, struct text name)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (text_is(name, p->checks[i].name)) {
			p->checks[0] = p->checks[i];
			p->count = 1;
			p->has_failed = p->checks[0].status == PROBE_FAILED;
			return true;
		}
	return false;
}

static enum page_status
answer(struct page *page, const char *name, enum probe_kind kind)
{
	struct probe *p = ARENA_NEW(page->arena, struct probe);
	struct probe_facts facts;
	struct text word;
	bool is_long = page_text(page, "verbose", &word) == OK;
	bool is_json = page_wants(page, "application/json") ||
	    (page_text(page, "format", &word) == OK && text_is(word, "json"));

	take_facts(page, &facts);
	probe_judge(p, kind, &facts);
	if (page_text(page, "check", &word) == OK && !keep(p, word))
		return page_fail(page, PAGE_NOT_FOUND,
		    "%s has no such check; ?verbose lists them", name);
	if (is_json)
		tell_json(page, name, p);
	else
		tell_text(page, name, p, is_long || p->has_failed);
	return p->has_failed ? PAGE_UNAVAILABLE : PAGE_OK;
}

enum page_status
page_livez(struct page *page)
{
	return answer(page, "livez", PROBE_LIVE);
}

enum page_status
page_readyz(struct page *page)
{
	return answer(page, "readyz", PROBE_READY);
}

enum page_status
page_startupz(struct page *page)
{
	return answer(page, "startupz", PROBE_STARTUP);
}
