// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * libmicrohttpd without threads and without a listening socket: its epoll
 * descriptor is one watch of our loop, its time-out one timer. One request a
 * connection (Connection: close): a kept connection would be a way past the
 * door, and nobody who reads this port needs more than a connect on loopback.
 * Its own time-outs count from the last byte; ours are for the whole, so a
 * byte a second does not keep a place.
 *
 * A place is refused with 503 at once instead of queued: whoever reads
 * figures asks again, and a probe finds its own places.
 */

#include "workers/monitor/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/log.h"
#include "protocol/base/memory.h"
#include "protocol/handover.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/monitor/http_inside.h"
#include "workers/monitor/monitor.h"

enum {
	FOR_PROBES = 8,
	DOOR_PLACES = 256,
	DOOR_LEAST = 8,
	SPARE_DESCRIPTORS = 32, /* for all else this process opens */
	SWEEP_MS = 100,
	POOL_BYTES = 256 << 10, /* of one request; touched as needed */
};

static struct stats_slot *
slot_of(const struct http *h)
{
	return worker_slot(h->monitor->worker);
}

/* --- the daemon in our loop --- */

static void
run(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(h->daemon);
	loop_timer_stop(h->loop, &h->again);
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		loop_timer_start(h->loop, &h->again, loop_now_ms(h->loop) + ms);
}

static void
daemon_is_ready(void *ctx, uint32_t events)
{
	(void)events;
	run(ctx);
}

static void
daemon_wants_to_run(void *ctx)
{
	run(ctx);
}

void
http_kick(struct http *h)
{
	loop_timer_start(h->loop, &h->again, loop_now_ms(h->loop));
}

/* said: what the library has to say is about one peer; nobody must act. */
static void
said(void *ctx, const char *fmt, va_list args)
{
	char line[256];

	(void)ctx;
	if (!log_wants(LOG_DEBUG))
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\r\n\"")] = '\0';
	log_line(LOG_DEBUG, "http", "said=\"%s\"", line);
}

/* --- visits --- */

static void
count_visits(struct http *h)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < h->places; i++)
		count += h->visits[i].fd >= 0;
	stats_set(slot_of(h), COUNTER_monitor_http_connections, count);
}

void
http_allow(struct http *h, struct visit *v)
{
	v->until_ms = loop_now_ms(h->loop) +
	    settings_u64(worker_settings(h->monitor->worker),
		SETTING_monitoring_request_timeout_ms);
}

/* who_is_late cuts them; the daemon sees the end and cleans up. */
static void
who_is_late(void *ctx)
{
	struct http *h = ctx;
	uint64_t now_ms = loop_now_ms(h->loop);
	bool is_anybody = false;

	for (uint32_t i = 0; i < h->places; i++) {
		struct visit *v = &h->visits[i];

		if (v->fd < 0)
			continue;
		is_anybody = true;
		if (v->is_cut || v->until_ms > now_ms)
			continue;
		v->is_cut = true;
		stats_add(slot_of(h), COUNTER_monitor_http_slow, 1);
		shutdown(v->fd, SHUT_RDWR);
	}
	if (is_anybody)
		loop_timer_start(h->loop, &h->sweep, now_ms + SWEEP_MS);
}

static struct visit *
free_place(struct http *h, const struct door_guest *guest, uint32_t *status)
{
	uint64_t most = settings_u64(worker_settings(h->monitor->worker),
	    SETTING_monitoring_max_per_address);
	struct visit *free = NULL;
	uint32_t general = 0, of_address = 0;

	for (uint32_t i = 0; i < h->places; i++) {
		struct visit *v = &h->visits[i];

		if (v->fd < 0) {
			free = v;
			continue;
		}
		general += !v->guest.is_probe;
		of_address += !v->guest.is_probe &&
		    door_same_address(&v->guest.address, &guest->address);
	}
	*status = 503;
	if (guest->is_probe)
		return free;
	if (general >= h->general)
		return NULL;
	*status = 429;
	return of_address >= most ? NULL : free;
}

static void
somebody_enters(void *ctx, const struct door_guest *guest)
{
	struct http *h = ctx;
	uint32_t status;
	struct visit *v = free_place(h, guest, &status);

	if (v == NULL) {
		stats_add(slot_of(h), COUNTER_monitor_http_refused, 1);
		door_refuse(guest->fd, status,
		    status == 429
			? "too many connections of your address; try again"
			: "too many connections; try again");
		return;
	}
	*v = (struct visit){.fd = guest->fd, .guest = *guest};
	http_allow(h, v);
	count_visits(h);
	if (!loop_timer_is_running(&h->sweep))
		loop_timer_start(
		    h->loop, &h->sweep, loop_now_ms(h->loop) + SWEEP_MS);
	if (MHD_add_connection(h->daemon, guest->fd,
		(const struct sockaddr *)&guest->address,
		guest->address_bytes) != MHD_YES) {
		v->fd = -1; /* closed by the library */
		stats_add(slot_of(h), COUNTER_monitor_http_refused, 1);
		return;
	}
	http_kick(h);
}

static struct visit *
visit_of(struct http *h, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	for (uint32_t i = 0; info != NULL && i < h->places; i++)
		if (h->visits[i].fd == info->connect_fd)
			return &h->visits[i];
	return NULL;
}

/* --- what the daemon calls --- */

