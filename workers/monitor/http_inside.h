// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HTTP_INSIDE_H
#define WORKERS_MONITOR_HTTP_INSIDE_H

/*
 * http_inside - what the two halves of http share: http.c has connections and
 * time, http_request.c has one request and its answer.
 *
 * Trust:  see http.h.
 * Owner:  see http.h.
 */

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/loop.h"
#include "protocol/pack.h"
#include "workers/monitor/door.h"
#include "workers/monitor/page.h"

struct monitor;
struct request;

/* One connection in libmicrohttpd's hands. */
struct visit {
	int fd; /* -1: the place is free */
	struct door_guest guest;
	uint64_t until_ms; /* then it is cut */
	struct request *request;
	bool is_cut;
};

struct http {
	struct monitor *monitor;
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct door *door;
	struct loop_watch watch;
	struct loop_timer again; /* when the daemon wants to run */
	struct loop_timer sweep; /* who is late? */
	struct visit *visits;
	uint32_t places;   /* of visits, those kept for probes included */
	uint32_t general;  /* of them for anybody */
	uint32_t requests; /* alive, their pages parked or not */
	bool is_closing;
};

/* http_kick lets the daemon run once more, soon and not inside this call. */
void http_kick(struct http *);

/* http_allow gives a request `ms` more from now. */
void http_allow(struct http *, struct visit *);

/* ---- http_request.c ---- */

/* request_begin is called at the head of a request. */
struct request *request_begin(struct http *, struct MHD_Connection *,
    struct visit *, const char *url, const char *method);

/* request_take adds bytes of the body. */
void request_take(struct request *, const char *bytes, size_t count);

/* request_answer goes on to the page and queues its answer when it is made. */
enum MHD_Result request_answer(struct request *);

/* request_end: the connection is through with it. */
void request_end(struct request *);

#endif /* WORKERS_MONITOR_HTTP_INSIDE_H */
