// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SERVICE_SERVICE_PRIVATE_H
#define PROTOCOL_SERVICE_SERVICE_PRIVATE_H

/*
 * service_private - the insides of the C SDK; for nobody else.
 *
 * Trust:  arguments come from strangers by way of a gateway: bounded by
 *         the link, judged by the function.
 * Owner:  struct service owns all calls: a free list keeps them, with their
 *         buffers, so that a call costs no malloc.
 */

#include <pthread.h>

#include "protocol/link/link_server.h"
#include "protocol/service/service_call.h"

enum {
	SERVICE_FUNCTIONS = 512,
	SERVICE_BUCKETS = 1024,
};

/* A queue of calls; a call is in one at most. */
struct link_queue {
	struct linked_call *first, *last;
	uint32_t count;
};

/* A call that came over the link. */
struct linked_call {
	struct service_call call; /* first: ops cast back */
	struct service *service;
	struct link_session *session; /* NULL: the gateway is gone */
	uint64_t chunks;              /* sent so far */
	uint64_t came_us;             /* monotonic; of a traced call */
	uint64_t began_us;            /* the same: its handler; 0: not traced */
	size_t turn_bytes;            /* of chunks since its handler began */
	struct linked_call *next;     /* free, or open */
	struct linked_call *before;
	struct link_queue *queue; /* waits for room, or to hear of a cancel */
	struct linked_call *queue_next, *queue_before;
	struct loop_timer timer; /* service_later */
	void (*later)(struct service_call *, void *ctx);
	bool is_running;  /* a handler has it */
	bool is_released; /* and will not come back to it */
	bool is_told;     /* that nobody waits any more */
	bool is_dry;      /* it found no credit, and waits for on_room */
};

/* What another thread wants done in the service's. */
struct service_errand {
	void (*run)(void *ctx);
	void *ctx;
	struct service_errand *next;
};

struct service {
	struct loop *loop;
	struct conn_hub hub;
	struct loop_hook hook; /* tells cancels at the end of a turn */
	struct link_server *server;
	struct tls_context *tls;
	struct service_function functions[SERVICE_FUNCTIONS];
	uint16_t buckets[SERVICE_BUCKETS]; /* index + 1; 0: free */
	uint32_t function_count;
	const char *name;
	const char *node;
	char url[128];
	char error[256];
	struct buffer config; /* what get_config answers */
	char version[24];     /* what get_config_version answers */
	struct linked_call *free_calls;
	struct linked_call *open_calls;
	struct link_queue waiting;   /* streams refused by the session */
	struct link_queue cancelled; /* not told yet */
	uint64_t drain_until_ms;
	bool is_draining;
	pthread_mutex_t errand_lock;
	struct service_errand *errands, **last_errand;
	struct loop_post errand_post;
};

const struct service_function *service_find(
    const struct service *, struct text name);

/* service_config_write puts the FunConfigs of all functions into s->config. */
void service_config_write(struct service *);

/* The link's callbacks. */
extern const struct link_server_calls service_link_calls;

/* service_tell_cancels is the hook at the end of a turn. */
void service_tell_cancels(void *service);

/* service_free_calls gives back all memory of calls. */
void service_free_calls(struct service *);

#endif /* PROTOCOL_SERVICE_SERVICE_PRIVATE_H */
