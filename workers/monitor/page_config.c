// SPDX-License-Identifier: MIT
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/census.h"
#include "protocol/settings.h"
#include "workers/kit/worker.h"
#include "workers/monitor/file_check.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"
#include "workers/monitor/settings_view.h"

enum {
	ALL_BYTES = 8 << 20,
	FINDINGS = 64,
};

/* --- policies: rules an operator may set, and whether he did --- */

static uint32_t
items_of(const struct settings *s, enum setting key)
{
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(&u, settings_list(s, key));
	return unpack_array(&u, &count) == OK ? count : 0;
}

static bool
has_auth(const struct settings *s)
{
	return settings_choice(s, SETTING_auth_mode) != 0;
}

static bool
has_limits(const struct settings *s)
{
	return settings_bool(s, SETTING_rate_limiter_enabled) &&
	    items_of(s, SETTING_rate_limiter_global_limits) +
		items_of(s, SETTING_rate_limiter_api_limits) >
	    0;
}

static bool
has_origins(const struct settings *s)
{
	return items_of(s, SETTING_gateway_origins) > 0;
}

static bool
has_node_urls(const struct settings *s)
{
	return items_of(s, SETTING_security_node_urls) > 0;
}

static bool
has_targets(const struct settings *s)
{
	return items_of(s, SETTING_security_allowed_targets) > 0;
}

static bool
has_quarantine(const struct settings *s)
{
	return settings_u64(s, SETTING_pools_quarantine_ms) > 0;
}

