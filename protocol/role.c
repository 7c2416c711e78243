// SPDX-License-Identifier: MIT
#include "protocol/role.h"

static const char *const names[ROLES] = {
    [ROLE_none] = "none",
#define W(role, ...) [ROLE_##role] = #role,
    WORKERS(W)
#undef W
	[ROLE_supervisor] = "supervisor",
    [ROLE_guard] = "guard",
    [ROLE_settings] = "settings",
    [ROLE_cli] = "cli",
    [ROLE_service] = "service",
};

static const char *const purposes[ROLES] = {
    [ROLE_none] = "",
#define W(role, restart, segments, listener, oom, purpose) \
	[ROLE_##role] = purpose,
    WORKERS(W)
#undef W
	[ROLE_supervisor] = "keeps every process alive, and knows nothing else",
    [ROLE_guard] = "holds the port and the segments; restarts the supervisor",
    [ROLE_settings] = "reads the settings file, so that no other process must",
    [ROLE_cli] = "what an operator types",
    [ROLE_service] = "a program that offers functions",
};

const char *
role_name(enum role role)
{
	return (unsigned)role < ROLES ? names[role] : "none";
}

const char *
role_purpose(enum role role)
{
	return (unsigned)role < ROLES ? purposes[role] : "";
}

enum role
role_by_name(struct text name)
{
	for (int r = ROLE_none + 1; r < ROLES; r++)
		if (text_is(name, names[r]))
			return (enum role)r;
	return ROLE_none;
}
