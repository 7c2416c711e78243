// SPDX-License-Identifier: MIT
/* health - `relay health`: each group as a subscription of its members. */

#include "protocol/pack.h"
#include "workers/kit/worker.h"
#include "workers/relay/relay.h"

enum {
	LISTED_MOST = 1000
};

struct healths {
	struct packer *out;
	struct text only; /* len 0: all */
	uint32_t listed;
	uint32_t counts[SUBSCRIPTION_STATUS_COUNT];
};

static void
pack_text_or_nil(struct packer *p, const char *key, const char *text)
{
	pack_string(p, key);
	if (text != NULL)
		pack_string(p, text);
	else
		pack_nil(p);
}

static void
pack_health(struct packer *p, const struct group *g)
{
	const struct subscription *s = &g->health;

	pack_map(p, 9);
	pack_string(p, "subscription_name");
	pack_text(p, g->id);
	pack_field_string(p, "current_status",
	    subscription_status_name(subscription_status_of(s)));
	pack_field_u64(p, "last_seen_ms", s->seen_ms);
	pack_field_u64(p, "event_count", s->event_count);
	pack_text_or_nil(p, "last_event",
	    s->event_count == 0 ? NULL
				: subscription_event_name(s->last_event));
	pack_field_u64(p, "error_count", s->error_count);
	pack_text_or_nil(p, "last_error", s->last_error);
	pack_field_u64(p, "member_count", g->member_count);
	pack_field_u64(p, "active_count", g->active_count);
}

static bool
visit(void *ctx, struct group *g)
{
	struct healths *h = ctx;

	h->counts[subscription_status_of(&g->health)]++;
	if (h->listed < LISTED_MOST &&
	    (h->only.len == 0 || text_eq(h->only, g->id))) {
		h->listed++;
		pack_health(h->out, g);
	}
	return true;
}

void
relay_cmd_relay_health(struct worker *w, struct command *command)
{
	const struct relay *r = worker_state(w);
	struct packer *out = command->result;
	struct healths h = {.out = out};

	if (command_text(command, "group", &h.only) == OK &&
	    groups_find(r->groups, h.only) == NULL) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan groups list` shows what there is",
		    "Group not found");
		return;
	}
	pack_map(out, 2);
	pack_string(out, "subscriptions");
	size_t place = pack_open(out);
	groups_each(r->groups, visit, &h);
	pack_close_array(out, place, h.listed);
	pack_string(out, "summary");
	pack_map(out, SUBSCRIPTION_STATUS_COUNT + 1);
	pack_field_u64(out, "total_subscriptions", r->groups->by_id.count);
	for (int i = 0; i < SUBSCRIPTION_STATUS_COUNT; i++)
		pack_field_u64(out,
		    subscription_status_name((enum subscription_status)i),
		    h.counts[i]);
}
