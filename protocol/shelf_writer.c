// SPDX-License-Identifier: MIT
#include "protocol/shelf_writer.h"

#include <errno.h>

#include "protocol/base/clock.h"

static void
commit(struct shelf_job *job)
{
	uint64_t began_us = clock_mono_us();

	job->err = job->work != NULL
	    ? job->work(job)
	    : shelf_apply(job->shelf, buffer_text(&job->batch), job->is_anew);
	job->reason = errno;
	job->took_us = clock_mono_us() - began_us;
}

static void *
work(void *ctx)
{
	struct shelf_writer *k = ctx;

	pthread_mutex_lock(&k->mutex);
	while (!k->is_leaving) {
		struct shelf_job *job = k->job;

		if (job == NULL) {
			pthread_cond_wait(&k->given, &k->mutex);
			continue;
		}
		pthread_mutex_unlock(&k->mutex);
		commit(job);
		pthread_mutex_lock(&k->mutex);
		k->job = NULL;
		loop_post(k->loop, &k->done);
	}
	pthread_mutex_unlock(&k->mutex);
	return NULL;
}

enum err
shelf_writer_start(struct shelf_writer *k, struct loop *loop,
    void (*done)(void *ctx), void *ctx)
{
	int code;

	*k = (struct shelf_writer){
	    .loop = loop, .done = {.run = done, .ctx = ctx}};
	loop_post_register(loop, &k->done);
	pthread_mutex_init(&k->mutex, NULL);
	pthread_cond_init(&k->given, NULL);
	code = pthread_create(&k->thread, NULL, work, k);
	errno = code;
	return code == 0 ? OK : ERR_SYSTEM;
}

void
shelf_writer_give(struct shelf_writer *k, struct shelf_job *job)
{
	pthread_mutex_lock(&k->mutex);
	INVARIANT(k->job == NULL);
	k->job = job;
	pthread_cond_signal(&k->given);
	pthread_mutex_unlock(&k->mutex);
}

void
shelf_writer_finish(struct shelf_writer *k)
{
	pthread_mutex_lock(&k->mutex);
	k->is_leaving = true;
	pthread_cond_signal(&k->given);
	pthread_mutex_unlock(&k->mutex);
	pthread_join(k->thread, NULL);
	pthread_cond_destroy(&k->given);
	pthread_mutex_destroy(&k->mutex);
}
