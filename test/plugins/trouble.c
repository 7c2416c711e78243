// SPDX-License-Identifier: MIT
/* trouble - a plug-in whose functions do what tests need done, also badly. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "protocol/service/plugin.h"

static atomic_int running, most_running, executed, told;

static void
pause_ms(int64_t ms)
{
	struct timespec rest = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&rest, NULL);
}

static void
echo(struct service_call *call, void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&executed, 1);
	service_put_arg(call, 0);
	service_done(call);
}

/* block MS: keeps its thread, as a driver of a database would. */
static void
block(struct service_call *call, void *ctx)
{
	int64_t ms = 0;
	int now = atomic_fetch_add(&running, 1) + 1;
	int most = atomic_load(&most_running);

	(void)ctx;
	while (now > most &&
	    !atomic_compare_exchange_weak(&most_running, &most, now))
		;
	atomic_fetch_add(&executed, 1);
	service_arg_i64(call, 0, &ms);
	pause_ms(ms);
	atomic_fetch_sub(&running, 1);
	service_put_i64(call, ms);
	service_done(call);
}

/* facts: [most at once, executed, cancels told] */
static void
figures(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_array(call, 3);
	service_put_i64(call, atomic_load(&most_running));
	service_put_i64(call, atomic_load(&executed));
	service_put_i64(call, atomic_load(&told));
	service_done(call);
}

static void
on_told(struct service_call *call, void *ctx)
{
	atomic_fetch_add(&told, 1);
	service_give_up(call, ctx);
}

/* deny: how a plug-in that is a before hook rejects a call. */
static void
deny(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_array(call, 2);
	service_put_string(call, "error");
	service_put_string(call, "not by a plug-in");
	service_done(call);
}

/* until_cancelled: its thread asks again and again. */
static void
until_cancelled(struct service_call *call, void *ctx)
{
	(void)ctx;
	while (!service_is_cancelled(call))
		pause_ms(1);
	service_fail(call, "stopped", "it saw the cancel");
}

/* spin: does not heed anything. */
static void
spin(struct service_call *call, void *ctx)
{
	(void)call;
	(void)ctx;
	for (;;)
		pause_ms(1000);
}

/* keep: answers only when it is cancelled. */
static void
keep(struct service_call *call, void *ctx)
{
	(void)call;
	(void)ctx;
}

static void
numbers(struct service_call *call, void *ctx)
{
	int64_t *next = service_state(call, sizeof(*next));

	(void)ctx;
	while (service_credit(call) > 0) {
		service_put_i64(call, (*next)++);
		if (!service_chunk(call) && !service_is_cancelled(call))
			abort(); /* there was credit */
	}
}

/* From a thread of its own, with a part and an end. */
static void *
answer_elsewhere(void *ctx)
{
	struct service_call *call = ctx;

	pause_ms(20);
	service_put_string(call, "elsewhere");
	service_done(call);
	return NULL;
}

static void
elsewhere(struct service_call *call, void *ctx)
{
	pthread_t thread;

	(void)ctx;
	if (pthread_create(&thread, NULL, answer_elsewhere, call) == 0)
		pthread_detach(thread);
	else
		service_fail(call, "thread", "no thread");
}

static void
answer_later(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_string(call, "later");
	service_done(call);
}

static void
later(struct service_call *call, void *ctx)
{
	int64_t ms = 0;

	(void)ctx;
	service_arg_i64(call, 0, &ms);
	service_later(call, (uint32_t)ms, answer_later);
}

static void
die(struct service_call *call, void *ctx)
{
	(void)call;
	(void)ctx;
	abort();
}

static void
twice(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_done(call);
	service_done(call);
}

static void
big(struct service_call *call, void *ctx)
{
	int64_t bytes = 0;
	char *much;

	(void)ctx;
	service_arg_i64(call, 0, &bytes);
	much = calloc(1, (size_t)bytes + 1);
	memset(much, 'x', (size_t)bytes);
	service_put_text(call, much, (uint32_t)bytes);
	free(much);
	service_done(call);
}

static void
half(struct service_call *call, void *ctx)
{
	(void)ctx;
	service_put_map(call, 3);
	service_done(call);
}

static void
who(struct service_call *call, void *ctx)
{
	struct service_text user;

	(void)ctx;
	if (service_caller(call, "user_id", &user))
		service_put_text(call, user.at, user.len);
	service_done(call);
}

static const struct service_function functions[] = {
    {.name = "echo", .run = echo},
    {.name = "deny", .run = deny},
    {.name = "block", .run = block, .on_cancel = on_told},
    {.name = "figures", .run = figures},
    {.name = "until_cancelled", .run = until_cancelled},
    {.name = "spin", .run = spin},
    {.name = "keep", .run = keep, .on_cancel = on_told},
    {.name = "numbers",
	.run = numbers,
	.response = "stream",
	.on_room = numbers,
	.on_cancel = on_told},
    {.name = "elsewhere", .run = elsewhere},
    {.name = "later", .run = later, .on_cancel = on_told},
    {.name = "die", .run = die},
    {.name = "twice", .run = twice},
    {.name = "big", .run = big},
    {.name = "half", .run = half},
    {.name = "who", .run = who},
    {NULL},
};

static bool
start(void)
{
	printf("trouble starts\n");
	return getenv("TROUBLE_REFUSES") == NULL;
}

static void
stop(void)
{
	printf("trouble stops\n");
}

const struct service_plugin banyan_plugin = {
    .abi = SERVICE_PLUGIN_ABI,
    .name = "trouble",
    .functions = functions,
    .start = start,
    .stop = stop,
};