static bool
is_local(const struct settings *s)
{
	const char *host = settings_string(s, SETTING_monitoring_host);

	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static const struct {
	const char *name, *setting, *meaning;
	bool (*is_active)(const struct settings *);
} policies[] = {
    {"authentication", "auth.mode", "clients prove who they are", has_auth},
    {"rate_limits", "rate_limiter.global_limits, rate_limiter.api_limits",
	"calls in a window of time are limited", has_limits},
    {"origins", "gateway.origins", "pages of other origins are shut out",
	has_origins},
    {"node_urls", "security.node_urls", "gateways dial only what is listed",
	has_node_urls},
    {"allowed_targets", "security.allowed_targets",
	"functions call only what is listed", has_targets},
    {"quarantine", "pools.quarantine_ms",
	"calls that kill their runners are refused", has_quarantine},
    {"local_monitoring", "monitoring.host", "the network cannot read this",
	is_local},
};

static uint32_t
active_policies(const struct settings *s)
{
	uint32_t active = 0;

	for (size_t i = 0; i < COUNT_OF(policies); i++)
		active += policies[i].is_active(s);
	return active;
}

/* compliance: how many processes have the settings in force. */
static double
compliance(struct page *page)
{
	struct worker *w = page->monitor->worker;
	const struct census *census = census_take(page->arena, worker_stats(w));
	uint64_t generation =
	    atomic_load(&worker_stats(w)->shared->settings_generation);
	uint32_t all = 0, current = 0;

	for (uint32_t i = 0; i < census->count; i++) {
		const struct census_process *p = &census->process[i];

		if (!census_is_child(p) || p->child.state != CHILD_UP)
			continue;
		all++;
		current +=
		    atomic_load(&p->stats->settings_generation) >= generation;
	}
	return all > 0 ? (double)(current * 10000 / all) / 100.0 : 0.0;
}

static void
pack_policies(struct page *page, bool is_long)
{
	const struct settings *s = worker_settings(page->monitor->worker);
	struct packer *out = page->out;

	pack_string(out, "policies");
	pack_map(out, is_long ? 4 : 3);
	pack_field_u64(out, "total", COUNT_OF(policies));
	pack_field_u64(out, "active", active_policies(s));
	pack_string(out, "compliance_percent");
	pack_f64(out, compliance(page));
	if (!is_long)
		return;
	pack_string(out, "list");
	pack_array(out, COUNT_OF(policies));
	for (size_t i = 0; i < COUNT_OF(policies); i++) {
		pack_map(out, 4);
		pack_field_string(out, "name", policies[i].name);
		pack_field_string(out, "setting", policies[i].setting);
		pack_field_bool(out, "active", policies[i].is_active(s));
		pack_field_string(out, "meaning", policies[i].meaning);
	}
}

enum page_status
page_config_policies(struct page *page)
{
	pack_map(page->out, 1);
	pack_policies(page, true);
	return PAGE_OK;
}

/* --- the file --- */

static uint32_t
pack_lines(struct packer *out, const struct file_finding *finding)
{
	struct text rest = finding->lines;
	size_t place = pack_open(out);
	uint32_t count = 0;

	while (!finding->is_valid && rest.len > 0 && count < FINDINGS) {
		int64_t end = text_find(rest, '\n');
		struct text line = rest;

		if (end >= 0)
			line.len = (uint32_t)end;
		rest.at += line.len + (end >= 0);
		rest.len -= line.len + (end >= 0);
		if (line.len == 0)
			continue;
		pack_text(out, line);
		count++;
	}
	pack_close_array(out, place, count);
	return count;
}

/* packed gives all settings as one span of the page's arena. */
static struct text
packed(struct page *page, const struct settings *s)
{
	struct buffer all;
	struct packer p;
	struct text span = {0};

	buffer_init(&all, ALL_BYTES);
	pack_init(&p, &all);
	if (settings_pack(s, NULL, &p) == OK && pack_finish(&p) == OK)
		span = arena_text(page->arena, buffer_text(&all));
	buffer_finish(&all);
	return span;
}

static void
pack_version(
    struct page *page, struct text in_force, const struct file_finding *finding)
{
	const struct settings *s = worker_settings(page->monitor->worker);
	uint32_t pending = 0;

	if (finding->is_valid)
		pending = settings_view_differs(
		    in_force, packed(page, finding->next));
	pack_string(page->out, "version_info");
	pack_map(page->out, 3);
	pack_field_u64(
	    page->out, "configuration_version", settings_generation(s));
	pack_string(page->out, "last_update");
	pack_f64(page->out, (double)page->monitor->settings_wall_ms / 1e3);
	pack_field_u64(page->out, "pending_changes", pending);
}

static void
tell_config(void *ctx, const struct file_finding *finding)
{
	struct page *page = ctx;
	const struct settings *s = worker_settings(page->monitor->worker);
	struct text in_force = packed(page, s);
	enum err e;

	pack_map(page->out, 5);
	pack_field_string(page->out, "federation_mode", "disabled");
	pack_policies(page, false);
	pack_version(page, in_force, finding);
	pack_string(page->out, "validation");
	pack_map(page->out, 1);
	pack_string(page->out, "errors");
	pack_lines(page->out, finding);
	pack_string(page->out, "settings");
	e = settings_view_pack(page->out, in_force);
	page_finish(page,
	    e == OK ? PAGE_OK
		    : page_fail(page, PAGE_INTERNAL,
			  "the settings cannot be told: %s", err_name(e)));
}

static void
tell_validation(void *ctx, const struct file_finding *finding)
{
	struct page *page = ctx;
	const struct settings *s = worker_settings(page->monitor->worker);

	pack_map(page->out, 1);
	pack_string(page->out, "validation");
	pack_map(page->out, 4);
	pack_field_bool(page->out, "is_valid", finding->is_valid);
	pack_string(page->out, "errors");
	pack_lines(page->out, finding);
	pack_string(page->out, "warnings");
	pack_array(page->out, finding->is_read ? 0 : 1);
	if (!finding->is_read)
		pack_string(page->out, "the file could not be read in time");
	pack_field_u64(
	    page->out, "configuration_version", settings_generation(s));
	page_finish(page, PAGE_OK);
}

static enum page_status
ask_file(
    struct page *page, void (*tell)(void *ctx, const struct file_finding *))
{
	if (!file_check_ask(page->monitor->file_check, tell, page))
		return page_fail(page, PAGE_TOO_MANY,
		    "too many are asking for the file; try again");
	return page_park(page);
}

enum page_status
page_config(struct page *page)
{
	return ask_file(page, tell_config);
}

enum page_status
page_config_validation(struct page *page)
{
	return ask_file(page, tell_validation);
}
