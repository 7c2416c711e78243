// SPDX-License-Identifier: MIT
#include "protocol/service/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/base/tls.h"
#include "protocol/service/service_private.h"

enum {
	DRAIN_MS = 5000,
	IDLE_MS = 500,
	CONFIG_MOST = 4 * 1024 * 1024,
};

static uint64_t
random_boot(void)
{
	uint64_t boot = 0;

	while (boot == 0)
		if (getrandom(&boot, sizeof(boot), 0) != sizeof(boot))
			boot = clock_wall_us();
	return boot >> 1 | 1; /* fits a signed integer of any language */
}

static struct service_errand *
take_errands(struct service *s)
{
	pthread_mutex_lock(&s->errand_lock);
	struct service_errand *first = s->errands;
	s->errands = NULL;
	s->last_errand = &s->errands;
	pthread_mutex_unlock(&s->errand_lock);
	return first;
}

static void
run_errands(void *ctx)
{
	struct service_errand *e = take_errands(ctx), *next;

	for (; e != NULL; e = next) {
		next = e->next;
		e->run(e->ctx);
		memory_free(e);
	}
}

static void
drop_errands(struct service *s)
{
	struct service_errand *e = take_errands(s), *next;

	for (; e != NULL; e = next) {
		next = e->next;
		memory_free(e);
	}
}

void
service_post(struct service *s, void (*run)(void *ctx), void *ctx)
{
	struct service_errand *e = MEMORY_NEW(struct service_errand);

	e->run = run;
	e->ctx = ctx;
	pthread_mutex_lock(&s->errand_lock);
	*s->last_errand = e;
	s->last_errand = &e->next;
	/* inside: once its errand has run, the poster is through with us */
	loop_post(s->loop, &s->errand_post);
	pthread_mutex_unlock(&s->errand_lock);
}

struct service *
service_create(const char *name)
{
	struct service *s = MEMORY_NEW(struct service);

	if (loop_create(&s->loop) != OK) {
		memory_free(s);
		return NULL;
	}
	s->name = name;
	conn_hub_init(&s->hub, s->loop);
	s->hook = (struct loop_hook){.run = service_tell_cancels, .ctx = s};
	conn_hub_before_flush(&s->hub, &s->hook);
	pthread_mutex_init(&s->errand_lock, NULL);
	s->last_errand = &s->errands;
	s->errand_post = (struct loop_post){.run = run_errands, .ctx = s};
	loop_post_register(s->loop, &s->errand_post);
	buffer_init(&s->config, CONFIG_MOST);
	return s;
}

/* close_link: calls still open hear that nobody waits any more. */
static void
close_link(struct service *s)
{
	link_server_destroy(&s->server); /* the socket file goes with it */
	service_tell_cancels(s);
}

void
service_destroy(struct service **out)
{
	struct service *s = *out;

	if (s == NULL)
		return;
	close_link(s);
	drop_errands(s);
	pthread_mutex_destroy(&s->errand_lock);
	tls_context_destroy(&s->tls);
	service_free_calls(s);
	buffer_finish(&s->config);
	conn_hub_forget_flush(&s->hub, &s->hook);
	conn_hub_finish(&s->hub);
	loop_destroy(&s->loop);
	memory_free(s);
	*out = NULL;
}

static uint32_t
bucket_of(struct text name)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < name.len; i++)
		hash = (hash ^ (uint8_t)name.at[i]) * 16777619u;
	return hash % SERVICE_BUCKETS;
}

const struct service_function *
service_find(const struct service *s, struct text name)
{
	for (uint32_t i = bucket_of(name); s->buckets[i] != 0;
	     i = (i + 1) % SERVICE_BUCKETS)
		if (text_is(name, s->functions[s->buckets[i] - 1].name))
			return &s->functions[s->buckets[i] - 1];
	return NULL;
}

