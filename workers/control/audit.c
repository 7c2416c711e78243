// SPDX-License-Identifier: MIT
#include "workers/control/audit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/buffer.h"
#include "protocol/base/fd.h"
#include "protocol/mask.h"
#include "protocol/settings.h"
#include "workers/control/control.h"
#include "workers/kit/worker.h"

enum {
	ARGS_SHOWN = 2048,
	LINE_BYTES = ARGS_SHOWN + 256
};

/* is_current: is the open file still the one of that name? Somebody may have
 * moved it away to rotate it. */
static bool
is_current(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 &&
	    ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

static bool
open_log(struct worker *w, struct control *control)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/audit.log", worker_state_dir(w));
	if (control->audit_fd >= 0 && !is_current(control->audit_fd, path))
		fd_close(&control->audit_fd);
	if (control->audit_fd < 0)
		control->audit_fd =
		    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	return control->audit_fd >= 0;
}

static void
stamp(uint64_t wall_ms, char *to, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char day[24];

	strftime(
	    day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
	snprintf(to, size, "%s.%03uZ", day, (unsigned)(wall_ms % 1000));
}

static bool
append(struct worker *w, const char *line, int length)
{
	struct control *control = worker_state(w);

	if (!open_log(w, control))
		return false;
	ssize_t took = write(control->audit_fd, line, (size_t)length);
	if (took > 0)
		control->audit_is_torn = took < length;
	return took == length;
}

static void
note(struct worker *w, const struct command *command, const char *denied)
{
	struct control *control = worker_state(w);
	char line[LINE_BYTES];
	char when[32];
	struct buffer args;
	struct mask mask;

	stamp(clock_wall_ms(), when, sizeof(when));
	buffer_init(&args, ARGS_SHOWN);
	mask_read(&mask,
	    settings_list(worker_settings(w), SETTING_security_masked_keys));
	if (mask_json(&mask, command->args, &args) != OK) {
		buffer_truncate(&args, 0);
		enum err e = buffer_append_text(&args, TEXT("(too long)"));
		(void)e;
	}
	int length = snprintf(line, sizeof(line),
	    "%s uid=%u pid=%u op=%.*s%s%s args=%.*s\n", when, command->peer_uid,
	    command->peer_pid, TEXT_ARG(command->op),
	    denied[0] != '\0' ? " denied=" : "", denied,
	    TEXT_ARG(buffer_text(&args)));
	buffer_finish(&args);
	if (control->audit_lost == 0 || audit_is_well(w))
		control->audit_lost = append(w, line, length) ? 0 : 1;
	else
		control->audit_lost++;
}

bool
audit_is_well(struct worker *w)
{
	struct control *control = worker_state(w);
	char line[LINE_BYTES], when[32];

	if (control->audit_lost == 0)
		return true;
	stamp(clock_wall_ms(), when, sizeof(when));
	int length = snprintf(line, sizeof(line),
	    "%s%s uid=%u pid=%d op=audit.resumed args={\"lost\":%llu}\n",
	    control->audit_is_torn ? "\n" : "", when, (unsigned)getuid(),
	    (int)getpid(), (unsigned long long)control->audit_lost);
	if (append(w, line, length))
		control->audit_lost = 0;
	return control->audit_lost == 0;
}

void
audit_note(struct worker *w, const struct command *command)
{
	note(w, command, "");
}

void
audit_denied(
    struct worker *w, const struct command *command, const char *action)
{
	note(w, command, action);
}
