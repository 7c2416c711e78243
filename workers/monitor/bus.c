// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * nng's PUB keeps a queue for each listener and drops what finds no room in
 * it: it never waits. The queue's default of 16 messages is less than one turn
 * of the feed, so it is QUEUE here. Each message carries a number of its own,
 * so a listener knows exactly what it did not get.
 */

#include "workers/monitor/bus.h"

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/transport/ipc/ipc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/memory.h"
#include "protocol/bus_message.h"
#include "protocol/endpoint.h"
#include "protocol/events.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "workers/monitor/bus_open.h"
#include "workers/monitor/monitor.h"

enum {
	QUEUE = 4096, /* messages for one listener; nng takes up to 8192 */
	OWN_PAIRS = 3
};

struct bus {
	struct worker *worker;
	nng_socket socket;
	bool is_open;
	bool is_enabled; /* by the settings */
	bool is_stopped; /* by an operator */
	atomic_uint listeners;
	atomic_bool is_crowded; /* there were more than there is room for */
	_Atomic uint64_t who[BUS_LISTENERS]; /* pipe << 32 | pid; 0: free */
	struct buffer out;
	uint64_t sequence;
	uint64_t failed;
};

/*
 * note_came keeps a listener and, when it is on this machine, which process
 * it is. One more than there is room for is known to be there, for good.
 */
static void
note_came(struct bus *bus, nng_pipe pipe)
{
	uint64_t pid = 0;

	(void)nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid);
	for (int i = 0; i < BUS_LISTENERS; i++) {
		uint64_t none = 0;

		if (!atomic_compare_exchange_strong(&bus->who[i], &none,
			(uint64_t)(uint32_t)nng_pipe_id(pipe) << 32 |
			    (uint32_t)pid))
			continue;
		atomic_fetch_add(&bus->listeners, 1);
		return;
	}
	atomic_store(&bus->is_crowded, true);
}

/* note_left: of a stranger that was turned away for its protocol nng says
 * only this, and never that it came. */
static void
note_left(struct bus *bus, nng_pipe pipe)
{
	for (int i = 0; i < BUS_LISTENERS; i++) {
		if (atomic_load(&bus->who[i]) >> 32 !=
		    (uint32_t)nng_pipe_id(pipe))
			continue;
		atomic_store(&bus->who[i], 0);
		atomic_fetch_sub(&bus->listeners, 1);
	}
}

/* pipe_changed runs on nng's threads: atomics, nothing else. */
static void
pipe_changed(nng_pipe pipe, nng_pipe_ev event, void *ctx)
{
	if (event == NNG_PIPE_EV_ADD_POST)
		note_came(ctx, pipe);
	else
		note_left(ctx, pipe);
}

static void
listen_at(struct bus *bus, const char *url)
{
	int failure = nng_listen(bus->socket, url, NULL, 0);

	if (failure != 0)
		event_note(EVENT_bus_not_listening, "url=%s why=\"%s\"", url,
		    nng_strerror(failure));
}

/* listen_all: an address that cannot be had costs nothing but itself. */
static void
listen_all(struct bus *bus, const struct settings *settings)
{
	struct text list = settings_list(settings, SETTING_telemetry_publish);
	char url[ENDPOINT_URL], path[ENDPOINT_PATH];
	struct unpacker at;
	uint32_t count = 0;

	snprintf(path, sizeof(path), "%s/telemetry.ipc",
	    worker_runtime_dir(bus->worker));
	snprintf(url, sizeof(url), "ipc://%s", path);
	(void)unlink(path); /* of a life that was killed */
	listen_at(bus, url);
	unpack_init(&at, list);
	if (unpack_array(&at, &count) != OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		struct text item;
		char other[256];

		if (unpack_text(&at, &item) == OK &&
		    text_copy(item, other, sizeof(other)) == OK)
			listen_at(bus, other);
	}
}

