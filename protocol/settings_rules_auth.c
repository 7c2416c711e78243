// SPDX-License-Identifier: MIT
/* settings_rules_auth - what each way of authenticating needs beside its
 * mode. */

#include <inttypes.h>
#include <string.h>

#include "protocol/settings_writer.h"

enum {
	/* the words of auth.mode, in the table's order */
	MODE_JWT = 1,
	MODE_FUNCTION = 2
};

static struct yaml_place
place_of(const struct settings_writer *w, uint32_t value)
{
	return w->nodes[value] != NULL ? w->nodes[value]->place
				       : (struct yaml_place){0, 0};
}

static void
check_keys(struct settings_writer *w, uint64_t mode)
{
	struct text keys = settings_text_of(w, SETTING_auth_jwt_keys);

	if (w->is_wrong[SETTING_auth_jwt_keys])
		return;
	if (keys.len > 0 && keys.at[0] != '/')
		settings_problem(w->problems,
		    place_of(w, SETTING_auth_jwt_keys),
		    "auth.jwt_keys: must be an absolute path, not \"%s\"",
		    settings_quote(&w->arena, keys));
	if (mode == MODE_JWT && keys.len == 0)
		settings_problem(w->problems, place_of(w, SETTING_auth_mode),
		    "auth.mode: jwt needs auth.jwt_keys, the file with the "
		    "keys");
}

/* check_node: a URL, a name of `nodes`, or our own pools. */
static void
check_node(struct settings_writer *w, struct text node)
{
	struct yaml_place place = place_of(w, SETTING_auth_nodes);
	const char *problem;

	if (text_is(node, "local") || settings_is_node(w, node))
		return;
	if (memmem(node.at, node.len, "://", 3) == NULL)
		problem = "no URL, and `nodes` has no such name";
	else
		problem = settings_url_problem(node);
	if (problem != NULL)
		settings_problem(w->problems, place, "auth.nodes: \"%s\": %s",
		    settings_quote(&w->arena, node), problem);
}

static void
check_nodes(struct settings_writer *w, uint64_t mode)
{
	struct unpacker u;
	struct text node;
	uint32_t count = 0;

	unpack_init(&u, settings_text_of(w, SETTING_auth_nodes));
	if (unpack_array(&u, &count) != OK)
		return;
	if (w->is_wrong[SETTING_auth_nodes])
		return;
	if (mode == MODE_FUNCTION && count == 0)
		settings_problem(w->problems, place_of(w, SETTING_auth_mode),
		    "auth.mode: function needs auth.nodes, the nodes that "
		    "decide");
	for (uint32_t i = 0; i < count && unpack_text(&u, &node) == OK; i++)
		check_node(w, node);
}

void
settings_rules_auth(struct settings_writer *w)
{
	uint64_t mode = w->is_wrong[SETTING_auth_mode]
	    ? 0
	    : w->values[SETTING_auth_mode].number;
	uint64_t ask_ms = w->values[SETTING_auth_timeout_ms].number;
	uint64_t head_ms = w->values[SETTING_gateway_header_timeout_ms].number;

	check_keys(w, mode);
	check_nodes(w, mode);
	/* the client waits with its head, and is cut with it */
	if (mode == MODE_FUNCTION && ask_ms > head_ms &&
	    !w->is_wrong[SETTING_auth_timeout_ms] &&
	    !w->is_wrong[SETTING_gateway_header_timeout_ms])
		settings_problem(w->problems,
		    place_of(w, SETTING_auth_timeout_ms),
		    "auth.timeout_ms: %" PRIu64
		    " is more than gateway.header_timeout_ms, %" PRIu64,
		    ask_ms, head_ms);
}
