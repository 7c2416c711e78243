// SPDX-License-Identifier: MIT
/* records_subscriptions - who is told what: the groups of relay, each a
 * subscription of its members. */

#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

enum subscription_status {
	SUBSCRIPTION_HEALTHY,     /* somebody gets its messages */
	SUBSCRIPTION_DEGRADED,    /* … and the relay cannot keep it on disk */
	SUBSCRIPTION_FAILED,      /* the relay is gone */
	SUBSCRIPTION_REGISTERING, /* its members wait to be let in */
	SUBSCRIPTION_UNKNOWN,     /* nobody is in it */
	SUBSCRIPTION_STATUSES
};

static const char *const status_names[SUBSCRIPTION_STATUSES] = {
    "healthy", "degraded", "failed", "registering", "unknown"};

static enum subscription_status
status_of(const struct records *r, struct text group)
{
	uint64_t members = 0, active = 0, muted = 0;

	(void)!unpack_field_u64(group, "member_count", &members);
	(void)!unpack_field_u64(group, "active_count", &active);
	(void)!unpack_field_u64(group, "muted_count", &muted);
	if (!world_is_up(r->world, ROLE_relay))
		return SUBSCRIPTION_FAILED;
	if (members == 0)
		return SUBSCRIPTION_UNKNOWN;
	if (active + muted == 0)
		return SUBSCRIPTION_REGISTERING;
	return world_gauge(r->world, COUNTER_relay_is_degraded) != 0
	    ? SUBSCRIPTION_DEGRADED
	    : SUBSCRIPTION_HEALTHY;
}

/* pack_group: relay counts messages of all groups together, not of each. */
static void
pack_group(struct packer *p, const struct records *r, struct text group,
    enum subscription_status status)
{
	struct text name = TEXT("");

	(void)!unpack_field_text(group, "group_id", &name);
	pack_map(p, 7);
	pack_string(p, "subscription_name");
	pack_text(p, name);
	pack_field_string(p, "current_status", status_names[status]);
	tell_time(p, "last_seen", r->census.wall_ms);
	tell_nil(p, "event_count");
	tell_nil(p, "last_event");
	pack_field_u64(p, "error_count", status == SUBSCRIPTION_FAILED);
	pack_string(p, "last_error");
	if (status == SUBSCRIPTION_FAILED)
		pack_string(p, "relay does not run");
	else
		pack_nil(p);
}

enum page_status
page_health_subscriptions(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct text list = gather_of(&r->gather, GATHERED_groups);
	uint32_t counts[SUBSCRIPTION_STATUSES] = {0};
	uint32_t listed = 0, count = 0;
	struct unpacker u;

	pack_map(p, 2);
	pack_string(p, "subscriptions");
	size_t place = pack_open(p);
	if (list.len > 0 &&
	    unpack_map_find(list, TEXT("groups"), &list) == OK) {
		unpack_init(&u, list);
		if (unpack_array(&u, &listed) != OK)
			listed = 0;
	}
	for (; count < listed; count++) {
		struct text group;

		if (unpack_raw(&u, &group) != OK)
			break;
		enum subscription_status status = status_of(r, group);
		counts[status]++;
		pack_group(p, r, group, status);
	}
	pack_close_array(p, place, count);
	pack_string(p, "summary");
	pack_map(p, SUBSCRIPTION_STATUSES + 3);
	pack_field_u64(p, "total_subscriptions", count);
	for (int i = 0; i < SUBSCRIPTION_STATUSES; i++)
		pack_field_u64(p, status_names[i], counts[i]);
	pack_field_u64(p, "channels",
	    world_gauge(r->world, COUNTER_gateway_channels));
	pack_field_string(p, "store_id", records_node(r));
	return PAGE_OK;
}
