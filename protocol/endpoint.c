// SPDX-License-Identifier: MIT
#include "protocol/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/handover.h"

static enum err
name_path(const char *runtime_dir, enum role role, uint32_t instance,
    const char *kind, char to[ENDPOINT_PATH])
{
	int n;

	if (strlen(runtime_dir) > ENDPOINT_RUNTIME_DIR)
		return ERR_TOO_BIG;
	if (instance == 0)
		n = snprintf(to, ENDPOINT_PATH, "%s/%s.%s", runtime_dir,
		    role_name(role), kind);
	else
		n = snprintf(to, ENDPOINT_PATH, "%s/%s-%u.%s", runtime_dir,
		    role_name(role), instance, kind);
	return n < ENDPOINT_PATH ? OK : ERR_TOO_BIG;
}

enum err
endpoint_path(const char *runtime_dir, enum role role, uint32_t instance,
    char to[ENDPOINT_PATH])
{
	return name_path(runtime_dir, role, instance, "ipc", to);
}

enum err
endpoint_stack_path(const char *runtime_dir, enum role role, uint32_t instance,
    char to[ENDPOINT_PATH])
{
	return name_path(runtime_dir, role, instance, "stack", to);
}

enum err
endpoint_url(const char *runtime_dir, enum role role, uint32_t instance,
    char to[ENDPOINT_URL])
{
	char path[ENDPOINT_PATH];
	enum err e = endpoint_path(runtime_dir, role, instance, path);

	if (e == OK)
		snprintf(to, ENDPOINT_URL, "ipc://%s", path);
	return e;
}

enum err
endpoint_link_url(
    const char *runtime_dir, const char *role, char to[ENDPOINT_URL])
{
	if (strlen(runtime_dir) > ENDPOINT_RUNTIME_DIR)
		return ERR_TOO_BIG;
	int n =
	    snprintf(to, ENDPOINT_URL, "ipc://%s/%s.link", runtime_dir, role);
	return n < ENDPOINT_URL ? OK : ERR_TOO_BIG;
}

static bool
is_given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

enum err
endpoint_runtime_dir(
    const char *flag, const char *from_file, char *to, size_t size)
{
	const char *env = getenv(ENV_RUNTIME_DIR);
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	const char *folder = "";
	int n;

	if (is_given(flag))
		folder = flag;
	else if (is_given(env))
		folder = env;
	else if (is_given(from_file))
		folder = from_file;
	else if (geteuid() == 0)
		folder = "/run/banyan";
	else if (!is_given(xdg))
		return ERR_MISSING;
	if (folder[0] != '\0')
		n = snprintf(to, size, "%s", folder);
	else
		n = snprintf(to, size, "%s/banyan", xdg);
	if (n > ENDPOINT_RUNTIME_DIR || (size_t)n >= size)
		return ERR_TOO_BIG;
	return OK;
}
