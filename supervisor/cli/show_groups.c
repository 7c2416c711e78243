// SPDX-License-Identifier: MIT
/* show_groups - groups and who is in them. */
#include "protocol/pack.h"
#include "supervisor/cli/show.h"

static void
add_group(struct table *t, struct view *v, struct text group)
{
	struct text when = view_when(v->arena, show_u64(group, "created_ms"));
	bool is_kept = show_bool(group, "kept");

	table_text(t, BOLD, show_text(group, "group_id"));
	table_text(t, PLAIN, show_text(group, "group_type"));
	table_u64(t, show_u64(group, "member_count"));
	table_u64(t, show_u64(group, "active_count"));
	table_u64(t, show_u64(group, "muted_count"));
	table_text(t, DIM, when);
	table_text(t, DIM, is_kept ? TEXT("an operator's") : TEXT(""));
}

enum cli_exit
show_groups(struct view *v, struct text result)
{
	struct unpacker u;
	uint32_t count = show_array(result, "groups", &u);
	struct text status = show_text(result, "status"), group;
	uint64_t all = show_u64(result, "group_count");
	struct table t;

	uint64_t members = show_u64(result, "monitored_memberships");
	view_print(v, "%llu group%s, %llu membership%s, the disk is ",
	    (unsigned long long)all, all == 1 ? "" : "s",
	    (unsigned long long)members, members == 1 ? "" : "s");
	view_paint(v, text_is(status, "ok") ? GREEN : YELLOW, "%.*s",
	    TEXT_ARG(status));
	view_print(v, "\n");
	if (count == 0)
		return CLI_OK;
	view_print(v, "\n");
	table_begin(&t, v, "GROUP|TYPE|MEMBERS|ACTIVE|MUTED|SINCE|", "llrrrll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &group) == OK; i++)
		add_group(&t, v, group);
	table_end(&t);
	if (count < all)
		view_print(v, "… and %llu more: --limit %llu\n",
		    (unsigned long long)(all - count), (unsigned long long)all);
	return CLI_OK;
}

static enum colour
status_colour(struct text status)
{
	if (text_is(status, "active"))
		return GREEN;
	return text_is(status, "pending") ? YELLOW : DIM;
}

static void
add_member(struct table *t, struct view *v, struct text member)
{
	struct text status = show_text(member, "status");
	uint64_t gateway = show_u64(member, "gateway");

	table_text(t, BOLD, show_text(member, "user_id"));
	table_text(t, PLAIN, show_text(member, "role"));
	table_text(t, status_colour(status), status);
	table_text(t, DIM, view_when(v->arena, show_u64(member, "joined_ms")));
	if (gateway == 0)
		table_text(t, DIM, TEXT("-"));
	else
		table_cell(t, DIM, "gateway/%llu client %llu",
		    (unsigned long long)gateway,
		    (unsigned long long)show_u64(member, "client"));
}

enum cli_exit
show_group(struct view *v, struct text result)
{
	struct text id = show_text(result, "group_id"), member;
	struct text type = show_text(result, "group_type");
	struct unpacker u;
	uint32_t count = show_array(result, "members", &u);
	struct text when = view_when(v->arena, show_u64(result, "created_ms"));
	struct table t;

	view_paint(v, BOLD, "%.*s", TEXT_ARG(id));
	view_print(v, "  %.*s, since %.*s%s\n", TEXT_ARG(type), TEXT_ARG(when),
	    show_bool(result, "kept") ? ", an operator's" : "");
	if (count == 0) {
		view_print(v, "nobody is in it\n");
		return CLI_OK;
	}
	view_print(v, "\n");
	table_begin(&t, v, "USER|ROLE|STATUS|JOINED|ON", "lllll");
	for (uint32_t i = 0; i < count && unpack_raw(&u, &member) == OK; i++)
		add_member(&t, v, member);
	table_end(&t);
	return CLI_OK;
}
