// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * No seccomp filter: nng, LMDB and OpenSSL choose system calls by kernel and
 * libc version, and a filter that kills a healthy gateway after an upgrade of
 * libc costs more than it saves here, where one user owns everything.
 *
 * Limits are soft and within the hard ones: asking for more than the system
 * allows gives what it allows, not a worker that never starts.
 */

#include "workers/kit/sandbox.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err
set_limit(int which, uint64_t wanted)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) < 0)
		return ERR_SYSTEM;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	return setrlimit(which, &limit) < 0 ? ERR_SYSTEM : OK;
}

enum err
sandbox_enter(const struct sandbox_limits *limits)
{
	enum err e;

	/* nothing this process starts can gain rights, setuid or not */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ERR_SYSTEM;
	umask(077);
	e = set_limit(
	    RLIMIT_NOFILE, limits->nofile > 0 ? limits->nofile : UINT64_MAX);
	if (e == OK && limits->memory_bytes > 0)
		e = set_limit(RLIMIT_AS, limits->memory_bytes);
	if (e == OK)
		e = set_limit(RLIMIT_CORE, limits->core_bytes);
	errno = 0;
	if (e == OK && limits->nice > 0 && nice((int)limits->nice) == -1 &&
	    errno != 0)
		return ERR_SYSTEM;
	return e;
}
