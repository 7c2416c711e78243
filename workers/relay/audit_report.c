// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Observers know these fields from elsewhere, where messages are spread by
 * pools of emitters: a pool is a group here.
 */

#include "workers/relay/audit_report.h"

#include <string.h>

uint32_t
audit_issues(const struct findings *f)
{
	uint32_t sum = 0;

	for (int i = 0; i < ISSUES; i++)
		sum += f->counts[i];
	return sum;
}

void
audit_count_lanes(
    const struct lanes *lanes, uint64_t number, struct audit_outcome *o)
{
	for (const struct lane *lane = lanes->first; lane != NULL;
	     lane = lane->next) {
		o->gateways += lane->roll_asked == number;
		o->answered += lane->roll_answered == number;
	}
}

static void
text_or_nil(struct packer *p, const char *key, struct text text)
{
	pack_string(p, key);
	if (text.len > 0)
		pack_text(p, text);
	else
		pack_nil(p);
}

static void
pack_finding(struct packer *p, const struct finding *one)
{
	bool has_place = one->at.gateway != 0;

	pack_map(p, has_place ? 5 : 3);
	text_or_nil(p, "group_id", one->group);
	text_or_nil(p, "user_id", one->user);
	pack_field_string(p, "reason", finding_reason_name(one->reason));
	if (!has_place)
		return;
	pack_field_u64(p, "client", one->at.client);
	pack_field_u64(p, "channel", one->at.channel);
}

static void
pack_issue(struct packer *p, const char *key, const struct findings *f,
    enum issue issue)
{
	uint32_t count = 0;

	pack_string(p, key);
	size_t place = pack_open(p);
	for (uint32_t i = 0; i < f->listed; i++) {
		if (finding_issue(f->list[i].reason) != issue)
			continue;
		pack_finding(p, &f->list[i]);
		count++;
	}
	pack_close_array(p, place, count);
}

static void
pack_summary(struct packer *p, const struct findings *f)
{
	pack_string(p, "summary");
	pack_map(p, 4);
	pack_field_u64(p, "stale_subscription_count", f->counts[ISSUE_STALE]);
	pack_field_u64(p, "orphaned_pool_count", f->counts[ISSUE_ORPHANED]);
	pack_field_u64(p, "missing_pool_count", f->counts[ISSUE_MISSING]);
	pack_field_u64(p, "total_issues", audit_issues(f));
}

static void
pack_cleanup(struct packer *p, const struct audit_outcome *o)
{
	pack_string(p, "cleanup");
	pack_map(p, 4);
	pack_field_bool(p, "enabled", o->is_fixing);
	pack_field_u64(p, "memberships_ended", o->ended.memberships);
	pack_field_u64(p, "groups_deleted", o->ended.groups);
	pack_field_bool(p, "store_written", o->is_store_written);
}

/* status: what is left to do after it. */
static const char *
status_of(const struct audit_outcome *o)
{
	if (audit_issues(o->findings) > 0 && !o->is_fixing)
		return "issues";
	if (o->answered < o->gateways || strcmp(o->store, "unreadable") == 0)
		return "incomplete";
	return "ok";
}

void
audit_report(struct packer *p, const struct audit_outcome *o)
{
	const struct findings *f = o->findings;

	pack_map(p, 14);
	pack_field_string(p, "status", status_of(o));
	pack_string(p, "timestamp");
	pack_f64(p, (double)o->wall_ms / 1000);
	pack_string(p, "store_id");
	pack_text(p, o->node);
	pack_field_bool(p, "is_leader", true); /* groups have one owner */
	pack_field_u64(p, "check_duration_ms", o->took_us / 1000);
	pack_field_u64(p, "total_subscriptions", o->memberships);
	pack_field_u64(p, "total_emitter_pools", o->groups);
	pack_field_u64(p, "unconfirmed_subscriptions", f->unconfirmed);
	pack_field_u64(p, "gateways", o->gateways);
	pack_field_u64(p, "gateways_answered", o->answered);
	pack_field_string(p, "store", o->store);
	pack_string(p, "issues");
	pack_map(p, 3);
	pack_issue(p, "stale_subscriptions", f, ISSUE_STALE);
	pack_issue(p, "orphaned_pools", f, ISSUE_ORPHANED);
	pack_issue(p, "missing_pools", f, ISSUE_MISSING);
	pack_summary(p, f);
	pack_cleanup(p, o);
}
