// SPDX-License-Identifier: MIT
#include "workers/control/permit.h"

#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/tables/actions.h"
#include "workers/control/audit.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

/* action_of gives what an op needs, or NULL. */
static const char *
action_of(struct text op)
{
	static const struct {
		const char *action;
		const char *op;
	} rows[] = {
#define A(action, op) {#action, op},
	    ADMIN_ACTIONS(A)
#undef A
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_is(op, rows[i].op))
			return rows[i].action;
	return NULL;
}

static bool
is_listed(const struct settings *s, const char *action)
{
	struct unpacker u;
	struct text word;
	uint32_t count;

	unpack_init(&u, settings_list(s, SETTING_security_admin_actions));
	if (unpack_array(&u, &count) != OK)
		return false;
	while (count-- > 0 && unpack_text(&u, &word) == OK)
		if (text_is(word, action))
			return true;
	return false;
}

bool
permit_allows(struct worker *w, struct command *command)
{
	const char *action = action_of(command->op);

	if (action == NULL || is_listed(worker_settings(w), action))
		return true;
	audit_denied(w, command, action);
	struct text hint = arena_printf(command->arena,
	    "security: {admin_actions: [%s]} in the settings allows it, then "
	    "`banyan reload`",
	    action);
	command_fail(command, CLASS_DENIED, hint.at,
	    "admin_action_denied: %s", action);
	return false;
}
