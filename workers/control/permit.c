// SPDX-License-Identifier: MIT
#include "workers/control/permit.h"

#include "protocol/actions.h"
#include "protocol/base/clock.h"
#include "protocol/command.h"
#include "protocol/events.h"
#include "protocol/hash.h"
#include "protocol/settings.h"
#include "workers/control/audit.h"
#include "workers/control/control.h"
#include "workers/kit/route.h"
#include "workers/kit/worker.h"

enum {
	LEASE_MS = 60000 /* a pause longer than this begins a new one */
};

/* is_renewal: this process has asked the same a moment ago. */
static bool
is_renewal(struct permit_leases *leases, const struct command *command)
{
	uint64_t now_ms = clock_mono_ms();
	uint64_t op = hash_name(command->op);

	for (uint32_t i = 0; i < PERMIT_LEASES; i++) {
		if (leases->of[i].pid != command->peer_pid ||
		    leases->of[i].op != op || leases->of[i].seen_ms == 0)
			continue;
		bool is_fresh = leases->of[i].seen_ms + LEASE_MS > now_ms;
		leases->of[i].seen_ms = now_ms;
		return is_fresh;
	}
	leases->of[leases->next].pid = command->peer_pid;
	leases->of[leases->next].op = op;
	leases->of[leases->next].seen_ms = now_ms;
	leases->next = (leases->next + 1) % PERMIT_LEASES;
	return false;
}

static void
deny(struct worker *w, struct command *command, const char *action)
{
	audit_denied(w, command, action);
	event_note(EVENT_admin_denied, "op=%.*s action=%s uid=%u pid=%u",
	    TEXT_ARG(command->op), action, command->peer_uid,
	    command->peer_pid);
	struct text hint = arena_printf(command->arena,
	    "security: {admin_actions: [%s]} in the settings allows it, then "
	    "`banyan reload`",
	    action);
	command_fail(
	    command, CLASS_DENIED, hint.at, "admin_action_denied: %s", action);
}

bool
permit_gate(struct worker *w, struct command *command)
{
	struct control *control = worker_state(w);
	const struct command_info *info = command_find(command->op);
	const char *action = action_needed(command->op);
	struct text allowed =
	    settings_list(worker_settings(w), SETTING_security_admin_actions);

	if (action != NULL && !action_is_allowed(allowed, action)) {
		deny(w, command, action);
		return false;
	}
	if (info->who == COMMAND_ADMIN ||
	    action_is_change(command->op, command->args) ||
	    (action_is_look(command->op) &&
		!is_renewal(&control->leases, command)))
		audit_note(w, command);
	return true;
}
