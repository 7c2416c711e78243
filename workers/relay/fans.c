// SPDX-License-Identifier: MIT
#include "workers/relay/fans.h"

#include "protocol/base/memory.h"
#include "protocol/pack.h"

enum {
	PAIRS_MOST = 32 << 20 /* a million members take less */
};

static void
empty(struct fan *f)
{
	for (uint32_t i = 0; i < f->part_count; i++)
		buffer_finish(&f->parts[i].pairs);
	memory_free(f->parts);
	f->parts = NULL;
	f->part_count = 0;
}

static struct fan_part *
part_of(struct fan *f, uint64_t gateway)
{
	for (uint32_t i = 0; i < f->part_count; i++)
		if (f->parts[i].gateway == gateway)
			return &f->parts[i];
	f->parts =
	    memory_grow(f->parts, (f->part_count + 1) * sizeof(*f->parts));
	struct fan_part *part = &f->parts[f->part_count++];
	*part = (struct fan_part){.gateway = gateway};
	buffer_init(&part->pairs, PAIRS_MOST);
	return part;
}

static void
add(struct fan *f, const struct member *m)
{
	struct fan_part *part = part_of(f, m->at.gateway);
	struct packer p;

	pack_init(&p, &part->pairs);
	pack_array(&p, 2);
	pack_u64(&p, m->at.client);
	pack_u64(&p, m->at.channel);
	enum err e = pack_finish(&p);
	INVARIANT(e == OK);
	part->count++;
}

const struct fan *
fans_of(struct group *g)
{
	struct fan *f = g->ctx;

	if (f == NULL)
		f = g->ctx = MEMORY_NEW(struct fan);
	else if (f->revision == g->revision)
		return f;
	empty(f);
	for (const struct member *m = g->first; m != NULL; m = m->next)
		if (group_receives(m))
			add(f, m);
	f->revision = g->revision;
	return f;
}

void
fans_forget(struct group *g)
{
	struct fan *f = g->ctx;

	if (f == NULL)
		return;
	empty(f);
	memory_free(f);
	g->ctx = NULL;
}
