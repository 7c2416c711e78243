// SPDX-License-Identifier: MIT
/* page_catalogue - /discovery/policy and /access: what may be registered, who
 * was refused; and what one tree lacks. */

#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"
#include "workers/kit/worker.h"
#include "workers/monitor/catalog.h"
#include "workers/monitor/discovery_page.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/page_ask.h"
#include "workers/monitor/pages.h"

enum {
	SHOWN = 20,        /* entries of an audit on the page of policies */
	AUDIT_TAIL = 16384 /* bytes of audit.log looked at */
};

const struct settings *
discovery_settings(const struct page *page)
{
	return worker_settings(page->monitor->worker);
}

void
discovery_pack_when(struct packer *p, const char *key, uint64_t wall_ms)
{
	pack_string(p, key);
	if (wall_ms == 0)
		pack_nil(p);
	else
		pack_f64(p, (double)wall_ms / 1000);
}

uint32_t
discovery_items(const struct page *page, enum setting id)
{
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, settings_list(discovery_settings(page), id));
	return unpack_array(&u, &count) == OK ? count : 0;
}

/* ---- who was refused ---- */

static struct text
field(struct text map, const char *key)
{
	struct text value;

	return unpack_field_text(map, key, &value) == OK ? value : TEXT("");
}

/* reason_of gives the first reason of a refused config. */
static struct text
reason_of(struct text span)
{
	struct unpacker u;
	struct text list, reason = TEXT("");
	uint32_t count;

	if (unpack_map_find(span, TEXT("reason"), &list) != OK)
		return reason;
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK || count == 0 ||
	    unpack_text(&u, &reason) != OK)
		return TEXT("");
	return reason;
}

static void
pack_access(struct packer *p, struct text span)
{
	uint64_t at_ms = 0;

	if (unpack_field_u64(span, "inserted_at_ms", &at_ms) != OK)
		at_ms = 0;
	pack_map(p, 7);
	pack_field_string(p, "event", "config_refused");
	discovery_pack_when(p, "timestamp", at_ms);
	pack_string(p, "viewer_cluster_id");
	pack_text(p, field(span, "node"));
	pack_string(p, "viewer_tenant_id");
	pack_text(p, field(span, "source"));
	pack_string(p, "namespace");
	pack_text(p, field(span, "service"));
	pack_field_bool(p, "allowed", false);
	pack_string(p, "reason");
	pack_text(p, reason_of(span));
}

/* pack_accesses: entries and how many there are; what is no list has none. */
static void
pack_accesses(struct packer *p, struct text list, uint64_t limit)
{
	struct unpacker u;
	struct text span;
	uint32_t total = 0, count = 0;

	unpack_init(&u, list);
	if (unpack_array(&u, &total) != OK)
		total = 0;
	pack_string(p, "access_entries");
	size_t place = pack_open(p);
	for (uint32_t i = 0;
	     i < total && i < limit && unpack_raw(&u, &span) == OK; i++) {
		pack_access(p, span);
		count++;
	}
	pack_close_array(p, place, count);
	pack_field_u64(p, "access_total", total);
}

/* pack_audit gives the last lines of what operators did, and how many there
 * are. */
static void
pack_audit(struct page *page)
{
	struct packer *p = page->out;
	struct text path = arena_printf(page->arena, "%s/audit.log",
	    worker_state_dir(page->monitor->worker));
	char *tail = arena_alloc(page->arena, AUDIT_TAIL + 1);
	size_t bytes = 0;
	const char *lines[SHOWN];
	uint32_t count = 0;

	if (fd_read_tail(path.at, tail, AUDIT_TAIL, &bytes) != OK)
		bytes = 0;
	tail[bytes] = '\0';
	while (bytes > 0 && count < SHOWN) {
		if (tail[bytes - 1] == '\n')
			tail[--bytes] = '\0';
		while (bytes > 0 && tail[bytes - 1] != '\n')
			bytes--;
		if (bytes > 0 || tail[0] != '\0')
			lines[count++] = tail + bytes;
	}
	pack_string(p, "audit_entries");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_string(p, lines[count - 1 - i]);
	pack_field_u64(p, "audit_total",
	    catalog_audit_lines(page->monitor->catalog, path.at));
}

static enum page_status
take_policy(struct page *page, struct text refused)
{
	struct packer *p = page->out;
	struct text rules = settings_list(
	    discovery_settings(page), SETTING_security_allowed_targets);
	uint32_t count =
	    discovery_items(page, SETTING_security_allowed_targets);

	pack_map(p, 1);
	pack_string(p, "policy");
	pack_map(p, 9);
	pack_field_bool(p, "enabled", true);
	discovery_pack_when(p, "generated_at", clock_wall_ms());
	pack_field_bool(p, "default_allow", count == 0);
	pack_field_u64(p, "rule_count", count);
	pack_string(p, "rules");
	pack_raw(p, rules);
	pack_audit(page);
	pack_accesses(p, refused, SHOWN);
	return PAGE_OK;
}

static enum page_status
take_access(struct page *page, struct text refused)
{
	uint64_t limit = 100;

	if (page_u64_in(page, "limit", 1, 10000, &limit) != OK)
		return PAGE_BAD;
	pack_map(page->out, 2);
	pack_accesses(page->out, refused, limit);
	return PAGE_OK;
}

static enum page_status
ask_config_db(struct page *page, const char *op, page_take *take)
{
	return page_ask(page,
	    &(struct page_question){
		.role = ROLE_config_db, .op = op, .take = take});
}

enum page_status
page_discovery_policy(struct page *page)
{
	return ask_config_db(page, "failed.list", take_policy);
}

enum page_status
page_discovery_access(struct page *page)
{
	return ask_config_db(page, "failed.list", take_access);
}

/* ---- what one tree alone does not have ---- */

enum page_status
page_routing_trace(struct page *page)
{
	struct text destination;

	if (page_text(page, "destination", &destination) != OK)
		return page_fail(page, PAGE_BAD, "destination is missing");
	return page_fail(page, PAGE_UNAVAILABLE,
	    "there are no routes: this node has no peers");
}

enum page_status
page_routing_link_state(struct page *page)
{
	return page_fail(page, PAGE_UNAVAILABLE,
	    "link state is not enabled: this node has no peers");
}

enum page_status
page_dns_metrics(struct page *page)
{
	pack_map(page->out, 1);
	pack_string(page->out, "dns_gateway");
	pack_map(page->out, 1);
	pack_field_bool(page->out, "enabled", false);
	return PAGE_OK;
}
