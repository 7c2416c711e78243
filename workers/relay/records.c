// SPDX-License-Identifier: MIT
#include "workers/relay/records.h"

#include "protocol/base/memory.h"
#include "protocol/pack.h"

enum {
	RECORD_BYTES = 16 * 1024, /* ids and users are far smaller */
	ID_BYTES = 4096,
	GROUP_FIELDS = 5,
	MEMBER_FIELDS = 10
};

const struct shelf_shape records_shape = {
    .folder = "relay",
    .tables = {[SHELF_GROUPS] = "groups", [SHELF_MEMBERS] = "members"},
    .table_count = SHELF_TABLES,
};

static enum err
put(struct buffer *batch, uint32_t table, uint64_t number, struct buffer *bytes,
    const struct packer *p)
{
	enum err e = pack_finish(p);

	if (e == OK)
		e = shelf_put(batch, table, number, buffer_text(bytes));
	buffer_finish(bytes);
	return e;
}

enum err
records_group(struct buffer *batch, const struct group *g, bool is_gone)
{
	struct buffer bytes;
	struct packer p;

	if (is_gone)
		return shelf_drop(batch, SHELF_GROUPS, g->number);
	buffer_init(&bytes, RECORD_BYTES);
	pack_init(&p, &bytes);
	pack_array(&p, GROUP_FIELDS);
	pack_text(&p, g->id);
	pack_u64(&p, g->type);
	pack_bool(&p, g->is_kept);
	pack_text(&p, (struct text){g->heir, g->heir_bytes});
	pack_u64(&p, g->created_ms);
	return put(batch, SHELF_GROUPS, g->number, &bytes, &p);
}

enum err
records_member(struct buffer *batch, const struct member *m, bool is_gone)
{
	struct buffer bytes;
	struct packer p;

	if (is_gone)
		return shelf_drop(batch, SHELF_MEMBERS, m->number);
	buffer_init(&bytes, RECORD_BYTES);
	pack_init(&p, &bytes);
	pack_array(&p, MEMBER_FIELDS);
	pack_u64(&p, m->group->number);
	pack_text(&p, m->user);
	pack_u64(&p, m->status);
	pack_bool(&p, m->is_admin);
	pack_bool(&p, m->was_muted);
	pack_bool(&p, m->is_absent);
	pack_u64(&p, m->joined_ms);
	pack_u64(&p, m->at.gateway);
	pack_u64(&p, m->at.client);
	pack_u64(&p, m->at.channel);
	return put(batch, SHELF_MEMBERS, m->number, &bytes, &p);
}

/* One walk over the table. */
struct walk {
	struct buffer *batch;
	enum err err;
};

static bool
add_group(void *ctx, struct group *g)
{
	struct walk *walk = ctx;

	walk->err = records_group(walk->batch, g, false);
	for (const struct member *m = g->first; walk->err == OK && m != NULL;
	     m = m->next)
		walk->err = records_member(walk->batch, m, false);
	return walk->err == OK;
}

enum err
records_all(struct buffer *batch, const struct groups *gs)
{
	struct walk walk = {.batch = batch, .err = OK};

	groups_each(gs, add_group, &walk);
	return walk.err;
}

/* --- back --- */

/* A reading under way: groups by number, in order, for their members. */
struct load {
	struct groups *groups;
	struct group **all;
	uint32_t count;
	uint32_t room;
};

static enum err
read_group(struct load *load, uint64_t number, struct text bytes)
{
	struct text id, heir;
	uint64_t type, created_ms;
	struct unpacker u;
	uint32_t count;
	bool is_kept;

	unpack_init(&u, bytes);
	if (unpack_array(&u, &count) != OK || count < GROUP_FIELDS ||
	    unpack_text(&u, &id) != OK || unpack_u64(&u, &type) != OK ||
	    unpack_bool(&u, &is_kept) != OK || unpack_text(&u, &heir) != OK ||
	    unpack_u64(&u, &created_ms) != OK || id.len == 0 ||
	    id.len > ID_BYTES || heir.len > ID_BYTES ||
	    type > GROUP_STRICT_PRIVATE ||
	    groups_find(load->groups, id) != NULL)
		return ERR_MALFORMED;
	struct group *g = groups_restore_group(
	    load->groups, number, id, (enum group_type)type, heir);
	g->is_kept = is_kept;
	g->created_ms = created_ms;
	if (load->count == load->room) {
		load->room = load->room == 0 ? 64 : load->room * 2;
		load->all =
		    memory_grow(load->all, load->room * sizeof(*load->all));
	}
	load->all[load->count++] = g;
	return OK;
}

static struct group *
group_of(const struct load *load, uint64_t number)
{
	uint32_t low = 0, high = load->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (load->all[middle]->number == number)
			return load->all[middle];
		if (load->all[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static enum err
read_member(struct load *load, uint64_t number, struct text bytes)
{
	struct member_record r = {.number = number};
	uint64_t group_number, status, channel;
	struct unpacker u;
	uint32_t count;

	unpack_init(&u, bytes);
	if (unpack_array(&u, &count) != OK || count < MEMBER_FIELDS ||
	    unpack_u64(&u, &group_number) != OK ||
	    unpack_text(&u, &r.who.user) != OK ||
	    unpack_u64(&u, &status) != OK || status > MEMBER_MUTED ||
	    unpack_bool(&u, &r.is_admin) != OK ||
	    unpack_bool(&u, &r.was_muted) != OK ||
	    unpack_bool(&u, &r.is_absent) != OK ||
	    unpack_u64(&u, &r.joined_ms) != OK ||
	    unpack_u64(&u, &r.who.at.gateway) != OK ||
	    unpack_u64(&u, &r.who.at.client) != OK ||
	    unpack_u64(&u, &channel) != OK || channel > UINT32_MAX ||
	    r.who.user.len > ID_BYTES)
		return ERR_MALFORMED;
	struct group *g = group_of(load, group_number);
	if (g == NULL || groups_member(load->groups, g, r.who.user) != NULL)
		return ERR_MALFORMED;
	r.status = (enum member_status)status;
	r.who.at.channel = (uint32_t)channel;
	groups_restore_member(load->groups, g, &r);
	return OK;
}

static enum err
visit(void *ctx, uint32_t table, uint64_t number, struct text bytes)
{
	return table == SHELF_GROUPS ? read_group(ctx, number, bytes)
				     : read_member(ctx, number, bytes);
}

enum err
records_load(struct shelf *shelf, struct groups *gs)
{
	struct load load = {.groups = gs};
	enum err e = shelf_read(shelf, visit, &load);

	memory_free(load.all);
	return e;
}
