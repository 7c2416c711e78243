// SPDX-License-Identifier: MIT
/*
 * runner_plan - what a runner's process is made of: program, arguments,
 * environment, limits, descriptors.
 *
 * Design notes
 *
 * The environment is from scratch. getenv finds the first of two equal names
 * (Python as well), so what must not be overridden stands first, then the
 * operator's, then our defaults.
 *
 * RLIMIT_NPROC counts all processes of a user and does not bind root: it is
 * there so that a runner that forks without end meets a wall before the
 * machine does, not to count its children.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "workers/worker_pool/worker_pool.h"

enum {
	OPEN_FILES = 4096,
	PROCESSES = 4096, /* of the user, as its runners may see it grow */
	OOM_ADJUST = 200,
};

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

/* has_name: the operator sets it, so no default does. */
static bool
has_name(const struct pool_spec *spec, const char *name)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < spec->adapter_env.count; i++) {
		struct text entry = spec->adapter_env.at[i];

		if (entry.len > len && entry.at[len] == '=' &&
		    memcmp(entry.at, name, len) == 0)
			return true;
	}
	return false;
}

static bool
set(struct spawn_plan *plan, const char *name, struct text value)
{
	return spawn_try_set(plan, name, value);
}

static bool
inherit(struct spawn_plan *plan, const struct pool_spec *spec, const char *name,
    const char *fallback)
{
	const char *value = getenv(name);

	if (value == NULL)
		value = fallback;
	if (value == NULL || has_name(spec, name))
		return true;
	return set(plan, name, text_of(value));
}

static bool
set_own(struct spawn_plan *plan, const struct pool_spec *spec)
{
	char name[128];

	for (uint32_t i = 0; i < spec->adapter_env.count; i++) {
		struct text entry = spec->adapter_env.at[i];
		int64_t equals = text_find(entry, '=');

		if (equals <= 0 || equals >= (int64_t)sizeof(name))
			continue; /* pool_spec has refused it */
		memcpy(name, entry.at, (size_t)equals);
		name[equals] = '\0';
		if (!set(plan, name,
			(struct text){entry.at + equals + 1,
			    entry.len - (uint32_t)equals - 1}))
			return false;
	}
	return true;
}

/* set_threads: numeric libraries start as many threads as the profile says. */
static bool
set_threads(struct spawn_plan *plan, const struct pool_spec *spec)
{
	static const char *const names[] = {"OPENBLAS_NUM_THREADS",
	    "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS",
	    "VECLIB_MAXIMUM_THREADS"};
	bool is_thread = spec->worker_profile == POOL_THREAD;
	char number[24];
	bool fits = true;

	snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)(is_thread ? spec->threads_per_worker : 1));
	for (size_t i = 0; i < COUNT_OF(names) - is_thread; i++) {
		const char *parents = is_thread ? NULL : getenv(names[i]);

		if (!has_name(spec, names[i]))
			fits = fits &&
			    set(plan, names[i],
				text_of(parents != NULL ? parents : number));
	}
	if (is_thread)
		return fits &&
		    (!spec->thread_safety_checks ||
			set(plan, "BANYAN_THREAD_CHECKS", TEXT("1")));
	return fits && inherit(plan, spec, "GRPC_POLL_STRATEGY", "poll");
}

static bool
set_locale(struct spawn_plan *plan, const struct pool_spec *spec)
{
	bool fits = true;

	for (char **at = environ; *at != NULL && fits; at++) {
		char name[64];
		const char *equals = strchr(*at, '=');

		if (strncmp(*at, "LC_", 3) != 0 || equals == NULL ||
		    equals - *at >= (long)sizeof(name))
			continue;
		memcpy(name, *at, (size_t)(equals - *at));
		name[equals - *at] = '\0';
		fits = inherit(plan, spec, name, NULL);
	}
	return fits;
}

static bool
set_environment(struct spawn_plan *plan, const struct runner *r)
{
	const struct pool_spec *spec = r->crew->spec;

	return set(plan, "BANYAN_POOL", spec->name) &&
	    set(plan, "BANYAN_RUNNER", text_of(r->child->spec.name)) &&
	    set_own(plan, spec) && inherit(plan, spec, "PATH", PATH_DEFAULT) &&
	    inherit(plan, spec, "HOME", NULL) &&
	    inherit(plan, spec, "LANG", NULL) &&
	    inherit(plan, spec, "TZ", NULL) && set_locale(plan, spec) &&
	    set_threads(plan, spec);
}

