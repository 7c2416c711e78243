// SPDX-License-Identifier: MIT
/* records_subscriptions - who is told what: the groups of relay, each a
 * subscription of its members. */

#include "workers/monitor/pages.h"
#include "workers/monitor/records_facts.h"
#include "workers/monitor/tell.h"

static const char *const status_names[] = {
    "healthy", "degraded", "failed", "registering", "unknown"};

/* copy_field takes a value over as it is; null if there is none. */
static void
copy_field(struct packer *p, struct text map, const char *key)
{
	struct text value;

	pack_string(p, key);
	if (unpack_map_find(map, text_of(key), &value) == OK)
		pack_raw(p, value);
	else
		pack_nil(p);
}

static void
pack_status(struct packer *p, bool is_up, struct text group)
{
	if (is_up)
		copy_field(p, group, "current_status");
	else
		pack_field_string(p, "current_status", "failed");
}

/* pack_group: what relay last said; if it is gone, all have failed. */
static void
pack_group(struct packer *p, bool is_up, struct text group)
{
	uint64_t seen_ms = 0, errors = 0;

	(void)!unpack_field_u64(group, "last_seen_ms", &seen_ms);
	(void)!unpack_field_u64(group, "error_count", &errors);
	pack_map(p, 7);
	copy_field(p, group, "subscription_name");
	pack_status(p, is_up, group);
	tell_time(p, "last_seen", seen_ms);
	copy_field(p, group, "event_count");
	copy_field(p, group, "last_event");
	pack_field_u64(p, "error_count", errors + !is_up);
	if (is_up)
		copy_field(p, group, "last_error");
	else
		pack_field_string(p, "last_error", "relay does not run");
}

/* pack_counts: relay's own, which has counted all it could not list. */
static void
pack_counts(struct packer *p, bool is_up, struct text summary)
{
	uint64_t total = 0;

	(void)!unpack_field_u64(summary, "total_subscriptions", &total);
	pack_field_u64(p, "total_subscriptions", total);
	for (size_t i = 0; i < COUNT_OF(status_names); i++) {
		uint64_t count = 0;

		if (is_up)
			(void)!unpack_field_u64(
			    summary, status_names[i], &count);
		else if (text_is(text_of(status_names[i]), "failed"))
			count = total;
		pack_field_u64(p, status_names[i], count);
	}
}

enum page_status
page_health_subscriptions(struct page *page)
{
	const struct records *r = records_of(page);
	struct packer *p = page->out;
	struct text all = gather_of(&r->gather, GATHERED_groups);
	struct text list, group, summary = TEXT("\x80");
	bool is_up = world_is_up(r->world, ROLE_relay);
	uint32_t listed = 0, count = 0;
	struct unpacker u;

	pack_map(p, 2);
	pack_string(p, "subscriptions");
	size_t place = pack_open(p);
	if (all.len > 0 &&
	    unpack_map_find(all, TEXT("subscriptions"), &list) == OK) {
		unpack_init(&u, list);
		if (unpack_array(&u, &listed) != OK)
			listed = 0;
	}
	for (; count < listed && unpack_raw(&u, &group) == OK; count++)
		pack_group(p, is_up, group);
	pack_close_array(p, place, count);
	if (all.len > 0 && unpack_map_find(all, TEXT("summary"), &list) == OK)
		summary = list;
	pack_string(p, "summary");
	pack_map(p, COUNT_OF(status_names) + 3);
	pack_counts(p, is_up, summary);
	pack_field_u64(
	    p, "channels", world_gauge(r->world, COUNTER_gateway_channels));
	pack_field_string(p, "store_id", records_node(r));
	return PAGE_OK;
}