bool
service_add(struct service *s, const struct service_function *f)
{
	if (s->function_count == SERVICE_FUNCTIONS ||
	    service_find(s, text_of(f->name)) != NULL) {
		snprintf(s->error, sizeof(s->error),
		    "function %s: there already, or too many", f->name);
		return false;
	}
	uint32_t i = bucket_of(text_of(f->name));
	while (s->buckets[i] != 0)
		i = (i + 1) % SERVICE_BUCKETS;
	s->functions[s->function_count++] = *f;
	s->buckets[i] = (uint16_t)s->function_count;
	service_config_write(s);
	return true;
}

bool
service_add_all(struct service *s, const struct service_function *functions)
{
	for (; functions->name != NULL; functions++)
		if (!service_add(s, functions))
			return false;
	return true;
}

void
service_node(struct service *s, const char *node)
{
	s->node = node;
	service_config_write(s);
}

bool
service_tls(
    struct service *s, const char *cert, const char *key, const char *ca)
{
	struct tls_files files = {.cert = cert, .key = key, .ca = ca};

	if (s->server != NULL || s->tls != NULL) {
		snprintf(s->error, sizeof(s->error),
		    "service_tls comes once, before service_listen");
		return false;
	}
	return tls_context_create(
		   &s->tls, true, &files, s->error, sizeof(s->error)) == OK;
}

bool
service_listen(struct service *s, const char *url)
{
	char bound[sizeof(s->url)];

	if (s->server == NULL) {
		struct link_server_options options = {
		    .hub = &s->hub,
		    .calls = &service_link_calls,
		    .owner = s,
		    .name = text_of(s->name),
		    .boot = random_boot(),
		    .tls = s->tls,
		};
		link_server_create(&s->server, &options);
	}
	enum err e =
	    link_server_listen(s->server, text_of(url), bound, sizeof(bound));
	if (e != OK) {
		snprintf(s->error, sizeof(s->error), "%s: %s", url,
		    e == ERR_SYSTEM       ? strerror(errno)
			: e == ERR_EXISTS ? "somebody else listens there"
			: e == ERR_DENIED
			? "beyond loopback only with "
			  "tls+tcp:// and service_tls; and no "
			  "file in the way of a socket"
			: e == ERR_MALFORMED
			? "not ipc://, tcp:// or tls+tcp://"
			: err_name(e));
		return false;
	}
	if (s->url[0] == '\0') {
		(void)!text_copy(text_of(bound), s->url, sizeof(s->url));
		service_config_write(s);
	}
	return true;
}

const char *
service_error(const struct service *s)
{
	return s->error;
}

const char *
service_url(const struct service *s)
{
	return s->url;
}

int
service_fd(const struct service *s)
{
	return loop_fd(s->loop);
}

uint32_t
service_wait_ms(const struct service *s)
{
	return s->is_draining ? LINK_REDIAL_MIN_MS : IDLE_MS;
}

void
service_turn(struct service *s)
{
	loop_turn(s->loop, 0);
}

void
service_drain(struct service *s)
{
	if (s->is_draining)
		return;
	s->is_draining = true;
	s->drain_until_ms = clock_mono_ms() + DRAIN_MS;
	if (s->server != NULL)
		link_server_drain(s->server);
}

bool
service_is_drained(const struct service *s)
{
	return s->is_draining &&
	    (clock_mono_ms() >= s->drain_until_ms || s->server == NULL ||
		(s->open_calls == NULL && link_server_is_quiet(s->server)));
}

static void
on_signal(void *ctx, int number, int sender)
{
	(void)number;
	(void)sender;
	service_drain(ctx);
}

int
service_run(struct service *s)
{
	static const int signals[] = {SIGTERM, SIGINT};

	if (loop_on_signals(
		s->loop, signals, COUNT_OF(signals), on_signal, s) != OK)
		return 71;
	while (!service_is_drained(s))
		loop_turn(s->loop, service_wait_ms(s));
	close_link(s);
	return 0;
}
