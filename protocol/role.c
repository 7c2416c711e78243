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

const char *
role_name(enum role role)
{
	return (unsigned)role < ROLES ? names[role] : "none";
}

enum role
role_by_name(struct text name)
{
	for (int r = ROLE_none + 1; r < ROLES; r++)
		if (text_is(name, names[r]))
			return (enum role)r;
	return ROLE_none;
}
