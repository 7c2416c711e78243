// SPDX-License-Identifier: MIT
#include "protocol/base/fd.h"
#include "workers/kit/inside.h"

static void
tell_sibling_died(struct worker *w, const struct handover_record *record)
{
	struct worker_sibling sibling = {.role = (enum role)record->role,
	    .instance = record->instance,
	    .pid = (int)record->a,
	    .life = record->b,
	    .why = record->text};

	if (w->spec->on_sibling_died != NULL)
		w->spec->on_sibling_died(w, &sibling);
}

static void
take_record(struct worker *w, const struct handover_record *record, int *fd)
{
	if (record->kind == HANDOVER_DRAIN) {
		worker_end(w, (uint32_t)record->a);
	} else if (record->kind == HANDOVER_SETTINGS) {
		reload_settings(w, record->a, *fd);
		*fd = -1; /* its owner now */
	} else if (record->kind == HANDOVER_SIBLING_DIED) {
		tell_sibling_died(w, record);
	} else if (w->record_arrived != NULL) {
		w->record_arrived(w, record);
	}
}

/*
 * Without a parent there is nobody to mourn, restart or stop us, and the
 * guard is about to start another tree: leave at once, it needs our place.
 */
static void
parent_is_gone(struct worker *w)
{
	loop_watch_remove(w->loop, &w->parent);
	event_note(EVENT_stopping, "reason=\"the supervisor is gone\"");
	worker_end(w, 0);
}

static void
parent_ready(void *ctx, uint32_t events)
{
	struct worker *w = ctx;
	struct handover_record record;
	int fd = -1;
	enum err e;

	(void)events;
	while ((e = handover_receive(FD_PARENT, &record, &fd)) == OK ||
	    e == ERR_MALFORMED) {
		if (e == OK)
			take_record(w, &record, &fd);
		fd_close(&fd);
	}
	if (e != ERR_AGAIN)
		parent_is_gone(w);
}

void
parent_open(struct worker *w)
{
	w->parent = (struct loop_watch){
	    .fd = FD_PARENT, .ready = parent_ready, .ctx = w};
	if (fd_set_nonblocking(FD_PARENT) != OK ||
	    loop_watch_add(w->loop, &w->parent, EPOLLIN) != OK)
		worker_fail(w, EXIT_SYSTEM,
		    "descriptor %d is no socket to a parent: only banyand "
		    "starts this program",
		    FD_PARENT);
}

void
worker_send(struct worker *w, const struct handover_record *record)
{
	(void)w;
	if (handover_send(FD_PARENT, record, -1) != OK)
		log_line(LOG_WARN, "record_dropped", "kind=%u", record->kind);
}

void
worker_on_record(struct worker *w,
    void (*arrived)(struct worker *, const struct handover_record *))
{
	w->record_arrived = arrived;
}
