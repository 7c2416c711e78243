// SPDX-License-Identifier: MIT
#include "protocol/base/err.h"

#include <stdlib.h>

#include "protocol/base/log.h"

const char *
err_name(enum err e)
{
	static const char *const names[] = {
	    [OK] = "ok",
	    [ERR_AGAIN] = "again",
	    [ERR_CLOSED] = "closed",
	    [ERR_FULL] = "full",
	    [ERR_TOO_BIG] = "too_big",
	    [ERR_TOO_DEEP] = "too_deep",
	    [ERR_MALFORMED] = "malformed",
	    [ERR_UTF8] = "utf8",
	    [ERR_TYPE] = "type",
	    [ERR_RANGE] = "range",
	    [ERR_MISSING] = "missing",
	    [ERR_NOT_FOUND] = "not_found",
	    [ERR_EXISTS] = "exists",
	    [ERR_DENIED] = "denied",
	    [ERR_TIMEOUT] = "timeout",
	    [ERR_VERSION] = "version",
	    [ERR_SYSTEM] = "system",
	};

	if ((unsigned)e >= COUNT_OF(names))
		return "unknown";
	return names[e];
}

_Noreturn void
invariant_broken(const char *cond, const char *file, int line)
{
	log_line(
	    LOG_FATAL, "invariant", "cond=\"%s\" at=%s:%d", cond, file, line);
	abort();
}