struct bus *
bus_open(struct worker *w)
{
	struct bus *bus = MEMORY_NEW(struct bus);
	int failure;

	bus->worker = w;
	buffer_init(&bus->out, BUS_MESSAGE_BYTES);
	bus_settings(bus, worker_settings(w));
	failure = nng_pub0_open(&bus->socket);
	if (failure != 0) {
		event_note(EVENT_bus_not_listening,
		    "url=telemetry.ipc "
		    "why=\"%s\"",
		    nng_strerror(failure));
		return bus;
	}
	bus->is_open = true;
	nng_socket_set_int(bus->socket, NNG_OPT_SENDBUF, QUEUE);
	nng_pipe_notify(bus->socket, NNG_PIPE_EV_ADD_POST, pipe_changed, bus);
	nng_pipe_notify(bus->socket, NNG_PIPE_EV_REM_POST, pipe_changed, bus);
	listen_all(bus, worker_settings(w));
	return bus;
}

void
bus_close(struct bus **bus)
{
	if (*bus == NULL)
		return;
	if ((*bus)->is_open)
		nng_close((*bus)->socket);
	buffer_finish(&(*bus)->out);
	memory_free(*bus);
	*bus = NULL;
}

void
bus_settings(struct bus *bus, const struct settings *settings)
{
	bus->is_enabled =
	    settings_bool(settings, SETTING_telemetry_bus_enabled);
}

void
bus_stop(struct bus *bus, bool is_stopped)
{
	bus->is_stopped = is_stopped;
}

static bool
is_on(const struct bus *bus)
{
	return bus->is_open && bus->is_enabled && !bus->is_stopped;
}

static struct text
secret_of(const struct bus *bus)
{
	struct text secret = settings_text(
	    worker_settings(bus->worker), SETTING_telemetry_bus_secret);
	const char *other = getenv("SECRET_KEY_BASE");

	return secret.len > 0 || other == NULL ? secret : text_of(other);
}

void
bus_state(const struct bus *bus, struct bus_state *to)
{
	*to = (struct bus_state){.is_on = is_on(bus),
	    .is_open = bus->is_open,
	    .is_enabled = bus->is_enabled,
	    .is_stopped = bus->is_stopped,
	    .is_signed = secret_of(bus).len > 0,
	    .listeners = atomic_load(&bus->listeners),
	    .published = bus->sequence,
	    .failed = bus->failed};
	for (int i = 0; i < BUS_LISTENERS; i++)
		to->pids[i] = (uint32_t)atomic_load(&bus->who[i]);
}

static bool
is_heard(const struct bus *bus)
{
	return atomic_load(&bus->listeners) > 0 ||
	    atomic_load(&bus->is_crowded);
}

bool
bus_has_listeners(const struct monitor *m)
{
	return m->bus != NULL && is_on(m->bus) && is_heard(m->bus);
}

static enum err
pack_message(struct bus *bus, const char *topic, uint32_t pairs, bus_pack *pack,
    void *ctx)
{
	struct text secret = secret_of(bus);
	struct bus_message message;
	struct packer *p = &message.packer;
	enum err e;

	buffer_truncate(&bus->out, 0);
	e = bus_message_begin(
	    &message, &bus->out, topic, pairs + OWN_PAIRS, secret.len > 0);
	if (e != OK)
		return e;
	pack(p, ctx);
	pack_string(p, "node");
	pack_text(p, settings_text(worker_settings(bus->worker), SETTING_node));
	pack_string(p, "timestamp");
	pack_f64(p, (double)(clock_wall_us() / 1000) / 1000);
	pack_string(p, "sequence");
	pack_u64(p, bus->sequence + 1);
	return bus_message_end(&message, secret);
}

enum bus_result
bus_publish(struct monitor *m, const char *topic, uint32_t pairs,
    bus_pack *pack, void *ctx)
{
	struct bus *bus = m->bus;

	if (bus == NULL || !is_on(bus))
		return BUS_DISABLED;
	if (!is_heard(bus)) {
		bus->sequence++; /* nobody to pack it for */
		return BUS_PUBLISHED;
	}
	if (pack_message(bus, topic, pairs, pack, ctx) != OK ||
	    nng_send(bus->socket, buffer_at(&bus->out), buffer_used(&bus->out),
		NNG_FLAG_NONBLOCK) != 0) {
		if (bus->failed++ == 0)
			event_note(EVENT_bus_failed, "topic=%s", topic);
		return BUS_FAILED;
	}
	bus->sequence++;
	return BUS_PUBLISHED;
}
