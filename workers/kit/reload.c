// SPDX-License-Identifier: MIT
#include <string.h>

#include "protocol/base/fd.h"
#include "protocol/log_settings.h"
#include "workers/kit/inside.h"

static void
answer(struct worker *w, uint64_t generation, enum reload_result result,
    const char *text)
{
	struct handover_record record;

	handover_fill(&record, HANDOVER_RELOADED, "%s", text);
	record.a = generation;
	record.b = (uint64_t)result;
	worker_send(w, &record);
}

/*
 * apply asks the job first, then the table: a worker that applied its live
 * keys still needs a restart when a key that is not live differs.
 */
static enum reload_result
apply(struct worker *w, struct worker_reload *reload)
{
	enum reload_result result = RELOAD_UNCHANGED;
	enum reload_result of_table;

	if (w->spec->on_settings != NULL)
		result = w->spec->on_settings(w, reload);
	of_table = settings_reload_result(
	    &(struct settings_lives){w->began, reload->old, reload->next},
	    w->spec->role, reload->text, sizeof(reload->text));
	return of_table > result ? of_table : result;
}

void
reload_settings(struct worker *w, uint64_t generation, int fd)
{
	struct settings *next;
	struct settings *old = w->settings;
	struct worker_reload reload = {.old = old};
	enum err e = fd < 0 ? ERR_MISSING : settings_open(fd, &next);

	fd_close(&fd);
	if (e != OK) {
		event_note(EVENT_settings_refused, "reason=%s", err_name(e));
		answer(w, generation, RELOAD_NEEDS_RESTART,
		    "the settings handed over cannot be read");
		return;
	}
	reload.next = next;
	enum reload_result result = apply(w, &reload);
	log_settings_take(next, w->spec->role);
	w->settings = next;
	if (old != w->began)
		settings_close(&old);
	atomic_store(&w->slot->settings_generation, generation);
	stats_add(w->slot, COUNTER_process_reloads, 1);
	event_note(EVENT_settings_applied, "generation=%llu",
	    (unsigned long long)generation);
	answer(w, generation, result, reload.text);
}
