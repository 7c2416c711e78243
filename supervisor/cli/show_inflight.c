// SPDX-License-Identifier: MIT
/* show_inflight - connections and calls of all gateways on one page. */

#include "protocol/pack.h"
#include "supervisor/cli/show.h"

typedef void add_row(struct table *, struct view *, struct text row);

static void
add_conn(struct table *t, struct view *v, struct text c)
{
	table_text(t, BOLD, show_text(c, "id"));
	table_text(
	    t, show_bool(c, "is_verified") ? PLAIN : DIM, show_text(c, "user"));
	table_text(t, PLAIN, show_text(c, "peer"));
	table_text(
	    t, show_state_colour(show_text(c, "state")), show_text(c, "state"));
	table_text(t, PLAIN, view_span(v->arena, show_u64(c, "age_ms")));
	table_text(t, PLAIN, view_span(v->arena, show_u64(c, "idle_ms")));
	table_u64(t, show_u64(c, "channels"));
	table_u64(t, show_u64(c, "calls"));
	table_text(t, PLAIN, view_bytes(v->arena, show_u64(c, "unsent_bytes")));
}

static void
add_call(struct table *t, struct view *v, struct text c)
{
	uint64_t left_ms;

	table_text(t, BOLD, show_text(c, "id"));
	table_cell(t, PLAIN, "%.*s/%.*s", TEXT_ARG(show_text(c, "service")),
	    TEXT_ARG(show_text(c, "function")));
	table_text(t, DIM, show_text(c, "type"));
	table_text(t, PLAIN, show_text(c, "user"));
	table_text(t, PLAIN, show_text(c, "state"));
	table_text(t, PLAIN, view_span(v->arena, show_u64(c, "age_ms")));
	if (unpack_field_u64(c, "left_ms", &left_ms) == OK)
		table_text(t, PLAIN, view_span(v->arena, left_ms));
	else
		table_cell(t, DIM, "-");
	table_text(t, PLAIN, show_text(c, "node"));
}

/* show_rows merges the lists under `key` of all instances into one table. */
static enum cli_exit
show_rows(struct view *v, struct text result, const char *key,
    const char *titles, const char *align, add_row *add)
{
	struct unpacker u, rows;
	struct text one, row;
	struct table t;
	uint32_t instances = show_array(result, "instances", &u);
	uint64_t total = 0, shown = 0;
	bool is_whole = true;

	table_begin(&t, v, titles, align);
	while (instances-- > 0 && unpack_raw(&u, &one) == OK) {
		struct text list = show_map(one, "result");
		uint32_t count = show_array(list, key, &rows);

		is_whole &= show_text(one, "error").len == 0;
		total += show_u64(list, "total");
		for (; count > 0 && unpack_raw(&rows, &row) == OK; count--) {
			add(&t, v, row);
			shown++;
		}
	}
	if (shown > 0)
		table_end(&t);
	view_print(v, "%llu of %llu %s\n", (unsigned long long)shown,
	    (unsigned long long)total, key);
	if (!is_whole)
		view_print(v, "a gateway did not answer\nnext: banyan tree\n");
	return is_whole ? CLI_OK : CLI_DEGRADED;
}

enum cli_exit
show_conns(struct view *v, struct text result)
{
	return show_rows(v, result, "conns",
	    "ID|USER|PEER|STATE|AGE|IDLE|CHANNELS|CALLS|UNSENT", "llllrrrrr",
	    add_conn);
}

enum cli_exit
show_calls(struct view *v, struct text result)
{
	return show_rows(v, result, "calls",
	    "ID|FUNCTION|TYPE|USER|STATE|AGE|LEFT|NODE", "lllllrrl", add_call);
}

bool
show_was_killed(struct text result)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(result, "instances", &u);

	while (count-- > 0 && unpack_raw(&u, &one) == OK)
		if (show_bool(show_map(one, "result"), "killed"))
			return true;
	return false;
}

/* show_ended: `nothing` and `hint` are for an id that nobody has. */
static enum cli_exit
show_ended(
    struct view *v, struct text result, const char *nothing, const char *hint)
{
	if (show_was_killed(result)) {
		view_paint(v, GREEN, "✓ ended");
		view_print(v, "\n");
		return CLI_OK;
	}
	cli_complain(hint, "%s", nothing);
	return CLI_DEGRADED;
}

enum cli_exit
show_conn_killed(struct view *v, struct text result)
{
	return show_ended(v, result, "no connection has that id (any more)",
	    "`banyan conns` lists those that are open");
}

enum cli_exit
show_call_killed(struct view *v, struct text result)
{
	return show_ended(v, result, "no call has that id (any more)",
	    "`banyan calls` lists those under way");
}

/* closed_by adds up what all gateways closed, and says whose it was. */
static uint64_t
closed_by(struct text result, struct text *user)
{
	struct unpacker u;
	struct text one;
	uint32_t count = show_array(result, "instances", &u);
	uint64_t closed = 0;

	*user = TEXT("");
	while (count-- > 0 && unpack_raw(&u, &one) == OK) {
		one = show_map(one, "result");
		closed += show_u64(one, "closed");
		if (show_text(one, "user").len > 0)
			*user = show_text(one, "user");
	}
	return closed;
}

bool
show_was_kicked(struct text result)
{
	struct text user;

	return closed_by(result, &user) > 0 || text_is(user, "all");
}

enum cli_exit
show_kicked(struct view *v, struct text result)
{
	struct text user;
	uint64_t closed = closed_by(result, &user);

	if (!show_was_kicked(result)) {
		cli_complain("`banyan conns` lists who is connected",
		    "no connection of `%.*s` is open", TEXT_ARG(user));
		return CLI_DEGRADED;
	}
	view_paint(v, GREEN, "✓ closed %llu", (unsigned long long)closed);
	view_print(v, "\n");
	return CLI_OK;
}
