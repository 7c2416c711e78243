// SPDX-License-Identifier: MIT
/* show_relay - what an audit of groups and memberships has found. */

#include "protocol/unpack.h"
#include "supervisor/cli/show.h"

enum cli_exit
show_audit_exit(struct text result)
{
	struct text status = show_text(result, "status");

	return text_is(status, "ok") ? CLI_OK : CLI_DEGRADED;
}

static void
add_issues(
    struct table *t, struct text issues, const char *key, const char *kind)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(issues, key, &u);

	for (uint32_t i = 0; i < count && unpack_raw(&u, &one) == OK; i++) {
		uint64_t client = show_u64(one, "client");

		table_text(t, YELLOW, text_of(kind));
		table_text(t, BOLD, show_text(one, "group_id"));
		table_text(t, PLAIN, show_text(one, "user_id"));
		table_text(t, PLAIN, show_text(one, "reason"));
		if (client == 0)
			table_text(t, DIM, TEXT("-"));
		else
			table_cell(t, DIM, "client %llu channel %llu",
			    (unsigned long long)client,
			    (unsigned long long)show_u64(one, "channel"));
	}
}

static void
say_head(struct view *v, struct text result)
{
	struct text status = show_text(result, "status");
	struct text store = show_text(result, "store");

	view_paint(v, text_is(status, "ok") ? GREEN : YELLOW, "%.*s",
	    TEXT_ARG(status));
	view_print(v,
	    "  %llu memberships in %llu groups, %llu of %llu gateways "
	    "answered, the store is %.*s, %llu ms\n",
	    (unsigned long long)show_u64(result, "total_subscriptions"),
	    (unsigned long long)show_u64(result, "total_emitter_pools"),
	    (unsigned long long)show_u64(result, "gateways_answered"),
	    (unsigned long long)show_u64(result, "gateways"), TEXT_ARG(store),
	    (unsigned long long)show_u64(result, "check_duration_ms"));
}

static void
say_unconfirmed(struct view *v, uint64_t count)
{
	if (count > 0)
		view_print(v,
		    "nobody answered for %llu membership%s: left as "
		    "they are\n",
		    (unsigned long long)count, count == 1 ? "" : "s");
}

static void
say_cleanup(struct view *v, struct text cleanup)
{
	if (!show_bool(cleanup, "enabled"))
		return;
	view_print(v, "ended %llu memberships, deleted %llu groups%s\n",
	    (unsigned long long)show_u64(cleanup, "memberships_ended"),
	    (unsigned long long)show_u64(cleanup, "groups_deleted"),
	    show_bool(cleanup, "store_written") ? ", the store is written anew"
						: "");
}

enum cli_exit
show_audit(struct view *v, struct text result)
{
	struct text summary = show_map(result, "summary");
	struct text issues = show_map(result, "issues");
	struct text status = show_text(result, "status");
	struct table t;

	say_head(v, result);
	view_print(v, "%llu stale, %llu orphaned, %llu missing\n",
	    (unsigned long long)show_u64(summary, "stale_subscription_count"),
	    (unsigned long long)show_u64(summary, "orphaned_pool_count"),
	    (unsigned long long)show_u64(summary, "missing_pool_count"));
	say_unconfirmed(v, show_u64(result, "unconfirmed_subscriptions"));
	if (show_u64(summary, "total_issues") > 0) {
		view_print(v, "\n");
		table_begin(&t, v, "WHAT|GROUP|USER|WHY|ON", "lllll");
		add_issues(&t, issues, "stale_subscriptions", "stale");
		add_issues(&t, issues, "orphaned_pools", "orphaned");
		add_issues(&t, issues, "missing_pools", "missing");
		table_end(&t);
	}
	say_cleanup(v, show_map(result, "cleanup"));
	if (text_is(status, "issues"))
		view_print(v, "next: banyan relay audit --fix\n");
	else if (!text_is(status, "ok"))
		view_print(v, "next: banyan tree\n");
	return show_audit_exit(result);
}
