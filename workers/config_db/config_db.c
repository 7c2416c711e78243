// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * What arrives while a commit is under way waits and shares the next one: a
 * slow disk makes batches larger, not answers wrong. A commit that fails
 * answers all its requests with that, keeps the last good state, and every
 * fifth second a probe asks the disk again.
 */

#include "workers/config_db/config_db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/arguments.h"
#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "protocol/unpack.h"
#include "workers/config_db/news.h"

enum {
	TICK_MS = 1000,
	PROBE_TICKS = 5,
	CLEANUP_TICKS = 600,
	REVOKED_TICKS = 60, /* and one second after the start */
	START_MS = 60000,
	ARGS_BYTES = 8 << 20,
	WAITING_MAX = 4096 /* changes; more are refused */
};

static struct text *
read_texts(struct arena *arena, struct text list, uint32_t *count)
{
	struct unpacker u;
	struct text *texts, one;

	unpack_init(&u, list);
	if (unpack_array(&u, count) != OK)
		*count = 0;
	texts = ARENA_ARRAY(arena, struct text, *count + 1);
	for (uint32_t i = 0; i < *count; i++)
		if (unpack_text(&u, &one) == OK)
			texts[i] = arena_text(arena, one);
	return texts;
}

static struct rules *
read_rules(const struct settings *s)
{
	struct rules *r = MEMORY_NEW(struct rules);

	arena_init(&r->arena);
	r->gate.targets.allow = read_texts(&r->arena,
	    settings_list(s, SETTING_security_allowed_targets),
	    &r->gate.targets.allow_count);
	hook_list_read(
	    settings_list(s, SETTING_hooks), &r->arena, &r->gate.targets.hooks);
	r->gate.node_urls =
	    read_texts(&r->arena, settings_list(s, SETTING_security_node_urls),
		&r->gate.node_url_count);
	r->gate.revoked_ms = settings_u64(s, SETTING_auth_revoked_ms);
	return r;
}

static void
free_rules(struct rules **r)
{
	if (*r == NULL)
		return;
	arena_finish(&(*r)->arena);
	memory_free(*r);
	*r = NULL;
}

static struct request *
new_request(enum change_op op, struct text args)
{
	struct request *r = MEMORY_NEW(struct request);

	buffer_init(&r->args, ARGS_BYTES);
	/* a request was at most 4 MiB on its way here */
	INVARIANT(buffer_append_text(&r->args, args) == OK);
	change_init(&r->change, op, buffer_text(&r->args));
	r->change.ctx = r;
	return r;
}

static void
free_request(struct request *r)
{
	change_finish(&r->change);
	buffer_finish(&r->args);
	memory_free(r);
}

static void
queue(struct config_db *db, struct request *r)
{
	struct change *c = &r->change;

	if (db->first == NULL)
		db->first = c;
	else
		db->last->next = c;
	db->last = c;
	db->waiting++;
}

/* queue_settings asks for the YAML's functions to be what the table holds. */
static void
queue_settings(struct config_db *db, const struct settings *settings)
{
	struct buffer args;
	struct packer p;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	pack_map(&p, 2);
	pack_string(&p, "source");
	pack_string(&p, "settings");
	pack_string(&p, "functions");
	pack_raw(&p, settings_list(settings, SETTING_functions));
	INVARIANT(pack_finish(&p) == OK);
	queue(db, new_request(CHANGE_BATCH_ADD, buffer_text(&args)));
	buffer_finish(&args);
	db->are_settings_kept = true;
}

void
config_db_ask(struct worker *w, struct command *command, enum change_op op,
    struct text args)
{
	struct config_db *db = worker_state(w);
	struct request *r;

	if (db->waiting >= WAITING_MAX || args.len > ARGS_BYTES / 2) {
		command_fail(command, CLASS_UNAVAILABLE, "try again",
		    "too many changes are waiting for the disk");
		return;
	}
	r = new_request(op, args);
	r->command = command;
	command_park(command);
	queue(db, r);
}

void
config_db_unavailable(struct command *command, enum err e)
{
	command_fail(command, CLASS_UNAVAILABLE, "see `banyan why config_db`",
	    "the function table cannot be read: %s", err_name(e));
}

/* answer_persist: what only the commit knows. */
static void
answer_persist(const struct config_db *db, struct packer *out)
{
	pack_map(out, 3);
	pack_field_string(out, "status", "persisted");
	pack_field_u64(out, "generation", db->job.generation);
	pack_string(out, "duration_ms");
	pack_f64(out, (double)db->job.took_us / 1000.0);
}