static void
connection_changed(void *ctx, struct MHD_Connection *connection,
    void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	struct http *h = ctx;
	struct visit *v = *socket_context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = visit_of(h, connection);
	} else if (v != NULL) {
		v->fd = -1;
		count_visits(h);
	}
}

static enum MHD_Result
request_came(void *ctx, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *bytes, size_t *count,
    void **context)
{
	struct http *h = ctx;

	(void)version;
	if (*context == NULL) {
		struct visit *v = visit_of(h, connection);

		if (v == NULL || v->is_cut)
			return MHD_NO;
		*context = request_begin(h, connection, v, url, method);
		return MHD_YES;
	}
	if (*count > 0) {
		request_take(*context, bytes, *count);
		*count = 0;
		return MHD_YES;
	}
	return request_answer(*context);
}

static void
request_is_over(void *ctx, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode code)
{
	(void)ctx;
	(void)connection;
	(void)code;
	if (*context != NULL)
		request_end(*context);
	*context = NULL;
}

/* --- life --- */

/* fit shares what descriptors there are between the door and the places. */
static uint32_t
fit(struct http *h)
{
	uint32_t wanted =
	    (uint32_t)settings_u64(worker_settings(h->monitor->worker),
		SETTING_monitoring_max_connections);
	struct rlimit limit = {.rlim_cur = 1024};
	int open = fd_count_open();
	int64_t left;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > 1 << 20)
		limit.rlim_cur = 1 << 20;
	left = (int64_t)limit.rlim_cur - open - SPARE_DESCRIPTORS - FOR_PROBES;
	if (left < 2 * DOOR_LEAST)
		left = 2 * DOOR_LEAST;
	h->general = wanted < left / 2 ? wanted : (uint32_t)(left / 2);
	left -= h->general;
	return left < DOOR_PLACES ? (uint32_t)left : DOOR_PLACES;
}

static bool
start_daemon(struct http *h)
{
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, request_came, h, MHD_OPTION_EXTERNAL_LOGGER, said, h,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->places,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
	    request_is_over, h, MHD_OPTION_NOTIFY_CONNECTION,
	    connection_changed, h, MHD_OPTION_END);
	if (h->daemon == NULL)
		return false;
	h->watch = (struct loop_watch){
	    .fd = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD)
		      ->epoll_fd,
	    .ready = daemon_is_ready,
	    .ctx = h};
	return loop_watch_add(h->loop, &h->watch, EPOLLIN) == OK;
}

static bool
open_door(struct http *h, uint32_t places)
{
	static const enum handover_fd listeners[] = {
	    FD_LISTEN_MONITOR, FD_LISTEN_PROMETHEUS};
	struct door_spec spec = {.loop = h->loop,
	    .slot = slot_of(h),
	    .places = places,
	    .enter = somebody_enters,
	    .ctx = h};

	h->door = door_create(&spec);
	for (size_t i = 0; i < COUNT_OF(listeners); i++)
		if (worker_segment_fd(h->monitor->worker, listeners[i]) >= 0 &&
		    door_listen(h->door, listeners[i]) != OK)
			return false;
	return true;
}

struct http *
http_open(struct monitor *monitor, const char **why)
{
	struct http *h;
	uint32_t door_places;

	*why = NULL;
	if (worker_segment_fd(monitor->worker, FD_LISTEN_MONITOR) < 0)
		return NULL;
	h = MEMORY_NEW(struct http);
	h->monitor = monitor;
	h->loop = worker_loop(monitor->worker);
	h->again = (struct loop_timer){.due = daemon_wants_to_run, .ctx = h};
	h->sweep = (struct loop_timer){.due = who_is_late, .ctx = h};
	door_places = fit(h);
	h->places = h->general + FOR_PROBES;
	h->visits = memory_new(h->places * sizeof(struct visit));
	for (uint32_t i = 0; i < h->places; i++)
		h->visits[i].fd = -1;
	if (!start_daemon(h) || !open_door(h, door_places)) {
		*why = strerror(errno);
		http_close(&h);
		return NULL;
	}
	http_settings(h, worker_settings(monitor->worker));
	return h;
}

void
http_close(struct http **http)
{
	struct http *h = *http;

	if (h == NULL)
		return;
	h->is_closing = true;
	door_destroy(&h->door);
	loop_timer_stop(h->loop, &h->again);
	loop_timer_stop(h->loop, &h->sweep);
	if (h->watch.is_watched)
		loop_watch_remove(h->loop, &h->watch);
	/* a parked page is asking somebody: the daemon aborts over suspended
	 * connections, and the process ends anyway */
	if (h->requests == 0 && h->daemon != NULL) {
		MHD_stop_daemon(h->daemon);
		memory_free(h->visits);
		memory_free(h);
	}
	*http = NULL;
}

void
http_settings(struct http *h, const struct settings *settings)
{
	door_set_timeout(h->door,
	    (uint32_t)settings_u64(
		settings, SETTING_monitoring_header_timeout_ms));
}

uint16_t
http_port(void)
{
	struct sockaddr_storage at = {0};
	socklen_t length = sizeof(at);

	if (getsockname(FD_LISTEN_MONITOR, (struct sockaddr *)&at, &length) < 0)
		return 0;
	/* the port has the same place in sockaddr_in and sockaddr_in6 */
	return ntohs(((const struct sockaddr_in *)(const void *)&at)->sin_port);
}