static bool
add_all(struct spawn_plan *plan, struct pool_texts texts, uint32_t from)
{
	for (uint32_t i = from; i < texts.count; i++)
		if (!spawn_argument(plan, texts.at[i]))
			return false;
	return true;
}

/* find_program looks a bare name up as a shell would. */
static void
find_program(struct text name, char *to, size_t size)
{
	const char *path =
	    getenv("PATH") != NULL ? getenv("PATH") : PATH_DEFAULT;

	snprintf(to, size, "%.*s", TEXT_ARG(name));
	if (text_find(name, '/') >= 0)
		return;
	while (*path != '\0') {
		size_t len = strcspn(path, ":");

		snprintf(to, size, "%.*s/%.*s", (int)len, path, TEXT_ARG(name));
		if (len > 0 && access(to, X_OK) == 0)
			return;
		path += len + (path[len] == ':');
	}
	snprintf(to, size, "%.*s", TEXT_ARG(name)); /* exec tells ENOENT */
}

static bool
set_program(struct spawn_plan *plan, const struct runner *r)
{
	const struct pool_spec *spec = r->crew->spec;
	char program[sizeof(plan->program)];

	switch ((enum pool_adapter)spec->adapter) {
	case POOL_PYTHON:
		spawn_plan_bare(plan, "/usr/bin/python3");
		snprintf(program, sizeof(program), "%s/python/banyan_runner.py",
		    getenv(ENV_LIBEXEC_DIR));
		if (!spawn_argument(plan, TEXT("-u")) ||
		    !spawn_argument(plan, TEXT("-E")) ||
		    !spawn_argument(plan, TEXT("-s")) ||
		    !spawn_argument(plan, TEXT("-B")) ||
		    !spawn_argument(plan, text_of(program)) ||
		    !spawn_argument(plan, TEXT("--path")) ||
		    !spawn_argument(plan,
			spec->python_path.len > 0 ? spec->python_path
						  : TEXT(BANYAN_PYTHON)) ||
		    !add_all(plan, spec->modules, 0))
			return false;
		break;
	case POOL_PROGRAM:
		find_program(spec->program.at[0], program, sizeof(program));
		spawn_plan_bare(plan, program);
		if (!add_all(plan, spec->program, 1))
			return false;
		break;
	case POOL_NATIVE:
	default:
		snprintf(program, sizeof(program), "%s/native_runner",
		    getenv(ENV_LIBEXEC_DIR));
		spawn_plan_bare(plan, program);
		if (!spawn_argument(plan,
			spec->plugin_dir.len > 0 ? spec->plugin_dir
						 : TEXT(BANYAN_PLUGINS)))
			return false;
		break;
	}
	return add_all(plan, spec->adapter_args, 0);
}

/* open_ends makes the socket and the pipe; what fails stays -1. */
static void
open_ends(struct runner *r)
{
	int pair[2], pipe_ends[2];
	int *ours = r->ours;

	ours[0] = ours[1] = r->theirs[0] = r->theirs[1] = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		ours[0] = pair[0];
		r->theirs[0] = pair[1];
	}
	if (pipe2(pipe_ends, O_CLOEXEC) == 0) {
		ours[1] = pipe_ends[0];
		r->theirs[1] = pipe_ends[1];
	}
	for (int i = 0; i < 2; i++)
		if (ours[i] >= 0 && fd_set_nonblocking(ours[i]) != OK)
			fd_close(&ours[i]);
}

void
runner_plan(struct runner *r, struct spawn_plan *plan)
{
	const struct pool_spec *spec = r->crew->spec;

	open_ends(r);
	if (!set_program(plan, r) || !set_environment(plan, r)) {
		/* more than fits (32 KiB): exec of nothing says ENOENT, and
		 * the farewell says why */
		spawn_plan_bare(plan, "");
		snprintf(keeper_body(r->child)->farewell, HANDOVER_TEXT,
		    "its arguments and environment are longer than %d bytes",
		    SPAWN_TEXT);
	}
	plan->is_stranger = true;
	spawn_give(plan, r->theirs[0], RUNNER_FD);
	spawn_give(plan, r->theirs[1], STDOUT_FILENO);
	spawn_give(plan, r->theirs[1], STDERR_FILENO);
	plan->oom_adjust = OOM_ADJUST;
	plan->open_files = OPEN_FILES;
	plan->processes = PROCESSES;
	plan->memory_bytes = spec->memory_bytes;
}
