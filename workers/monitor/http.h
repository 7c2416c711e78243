// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_HTTP_H
#define WORKERS_MONITOR_HTTP_H

/*
 * http - the operators' HTTP: pages told by libmicrohttpd in the worker's own
 * loop, one request a connection.
 *
 * It knows connections, deadlines and places; what a path means is a page's
 * business (page.h), and which connections get here is the door's (door.h).
 *
 * Trust:  whatever the door lets in: a well-formed head, then any bytes.
 * Owner:  struct http is created and destroyed by monitor.c. A request lives
 *         until its answer is sent, and until its page is finished.
 */

#include <stdint.h>

struct http;
struct monitor;
struct settings;

/*
 * http_open serves the listening sockets we were given; NULL when there are
 * none. `why` is set when it could not: nothing listens then.
 */
struct http *http_open(struct monitor *, const char **why);
void http_close(struct http **);

/* http_settings takes new settings; the rest is read at each request. */
void http_settings(struct http *, const struct settings *);

/* http_port is that of the first listener, 0 when there is none. */
uint16_t http_port(void);

#endif /* WORKERS_MONITOR_HTTP_H */
