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

#include "protocol/link/link_server.h"
#include "protocol/service/service.h"

enum {
	SERVICE_FUNCTIONS = 512,
	SERVICE_BUCKETS = 1024,
	SERVICE_ARGUMENTS =
	    16, /* spans kept at hand; later ones are searched */
};

struct service_call {
	struct service *service;
	struct link_session *session; /* NULL: the gateway is gone */
	uint64_t id;
	uint64_t deadline_ms; /* monotonic; 0: none */
	const struct service_function *function;
	struct text facts;
	struct text args[SERVICE_ARGUMENTS];
	uint32_t arg_count;
	struct buffer answer;
	struct packer packer;
	struct service_call *next; /* free, or open */
	struct service_call *before;
	bool is_cancelled;
};

struct service {
	struct loop *loop;
	struct conn_hub hub;
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
	struct service_call *free_calls;
	struct service_call *open_calls;
	uint64_t drain_until_ms;
	bool is_draining;
};

const struct service_function *service_find(
    const struct service *, struct text name);

/* service_config_write puts the FunConfigs of all functions into s->config. */
void service_config_write(struct service *);

/* service_on_call is the link's callback; the others too. */
void service_on_call(void *, struct link_session *, const struct link_frame *);
void service_on_cancel(void *, struct link_session *, uint64_t id);
void service_on_gone(void *, struct link_session *, enum link_fault);

#endif /* PROTOCOL_SERVICE_SERVICE_PRIVATE_H */
