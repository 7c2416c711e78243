// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A death is paperwork: a file, and a record to whom it concerns, each of
 * which takes the processor away from us as soon as it is woken. A third of a
 * millisecond of every restart went there, before the fork. So it is done at
 * the end of the turn. What the next life overwrites (last words, events) is
 * in the document by then.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/memory.h"
#include "supervisor/supervisor.h"

enum {
	OBITUARY_BYTES = 256 << 10,
};

struct mourned {
	struct mourned *next;
	const struct child *child;
	struct handover_record record; /* to those whom it concerns */
	struct buffer document;
	enum err written; /* how that went */
};

static const bool is_mourner[ROLES] = {
#define M(role) [ROLE_##role] = true,
    WORKER_MOURNERS(M)
#undef M
};

void
mourning_note(
    struct supervisor *s, const struct obituary *facts, bool was_asked)
{
	struct mourned *m = MEMORY_NEW(struct mourned), **at = &s->mourned;

	m->child = facts->child;
	buffer_init(&m->document, OBITUARY_BYTES);
	m->written = obituary_json(facts, &m->document);
	handover_fill(&m->record, HANDOVER_SIBLING_DIED, "%s",
	    was_asked ? "" : child_reason_name(m->child->last.reason));
	m->record.role = m->child->spec.role;
	m->record.instance = m->child->spec.instance;
	m->record.a = (uint64_t)m->child->pid;
	m->record.b = m->child->life;
	while (*at != NULL)
		at = &(*at)->next;
	*at = m;
}

static void
tell_mourners(struct supervisor *s, const struct mourned *m)
{
	struct tree *t = s->keeper.tree;

	for (uint32_t i = 0; i < t->count; i++)
		if (is_mourner[t->children[i]->spec.role] &&
		    t->children[i] != m->child &&
		    t->children[i]->state == CHILD_UP &&
		    !keeper_send(t->children[i], &m->record, -1))
			continue; /* it does not read; it sweeps by itself */
}

/* keep writes the obituary to disk; a sick disk costs only the file. */
static void
keep(struct supervisor *s, const struct mourned *m)
{
	const struct child *c = m->child;
	uint32_t most =
	    (uint32_t)settings_u64(s->settings, SETTING_supervisor_obituaries);
	uint64_t *number = &s->numbers[c->spec.slot];
	enum err e = m->written;

	if (*number == 0)
		*number = obituary_next_number(s->obituaries, c->spec.name);
	if (e == OK)
		e = obituary_keep(s->obituaries, c->spec.name, (*number)++,
		    most, &m->document);
	if (e != OK)
		event_note(EVENT_obituary_unwritten, "child=%s error=%s why=%s",
		    c->spec.name, err_name(e),
		    e == ERR_SYSTEM ? strerror(errno) : "-");
}

void
mourning_look(struct supervisor *s)
{
	struct mourned *m;

	while ((m = s->mourned) != NULL) {
		s->mourned = m->next;
		keep(s, m);
		tell_mourners(s, m);
		buffer_finish(&m->document);
		memory_free(m);
	}
}
