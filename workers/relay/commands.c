// SPDX-License-Identifier: MIT
/* commands - what operators may ask of the relay. */

#include "protocol/pack.h"
#include "workers/kit/worker.h"
#include "workers/relay/relay.h"

enum {
	LISTED_MOST = 1000,
	MEMBERS_MOST = 10000
};

static void
refuse(struct command *command, enum groups_word word)
{
	const char *class = word == GROUPS_already_exists ? CLASS_EXISTS
	    : word == GROUPS_too_many_groups              ? CLASS_REFUSED
							  : CLASS_NOT_FOUND;

	command_fail(command, class, "`banyan groups list` shows what there is",
	    "%s", groups_word_text(word));
}

/* read_group reads GROUP, or answers. */
static bool
read_group(struct command *command, struct text *id)
{
	const struct relay *r = worker_state(command->worker);

	if (command_text(command, "group", id) == OK && id->len > 0 &&
	    id->len <= r->max_id_bytes)
		return true;
	command_fail(command, CLASS_INVALID, NULL,
	    "GROUP is a name of at most %u bytes", r->max_id_bytes);
	return false;
}

static void
pack_head(struct packer *out, const struct group *g)
{
	pack_string(out, "group_id");
	pack_text(out, g->id);
	pack_field_string(out, "group_type", group_type_name(g->type));
	pack_field_u64(out, "member_count", g->member_count);
	pack_field_u64(out, "active_count", g->active_count);
	pack_field_u64(out, "muted_count", g->muted_count);
	pack_field_bool(out, "kept", g->is_kept);
	pack_field_u64(out, "created_ms", g->created_ms);
}

struct listing {
	struct packer *out;
	uint64_t most;
	uint32_t listed;
};

static bool
list_one(void *ctx, struct group *g)
{
	struct listing *l = ctx;

	if (l->listed == l->most)
		return false;
	l->listed++;
	pack_map(l->out, 7);
	pack_head(l->out, g);
	return true;
}

void
relay_cmd_groups_list(struct worker *w, struct command *command)
{
	const struct relay *r = worker_state(w);
	struct packer *out = command->result;
	struct listing l = {.out = out, .most = LISTED_MOST};

	if (command_u64(command, "limit", &l.most) == OK &&
	    l.most > MEMBERS_MOST)
		l.most = MEMBERS_MOST;
	pack_map(out, 4);
	pack_field_string(
	    out, "status", r->keeping.is_degraded ? "degraded" : "ok");
	pack_field_u64(out, "group_count", r->groups->by_id.count);
	pack_field_u64(out, "monitored_memberships", r->groups->memberships);
	pack_string(out, "groups");
	size_t place = pack_open(out);
	groups_each(r->groups, list_one, &l);
	pack_close_array(out, place, l.listed);
}

static void
pack_member(struct packer *out, const struct relay *r, const struct member *m)
{
	const struct lane *lane = lanes_of_gateway(&r->lanes, m->at.gateway);

	pack_map(out, 6);
	pack_string(out, "user_id");
	pack_text(out, m->user);
	pack_field_string(out, "role", m->is_admin ? "admin" : "member");
	pack_field_string(out, "status",
	    m->is_absent ? "absent, muted" : member_status_name(m->status));
	pack_field_u64(out, "joined_ms", m->joined_ms);
	pack_field_u64(out, "gateway", lane == NULL ? 0 : lane->instance);
	pack_field_u64(out, "client", m->at.client);
}

void
relay_cmd_groups_show(struct worker *w, struct command *command)
{
	const struct relay *r = worker_state(w);
	struct packer *out = command->result;
	uint32_t listed = 0;
	struct text id;

	if (!read_group(command, &id))
		return;
	const struct group *g = groups_find(r->groups, id);
	if (g == NULL) {
		refuse(command, GROUPS_not_found);
		return;
	}
	pack_map(out, 8);
	pack_head(out, g);
	pack_string(out, "members");
	size_t place = pack_open(out);
	for (const struct member *m = g->first;
	     m != NULL && listed < MEMBERS_MOST; m = m->next, listed++)
		pack_member(out, r, m);
	pack_close_array(out, place, listed);
}

/* conclude answers {group_id}, or why not. */
static void
conclude(struct command *command, enum groups_word word, struct text id)
{
	if (word != GROUPS_done) {
		refuse(command, word);
		return;
	}
	pack_map(command->result, 1);
	pack_string(command->result, "group_id");
	pack_text(command->result, id);
}

void
relay_cmd_groups_create(struct worker *w, struct command *command)
{
	struct relay *r = worker_state(w);
	struct text id, name = {.len = 0}, heir = {.len = 0};
	enum group_type type;

	if (!read_group(command, &id))
		return;
	if (command_text(command, "type", &name) != OK ||
	    !group_type_by_name(name, &type)) {
		command_fail(command, CLASS_INVALID, NULL,
		    "TYPE is public, private or strict_private");
		return;
	}
	if (command_text(command, "admin", &heir) == OK &&
	    heir.len > r->max_id_bytes) {
		command_fail(command, CLASS_INVALID, NULL,
		    "ADMIN is a user of at most %u bytes", r->max_id_bytes);
		return;
	}
	relay_now(r);
	conclude(command, groups_keep(r->groups, id, type, heir), id);
}

void
relay_cmd_groups_delete(struct worker *w, struct command *command)
{
	struct relay *r = worker_state(w);
	struct text id;

	if (!read_group(command, &id))
		return;
	relay_now(r);
	conclude(command, groups_remove(r->groups, id), id);
}

void
relay_cmd_groups_kick(struct worker *w, struct command *command)
{
	struct relay *r = worker_state(w);
	struct text id, user;

	if (!read_group(command, &id))
		return;
	if (command_text(command, "user", &user) != OK) {
		command_fail(command, CLASS_INVALID, NULL,
		    "USER is whose membership ends");
		return;
	}
	relay_now(r);
	conclude(command, groups_kick(r->groups, id, user), id);
}
