// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"

enum {
	NOTIFY_EVERY_MS = 1000,
	ENDPOINTS_BYTES = 16 << 10
};

/* status_notify: the guard passes it on to systemd, if there is one. */
void
status_notify(struct supervisor *s, const char *fmt, ...)
{
	struct handover_record record;
	va_list args;

	if (s->is_orphan)
		return;
	handover_fill(&record, HANDOVER_NOTIFY, NULL);
	va_start(args, fmt);
	vsnprintf(record.text, sizeof(record.text), fmt, args);
	va_end(args);
	if (handover_send(FD_PARENT, &record, -1) != OK)
		return; /* the guard is busy or gone: the next one will do */
}

/* put_listeners: a port the guard did not open has no line. */
static enum err
put_listeners(struct supervisor *s, struct buffer *out)
{
	const char *mount = settings_string(s->settings, SETTING_gateway_mount);
	const struct {
		const char *name, *scheme, *path;
		int fd;
	} listeners[] = {{"gateway", "ws", mount, FD_LISTEN_GATEWAY},
	    {"monitoring", "http", "", FD_LISTEN_MONITOR},
	    {"prometheus", "http", "", FD_LISTEN_PROMETHEUS}};
	enum err e = OK;
	char url[FD_URL];

	for (size_t i = 0; e == OK && i < COUNT_OF(listeners); i++) {
		const char *comma = buffer_used(out) > 1 ? "," : "";

		if ((s->given & 1u << listeners[i].fd) == 0 ||
		    fd_url(listeners[i].fd, listeners[i].scheme, url) != OK)
			continue;
		e = buffer_printf(out, "%s\"%s\":\"%s%s\"", comma,
		    listeners[i].name, url, listeners[i].path);
	}
	return e;
}

/* write_endpoints names the real addresses, once all are there. */
static void
write_endpoints(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	char path[512], url[ENDPOINT_URL];
	struct buffer out;

	buffer_init(&out, ENDPOINTS_BYTES);
	enum err e = buffer_append_text(&out, TEXT("{"));
	if (e == OK)
		e = put_listeners(s, &out);
	for (uint32_t i = 0; e == OK && i < t->count; i++) {
		const struct child_spec *spec = &t->children[i]->spec;
		const char *comma = buffer_used(&out) > 1 ? "," : "";

		if (endpoint_url(s->runtime_dir, (enum role)spec->role,
			spec->instance, url) != OK)
			continue;
		e = buffer_printf(
		    &out, "%s\"%s\":\"%s\"", comma, spec->name, url);
	}
	if (e == OK)
		e = buffer_append_text(&out, TEXT("}\n"));
	snprintf(path, sizeof(path), "%s/endpoints.json", s->runtime_dir);
	if (e == OK)
		e = fd_replace_file(
		    path, buffer_at(&out), buffer_used(&out), 0600);
	if (e != OK)
		event_note(EVENT_endpoints_unwritten, "error=%s", err_name(e));
	buffer_finish(&out);
}

static void
count_up(const struct tree *t, uint32_t *up, uint32_t *wanted)
{
	*up = *wanted = 0;
	for (uint32_t i = 0; i < t->count; i++) {
		*wanted += t->children[i]->wants_up;
		*up += t->children[i]->state == CHILD_UP;
	}
}

/* supervises: every living child has a pidfd that the loop watches. */
static bool
supervises(const struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;

	for (uint32_t i = 0; i < t->count; i++)
		if (child_lives(t->children[i]) &&
		    !keeper_body(t->children[i])->pidfd.is_watched)
			return false;
	return true;
}

static void
became_ready(struct supervisor *s)
{
	uint32_t up, wanted;

	count_up(s->keeper.tree, &up, &wanted);
	write_endpoints(s);
	event_note(EVENT_tree_ready, "children=%u max_restarts=%llu", up,
	    (unsigned long long)settings_u64(
		s->settings, SETTING_supervisor_restarts));
	status_notify(s, "READY=1\nSTATUS=%u of %u children up", up, wanted);
}

static void
publish_flags(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	uint64_t flags = 0;

	if (tree_is_ready(t))
		flags |= STATS_TREE_READY;
	if (s->is_stopping)
		flags |= STATS_TREE_STOPPING;
	if (s->is_in_storm)
		flags |= STATS_TREE_STORM;
	if (reload_is_running(s))
		flags |= STATS_TREE_RELOADING;
	if (s->is_degraded)
		flags |= STATS_TREE_DEGRADED;
	if (supervises(s))
		flags |= STATS_TREE_WATCHED;
	atomic_store(&s->stats.shared->flags, flags);
}

static void
tell_oddities(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	bool is_in_storm = t->storm_until_ms > loop_now_ms(s->loop);

	if (is_in_storm && !s->is_in_storm) {
		stats_add(s->slot, COUNTER_supervisor_storms, 1);
		event_note(EVENT_storm, "waits_ms=%llu",
		    (unsigned long long)(t->storm_until_ms -
			loop_now_ms(s->loop)));
	} else if (!is_in_storm && s->is_in_storm) {
		event_note(EVENT_storm_over, "put_off=%llu",
		    (unsigned long long)t->storm_waits);
	}
	s->is_in_storm = is_in_storm;
	if (t->gaps != s->gaps)
		event_note(EVENT_gap, "gaps=%llu", (unsigned long long)t->gaps);
	s->gaps = t->gaps;
	if (s->keeper.refused != s->refused) {
		stats_add(s->slot, COUNTER_supervisor_records_refused,
		    s->keeper.refused - s->refused);
		event_note(EVENT_record_refused, "refused=%llu",
		    (unsigned long long)s->keeper.refused);
	}
	s->refused = s->keeper.refused;
}

/* say_again repeats what was said of a child where its record is damaged. */
static void
say_again(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	struct stats_child said;

	for (uint32_t i = 0; i < t->count; i++)
		if (stats_child_get(
			&s->stats, t->children[i]->spec.slot, &said) != OK)
			children_publish(s, t->children[i], NULL);
}

void
status_look(struct supervisor *s)
{
	const struct tree *t = s->keeper.tree;
	uint64_t now_ms = loop_now_ms(s->loop);
	uint32_t up, wanted;

	tell_oddities(s);
	if (!s->was_ready && tree_is_ready(t)) {
		s->was_ready = true;
		s->is_remade = false; /* these segments are good */
		became_ready(s);
	}
	bool is_degraded = s->was_ready && tree_is_degraded(t);
	count_up(t, &up, &wanted);
	if (is_degraded != s->is_degraded && !s->is_stopping)
		status_notify(s, "STATUS=%u of %u children up%s", up, wanted,
		    is_degraded ? ", degraded" : "");
	s->is_degraded = is_degraded;
	publish_flags(s);
	if (now_ms - s->notified_ms >= NOTIFY_EVERY_MS)
		say_again(s);
	if (now_ms - s->notified_ms >= NOTIFY_EVERY_MS && supervises(s)) {
		s->notified_ms = now_ms;
		status_notify(s, "WATCHDOG=1");
	}
}

void
status_stopping(struct supervisor *s)
{
	event_note(EVENT_tree_stopping, "children=%u", s->keeper.tree->count);
	status_notify(s, "STOPPING=1\nSTATUS=stopping");
}