static void
answer(const struct config_db *db, struct request *r)
{
	static const char *const classes[] = {
	    [CHANGE_INVALID] = CLASS_INVALID,
	    [CHANGE_NOT_FOUND] = CLASS_NOT_FOUND,
	    [CHANGE_EXISTS] = CLASS_EXISTS,
	};
	struct command *command = r->command;
	const struct change *c = &r->change;

	if (command == NULL)
		return;
	if (db->job.err != OK)
		command_fail(command, CLASS_UNAVAILABLE,
		    "free some space; the last good state is kept",
		    "the disk refuses writes: %s", strerror(db->job.reason));
	else if (c->class != CHANGE_DONE)
		command_fail(
		    command, classes[c->class], NULL, "%s", c->message);
	else if (c->op == CHANGE_PERSIST)
		answer_persist(db, command->result);
	else
		pack_raw(command->result, buffer_text(&c->result));
	command_finish(command);
}

static void
count_job(struct config_db *db)
{
	struct stats_slot *slot = worker_slot(db->worker);
	const struct writer_job *job = &db->job;

	if (job->err != OK) {
		stats_add(slot, COUNTER_config_db_disk_errors, 1);
		return;
	}
	scope_note(SCOPE_config_db_store,
	    "added=%llu unchanged=%llu removed=%llu refused=%llu",
	    (unsigned long long)job->counts.added,
	    (unsigned long long)job->counts.unchanged,
	    (unsigned long long)job->counts.removed,
	    (unsigned long long)job->counts.refused);
	scope_note(SCOPE_config_db_persist, "generation=%llu took_us=%llu",
	    (unsigned long long)job->generation,
	    (unsigned long long)job->took_us);
	stats_add(slot, COUNTER_config_db_commits, 1);
	stats_set(slot, COUNTER_config_db_saved_at_ms, clock_wall_ms());
	stats_add(slot, COUNTER_config_db_added, job->counts.added);
	stats_add(slot, COUNTER_config_db_unchanged, job->counts.unchanged);
	stats_add(slot, COUNTER_config_db_removed, job->counts.removed);
	stats_add(slot, COUNTER_config_db_refused, job->counts.refused);
	stats_set(slot, COUNTER_config_db_functions, job->functions);
	stats_set(slot, COUNTER_config_db_failed_configs, job->failed_configs);
	stats_time(slot, HISTOGRAM_config_db_commit_us, job->took_us);
}

static void
set_degraded(struct config_db *db, bool is_degraded)
{
	if (is_degraded && !db->is_degraded)
		event_note(EVENT_store_refused, "reason=\"%s\"",
		    strerror(db->job.reason));
	else if (!is_degraded && db->is_degraded)
		event_note(EVENT_store_writes, "generation=%llu",
		    (unsigned long long)db->job.generation);
	db->is_degraded = is_degraded;
	stats_set(worker_slot(db->worker), COUNTER_config_db_is_degraded,
	    is_degraded);
}

static void
publish(struct config_db *db, uint64_t generation)
{
	struct stats *stats = worker_stats(db->worker);

	atomic_store_explicit(&stats->shared->config_generation, generation,
	    memory_order_release);
}

/* reopen: after some failed writes LMDB wants the store opened anew. */
static void
reopen(struct config_db *db)
{
	worker_busy(db->worker, START_MS);
	store_close(&db->store);
	if (store_open(worker_state_dir(db->worker), STORE_WRITE, &db->store) !=
	    OK)
		db->store = NULL;
	worker_busy_over(db->worker);
}

static void
job_is_done(void *ctx)
{
	struct config_db *db = ctx;
	struct change *next;

	db->is_writing = false;
	count_job(db);
	set_degraded(db, db->job.err != OK);
	if (db->job.err == OK)
		publish(db, db->job.generation);
	for (struct change *c = db->job.changes; c != NULL; c = next) {
		struct request *r = c->ctx;

		next = c->next;
		if (c->op == CHANGE_LOG && db->job.err == OK)
			config_db_look_at_log(db);
		if (r->command == NULL && db->job.err != OK)
			db->are_settings_kept = false;
		if (db->job.err == OK)
			news_of(c);
		else if (c->op == CHANGE_PERSIST)
			event_note(EVENT_persist_failed, "reason=\"%s\"",
			    strerror(db->job.reason));
		answer(db, r);
		free_request(r);
	}
	if (db->job.err == ERR_CLOSED)
		reopen(db);
	if (db->next_rules != NULL) {
		free_rules(&db->rules);
		db->rules = db->next_rules;
		db->next_rules = NULL;
	}
	if (!db->is_ready)
		worker_ready(db->worker);
	db->is_ready = true;
}

static void
give_job(struct config_db *db)
{
	db->job = (struct writer_job){
	    .store = db->store,
	    .rules = &db->rules->gate,
	    .changes = db->first,
	    .now_ms = clock_wall_ms(),
	};
	db->first = db->last = NULL;
	db->waiting = 0;
	db->is_writing = true;
	writer_give(&db->writer, &db->job);
}

static void
commit_turn(void *ctx)
{
	struct config_db *db = ctx;

	if (!db->is_writing && db->first != NULL && db->store != NULL)
		give_job(db);
}

/* check_readers frees the slots of gateways that were killed inside a read;
 * without it the store would grow until it is full. */
