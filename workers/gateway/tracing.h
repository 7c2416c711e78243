// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_TRACING_H
#define WORKERS_GATEWAY_TRACING_H

/*
 * tracing - which requests are traced, and the hops they leave here.
 *
 * While no trace is in force and nobody sends a traceparent, a request costs
 * one relaxed load. A request that some filter is after gets a struct traced;
 * so does one that came with a traceparent, to pass it on, and then nothing is
 * recorded: strangers cannot switch tracing on.
 *
 * Trust:  traceparent is a stranger's (traceparent.h). Arguments are recorded
 *         with secrets masked, and cut.
 * Owner:  a traced belongs to whoever handles the request, then to its call;
 *         tracing_release takes NULL.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"
#include "protocol/trace_hop.h"
#include "protocol/trace_watch.h"
#include "workers/gateway/answer.h"

struct call;
struct client;
struct compiled;
struct gateway;
struct http_upgrade;
struct packer;
struct refusal;
struct request;
struct settings;
struct tracing;

/* One request that is traced, or that passes a traceparent on. */
struct traced {
	struct trace_span span;
	bool is_recorded; /* hops leave records */
	bool is_over;     /* its last hop is recorded */
};

void tracing_create(struct tracing **, struct gateway *);
void tracing_destroy(struct tracing **);
void tracing_on_settings(struct tracing *, const struct settings *);

/* tracing_upgrade takes a traceparent of the HTTP head: the client's own. */
void tracing_upgrade(struct client *, const struct http_upgrade *);

/* tracing_begin gives NULL for nearly every request. */
struct traced *tracing_begin(struct client *, const struct request *);

/* tracing_found tells of the function; a filter may be after what it calls. */
void tracing_found(
    struct refusal *, const struct compiled *, const struct request *);

/* tracing_missed tells why there is none: not_found, disabled or denied. */
void tracing_missed(const struct traced *, const char *why);

#define HOP(traced, stage, ...) \
	do { \
		if ((traced) != NULL) \
			trace_hop( \
			    &(traced)->span, STAGE_##stage, __VA_ARGS__); \
	} while (0)

/* The last hops: an error, and the end. Once; then they do nothing. */
void tracing_failed(struct traced *, enum answer_code, struct text error);
void tracing_ended(struct traced *, bool is_success, bool is_async);
void tracing_release(struct traced **);

/* tracing_listen: lines logged from now on are hops too; NULL ends that. */
void tracing_listen(struct traced *);

/* A call was given to a node, or the node did not take it. */
void tracing_sent(const struct call *, struct text node, bool is_local);
void tracing_passed_over(const struct call *, struct text node, enum err);

/* tracing_on_served takes what a service says of its own time; for
 * link_client_calls. */
void tracing_on_served(void *owner, void *call, struct text hops);

/* tracing_hints_count and tracing_hints: what a node is told of the trace. */
uint32_t tracing_hints_count(const struct call *);
void tracing_hints(const struct call *, struct packer *);

#endif /* WORKERS_GATEWAY_TRACING_H */
