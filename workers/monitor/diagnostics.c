// SPDX-License-Identifier: MIT
#include "workers/monitor/diagnostics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const prefixes[DIAGNOSTICS_KINDS] = {
    [DIAGNOSTICS_TRACE] = "trace",
    [DIAGNOSTICS_ANALYSIS] = "analysis",
    [DIAGNOSTICS_SNAPSHOT] = "snapshot",
};

void
diagnostics_init(struct diagnostics *d)
{
	memset(d, 0, sizeof(*d));
}

void
diagnostics_finish(struct diagnostics *d)
{
	for (int k = 0; k < DIAGNOSTICS_KINDS; k++)
		for (int i = 0; i < DIAGNOSTICS_KEPT; i++)
			if (d->kept[k][i].serial != 0)
				buffer_finish(&d->kept[k][i].map);
	memset(d, 0, sizeof(*d));
}

void
diagnostics_name(
    enum diagnostics_kind kind, uint64_t chance, char to[DIAGNOSTICS_ID])
{
	snprintf(to, DIAGNOSTICS_ID, "%s_%016" PRIx64, prefixes[kind], chance);
}

void
diagnostics_keep(struct diagnostics *d, enum diagnostics_kind kind,
    const char *id, uint64_t wall_ms, struct text map)
{
	struct diagnostics_record *r =
	    &d->kept[kind][d->counts[kind] % DIAGNOSTICS_KEPT];

	if (r->serial != 0)
		buffer_finish(&r->map);
	*r = (struct diagnostics_record){.kind = kind, .wall_ms = wall_ms};
	buffer_init(&r->map, DIAGNOSTICS_BYTES);
	if (buffer_append_text(&r->map, map) != OK) {
		buffer_finish(&r->map);
		return; /* too big a record is none */
	}
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->serial = ++d->serial;
	d->counts[kind]++;
}

const struct diagnostics_record *
diagnostics_find(const struct diagnostics *d, struct text id)
{
	for (int k = 0; k < DIAGNOSTICS_KINDS; k++)
		for (int i = 0; i < DIAGNOSTICS_KEPT; i++)
			if (d->kept[k][i].serial != 0 &&
			    text_is(id, d->kept[k][i].id))
				return &d->kept[k][i];
	return NULL;
}

const struct diagnostics_record *
diagnostics_next(const struct diagnostics *d, uint64_t before)
{
	const struct diagnostics_record *best = NULL;

	for (int k = 0; k < DIAGNOSTICS_KINDS; k++) {
		for (int i = 0; i < DIAGNOSTICS_KEPT; i++) {
			const struct diagnostics_record *r = &d->kept[k][i];

			if (r->serial == 0 || r->serial >= before ||
			    (best != NULL && r->serial < best->serial))
				continue;
			best = r;
		}
	}
	return best;
}

void
diagnostics_error(struct diagnostics *d, const char *process, const char *type,
    struct text message, uint64_t wall_ms)
{
	struct error_group *to = &d->errors[0];

	if (message.len > ERROR_TEXT_BYTES)
		message.len = ERROR_TEXT_BYTES;
	for (int i = 0; i < ERRORS_KEPT; i++) {
		struct error_group *g = &d->errors[i];

		if (g->last_serial != 0 && text_is(message, g->message) &&
		    strcmp(g->type, type) == 0 &&
		    strcmp(g->process, process) == 0) {
			g->frequency++;
			g->last_ms = wall_ms;
			g->last_serial = ++d->errors_seen;
			return;
		}
		if (g->last_serial < to->last_serial)
			to = g;
	}
	*to = (struct error_group){.last_serial = ++d->errors_seen,
	    .frequency = 1,
	    .first_ms = wall_ms,
	    .last_ms = wall_ms};
	snprintf(to->process, sizeof(to->process), "%s", process);
	snprintf(to->type, sizeof(to->type), "%s", type);
	if (message.len > 0)
		memcpy(to->message, message.at, message.len);
}

const struct error_group *
diagnostics_next_error(const struct diagnostics *d, uint64_t before)
{
	const struct error_group *best = NULL;

	for (int i = 0; i < ERRORS_KEPT; i++) {
		const struct error_group *g = &d->errors[i];

		if (g->last_serial == 0 || g->last_serial >= before ||
		    (best != NULL && g->last_serial < best->last_serial))
			continue;
		best = g;
	}
	return best;
}