static void
check_readers(struct config_db *db)
{
	int freed = 0;

	if (db->store != NULL)
		mdb_reader_check(db->store->env, &freed);
}

static void
tick(void *ctx)
{
	struct config_db *db = ctx;
	struct loop *loop = worker_loop(db->worker);

	loop_timer_start(loop, &db->tick, loop_now_ms(loop) + TICK_MS);
	check_readers(db);
	db->ticks++;
	if (db->store == NULL && !db->is_writing)
		reopen(db);
	if (db->is_degraded && db->ticks % PROBE_TICKS == 0 &&
	    !db->is_writing && db->first == NULL && db->store != NULL)
		give_job(db);
	if (!db->is_degraded && !db->are_settings_kept)
		queue_settings(db, worker_settings(db->worker));
	if (db->ticks % CLEANUP_TICKS == 0)
		queue(db, new_request(CHANGE_FAILED_CLEANUP, (struct text){0}));
	if (db->ticks % REVOKED_TICKS == 1)
		queue(db, new_request(CHANGE_REVOKE_CLEANUP, (struct text){0}));
}

static void
open_store(struct config_db *db)
{
	const char *state_dir = worker_state_dir(db->worker);
	uint64_t generation;
	enum err e;

	worker_busy(db->worker, START_MS);
	e = store_open(state_dir, STORE_WRITE, &db->store);
	if (e == OK)
		e = store_generation(db->store, &generation);
	worker_busy_over(db->worker);
	if (e == ERR_VERSION)
		worker_fail(db->worker, EXIT_SYSTEM,
		    "%s/config_db is no store of this version: move it away "
		    "to begin anew",
		    state_dir);
	if (e != OK)
		worker_fail(db->worker,
		    errno == ENOSPC ? EXIT_TRY_AGAIN : EXIT_SYSTEM,
		    "cannot open the store %s/config_db: %s", state_dir,
		    strerror(errno));
	publish(db, generation);
	config_db_look_at_log(db);
}

void
config_db_start(struct worker *w)
{
	struct config_db *db = worker_state(w);
	struct loop *loop = worker_loop(w);

	db->worker = w;
	open_store(db);
	check_readers(db);
	db->rules = read_rules(worker_settings(w));
	if (writer_start(&db->writer, loop, job_is_done, db) != OK)
		worker_fail(w, EXIT_SYSTEM, "cannot start a thread: %s",
		    strerror(errno));
	db->turn_end = (struct loop_hook){.run = commit_turn, .ctx = db};
	loop_on_turn_end(loop, &db->turn_end);
	db->tick = (struct loop_timer){.due = tick, .ctx = db};
	loop_timer_start(loop, &db->tick, loop_now_ms(loop) + TICK_MS);
	/* READY is said when the YAML's functions are in the table */
	worker_starting(w, START_MS);
	queue_settings(db, worker_settings(w));
	/* not at the end of the first turn: an idle loop sleeps first */
	commit_turn(db);
}

void
config_db_stop(struct worker *w)
{
	struct config_db *db = worker_state(w);

	worker_busy(w, START_MS);
	loop_timer_stop(worker_loop(w), &db->tick);
	writer_finish(&db->writer);
	store_close(&db->store);
	worker_busy_over(w);
}

/* are_rules_same: a reload that changes nothing of ours writes nothing. */
static bool
are_rules_same(const struct settings *old, const struct settings *next)
{
	static const enum setting lists[] = {SETTING_functions, SETTING_hooks,
	    SETTING_security_node_urls, SETTING_security_allowed_targets};
	static const enum setting numbers[] = {
	    SETTING_arguments_string_max_bytes,
	    SETTING_arguments_list_max_items, SETTING_arguments_map_max_items,
	    SETTING_auth_revoked_ms};

	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (!text_eq(settings_list(old, lists[i]),
			settings_list(next, lists[i])))
			return false;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (settings_u64(old, numbers[i]) !=
		    settings_u64(next, numbers[i]))
			return false;
	return true;
}

/* take_rules: the writer may be reading the old ones; then they wait. */
static void
take_rules(struct config_db *db, const struct settings *settings)
{
	free_rules(&db->next_rules);
	db->next_rules = read_rules(settings);
	if (db->is_writing)
		return;
	free_rules(&db->rules);
	db->rules = db->next_rules;
	db->next_rules = NULL;
}

enum reload_result
config_db_on_settings(struct worker *w, struct worker_reload *reload)
{
	struct config_db *db = worker_state(w);

	if (!are_rules_same(reload->old, reload->next)) {
		take_rules(db, reload->next);
		queue_settings(db, reload->next);
	}
	return RELOAD_UNCHANGED; /* the kit adds what the table knows */
}

void
config_db_on_sibling_died(
    struct worker *w, const struct worker_sibling *sibling)
{
	(void)sibling;
	check_readers(worker_state(w));
}
