// SPDX-License-Identifier: MIT
/*
 * commands_care - runners replaced by hand, how old they all are, and calls
 * that are refused because they kill.
 */

#include <inttypes.h>
#include <stdio.h>

#include "protocol/pack.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	SHOWN = 64 /* bytes of what an operator typed */
};

static int
shown(struct text text)
{
	return (int)(text.len < SHOWN ? text.len : SHOWN);
}

/* ---- recycle ------------------------------------------------------------- */

static struct crew *
find_crew(struct command *command, struct text name)
{
	struct crew *crew = crew_find(worker_state(command->worker), name);

	if (crew == NULL)
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan pools` lists the pools",
		    "pool_not_found: no pool is called \"%.*s\"", shown(name),
		    name.at);
	return crew;
}

/* find_runner reads "3" and "async_pool/3". */
static struct runner *
find_runner(struct command *command, struct crew *crew, struct text which)
{
	int64_t slash = text_find(which, '/');
	struct text pool = {which.at, slash > 0 ? (uint32_t)slash : 0};
	uint64_t number;

	if (pool.len > 0 && !text_eq(pool, crew->spec->name)) {
		command_fail(command, CLASS_INVALID,
		    "name the pool the worker belongs to",
		    "pool_mismatch: %.*s is no worker of %.*s", shown(which),
		    which.at, TEXT_ARG(crew->spec->name));
		return NULL;
	}
	if (slash >= 0) {
		which.at += slash + 1;
		which.len -= (uint32_t)slash + 1;
	}
	if (text_to_u64(which, &number) == OK && number > 0 &&
	    number <= crew->runner_count)
		return &crew->runners[number - 1];
	command_fail(command, CLASS_NOT_FOUND,
	    "`banyan pools inspect --detailed` lists the workers",
	    "worker_not_found: %.*s has no worker %.*s",
	    TEXT_ARG(crew->spec->name), shown(which), which.at);
	return NULL;
}

/* order marks a runner; it goes as soon as enough others are ready. */
static bool
order(struct runner *r)
{
	if (r->child->state != CHILD_UP || r->child->is_leaving)
		return false;
	r->wants_end = true;
	r->is_manual = true;
	return true;
}

static void
pack_ordered(
    struct command *command, const struct crew *crew, bool is_one, uint32_t one)
{
	struct packer *p = command->result;
	size_t place;
	uint32_t count = 0;

	pack_map(p, 3);
	pack_string(p, "pool");
	pack_text(p, crew->spec->name);
	pack_field_string(p, "reason", lifecycle_word(LIFECYCLE_MANUAL));
	pack_string(p, "workers");
	place = pack_open(p);
	for (uint32_t i = 0; i < crew->runner_count; i++) {
		if ((is_one && i != one) || !order(&crew->runners[i]))
			continue;
		pack_string(p, crew->runners[i].child->spec.name);
		count++;
	}
	pack_close_array(p, place, count);
}

/*
 * worker_pool_cmd_pools_recycle: one worker, or all of a pool, a few at a
 * time: each finishes its calls and is replaced.
 */
void
worker_pool_cmd_pools_recycle(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	const struct runner *r = NULL;
	struct text pool = TEXT(""), which;
	struct crew *crew;
	bool is_one;

	if (command_text(command, "pool", &pool) != OK) {
		command_fail(command, CLASS_INVALID,
		    "banyan pools recycle POOL [N]", "which pool?");
		return;
	}
	crew = find_crew(command, pool);
	if (crew == NULL)
		return;
	is_one = command_text(command, "n", &which) == OK;
	if (is_one && (r = find_runner(command, crew, which)) == NULL)
		return;
	if (is_one && r->child->state != CHILD_UP) {
		command_fail(command, CLASS_REFUSED,
		    "`banyan why` tells how it is",
		    "worker_dead: %s is %s and is started anew anyway",
		    r->child->spec.name, child_state_name(r->child->state));
		return;
	}
	pack_ordered(command, crew, is_one, is_one ? r->index : 0);
	recycle_look(wp, loop_now_ms(wp->loop));
}

/* ---- lifecycle ----------------------------------------------------------- */

struct lives {
	uint64_t workers, near_ttl, near_max, requests;
};

static struct lives
count_lives(const struct crew *crew, uint64_t now_ms)
{
	struct lives l = {0};

	for (uint32_t i = 0; i < crew->runner_count; i++) {
		const struct runner *r = &crew->runners[i];
		struct lifecycle_facts facts = recycle_facts(r);

		if (!child_lives(r->child))
			continue;
		l.workers++;
		if (r->child->state != CHILD_UP)
			continue;
		l.near_ttl += lifecycle_is_near_ttl(crew->spec, &facts, now_ms);
		l.near_max += lifecycle_is_near_max(crew->spec, &facts);
		l.requests += facts.succeeded;
	}
	return l;
}

enum {
	LIFE_FIELDS = 6
};

static void
pack_lives(struct packer *p, const struct crew *crew, const struct lives *l)
{
	pack_map(p, LIFE_FIELDS + 1);
	pack_string(p, "name");
	pack_text(p, crew->spec->name);
	pack_field_u64(p, "workers", l->workers);
	pack_field_u64(p, "workers_near_ttl", l->near_ttl);
	pack_field_u64(p, "workers_near_max_requests", l->near_max);
	pack_field_u64(p, "requests", l->requests);
	pack_field_u64(p, "recycles", crew->recycled);
	pack_field_u64(p, "memory_recycles", crew->recycled_memory);
}

/* pack_by_pool writes {pool: figure} as the lifecycle's statistics have it. */
static void
pack_by_pool(struct packer *p, const struct worker_pool *wp, const char *key,
    bool is_memory, uint64_t now_ms)
{
	pack_string(p, key);
	pack_map(p, wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		const struct crew *crew = &wp->crews[i];

		pack_text(p, crew->spec->name);
		pack_u64(p,
		    is_memory ? crew->recycled_memory
			      : count_lives(crew, now_ms).workers);
	}
}

void
worker_pool_cmd_pools_lifecycle(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct packer *p = command->result;
	uint64_t now_ms = loop_now_ms(wp->loop);
	struct lives sum = {0}, one;

	pack_map(p, 7);
	pack_string(p, "pools");
	pack_array(p, wp->crew_count);
	for (uint32_t i = 0; i < wp->crew_count; i++) {
		one = count_lives(&wp->crews[i], now_ms);
		pack_lives(p, &wp->crews[i], &one);
		sum.workers += one.workers;
		sum.near_ttl += one.near_ttl;
		sum.near_max += one.near_max;
		sum.requests += one.requests;
	}
	pack_field_u64(p, "total_workers", sum.workers);
	pack_by_pool(p, wp, "workers_by_pool", false, now_ms);
	pack_field_u64(p, "total_requests", sum.requests);
	pack_field_u64(p, "workers_near_ttl", sum.near_ttl);
	pack_field_u64(p, "workers_near_max_requests", sum.near_max);
	pack_by_pool(p, wp, "memory_recycles_by_pool", true, now_ms);
}

/* ---- quarantine ---------------------------------------------------------- */

void
worker_pool_cmd_quarantine_list(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	const struct quarantine *q = &wp->quarantine;
	struct packer *p = command->result;
	uint64_t now_ms = loop_now_ms(wp->loop);

	quarantine_expire(&wp->quarantine, now_ms);
	pack_map(p, 1);
	pack_string(p, "entries");
	pack_array(p, q->count);
	for (uint32_t i = 0; i < q->count; i++) {
		const struct quarantine_entry *e = &q->entries[i];
		char fingerprint[20];

		snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64,
		    e->fingerprint);
		pack_map(p, 8);
		pack_field_string(p, "fingerprint", fingerprint);
		pack_field_string(p, "pool", e->pool);
		pack_field_string(p, "service", e->service);
		pack_field_string(p, "function", e->function);
		pack_field_u64(p, "deaths", e->deaths);
		pack_field_u64(p, "refused", e->refused);
		pack_field_u64(p, "since_ms", now_ms - e->since_ms);
		pack_field_u64(p, "left_ms", e->until_ms - now_ms);
	}
}

/* read_fingerprint takes the sixteen digits that the list shows. */
static bool
read_fingerprint(struct text text, uint64_t *fingerprint)
{
	*fingerprint = 0;
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		uint64_t digit = c >= '0' && c <= '9' ? (uint64_t)(c - '0')
		    : c >= 'a' && c <= 'f'            ? (uint64_t)(c - 'a') + 10
						      : 16;

		if (digit == 16)
			return false;
		*fingerprint = *fingerprint << 4 | digit;
	}
	return text.len == 16;
}

void
worker_pool_cmd_quarantine_clear(struct worker *w, struct command *command)
{
	struct worker_pool *wp = worker_state(w);
	struct text text;
	uint64_t fingerprint, cleared = 1;

	if (command_text(command, "fingerprint", &text) != OK) {
		cleared = quarantine_clear(&wp->quarantine);
	} else if (!read_fingerprint(text, &fingerprint) ||
	    !quarantine_remove(&wp->quarantine, fingerprint)) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan quarantine list` shows the fingerprints",
		    "no call \"%.*s\" is in quarantine", shown(text), text.at);
		return;
	}
	deaths_keep(wp);
	pack_map(command->result, 1);
	pack_field_u64(command->result, "cleared", cleared);
}
