// SPDX-License-Identifier: MIT
#include "workers/config_db/writer.h"

#include <errno.h>

#include "protocol/base/clock.h"

/* apply_all stops at the first error of the disk. */
static enum err
apply_all(struct writer_job *job, struct table *table, struct arena *arena)
{
	enum err e = OK;

	for (struct change *c = job->changes; e == OK && c != NULL;
	     c = c->next) {
		buffer_truncate(&c->result, 0);
		c->class = CHANGE_DONE;
		e = change_apply(c, table, arena, job->rules);
	}
	/* a probe writes something, or it would prove nothing */
	if (e == OK && job->changes == NULL)
		e = store_err(store_number_put(
		    table->store, table->txn, "probe", job->now_ms));
	return e;
}

void
writer_run(struct writer_job *job)
{
	uint64_t began_us = clock_mono_us();
	struct arena arena;
	struct table table;
	MDB_stat stat = {0};
	enum err e = table_begin(&table, job->store, job->now_ms);

	arena_init(&arena);
	if (e == OK) {
		e = apply_all(job, &table, &arena);
		job->functions = table_size(&table);
		if (mdb_stat(table.txn, job->store->failed, &stat) ==
		    MDB_SUCCESS)
			job->failed_configs = stat.ms_entries;
		if (e == OK)
			e = table_commit(&table, &job->generation);
		else
			table_abort(&table);
	}
	job->err = e;
	job->reason = errno;
	job->counts = table.counts;
	job->took_us = clock_mono_us() - began_us;
	arena_finish(&arena);
}

static void *
work(void *ctx)
{
	struct writer *w = ctx;

	pthread_mutex_lock(&w->mutex);
	while (!w->is_leaving) {
		struct writer_job *job = w->job;

		if (job == NULL) {
			pthread_cond_wait(&w->given, &w->mutex);
			continue;
		}
		pthread_mutex_unlock(&w->mutex);
		writer_run(job);
		pthread_mutex_lock(&w->mutex);
		w->job = NULL;
		loop_post(w->loop, &w->done);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

enum err
writer_start(
    struct writer *w, struct loop *loop, void (*done)(void *ctx), void *ctx)
{
	int code;

	*w = (struct writer){.loop = loop, .done = {.run = done, .ctx = ctx}};
	loop_post_register(loop, &w->done);
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->given, NULL);
	code = pthread_create(&w->thread, NULL, work, w);
	errno = code;
	return code == 0 ? OK : ERR_SYSTEM;
}

void
writer_give(struct writer *w, struct writer_job *job)
{
	pthread_mutex_lock(&w->mutex);
	INVARIANT(w->job == NULL);
	w->job = job;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->mutex);
}

void
writer_finish(struct writer *w)
{
	pthread_mutex_lock(&w->mutex);
	w->is_leaving = true;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->given);
	pthread_mutex_destroy(&w->mutex);
}
