// SPDX-License-Identifier: MIT
#include "supervisor/reader.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"
#include "protocol/handover.h"

enum {
	OVERRIDES_MOST = 12,
	OVERRIDES_BYTES = 2048
};

/* add_overrides turns the lines into arguments; `copy` holds their text. */
static void
add_overrides(struct spawn_plan *plan, char *copy, size_t at)
{
	char *rest = copy;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (line[0] != '\0' && at < 2 + OVERRIDES_MOST)
			plan->arguments[at++] = line;
	plan->arguments[at] = NULL;
}

enum err
reader_start(struct reader *r, const char *libexec_dir, const char *file,
    const char *overrides, uint64_t generation, uint64_t now_ms)
{
	struct spawn_plan *plan = MEMORY_NEW(struct spawn_plan);
	char program[512], path[512], copy[OVERRIDES_BYTES];

	*r = (struct reader){
	    .settings_fd = -1, .deadline_ms = now_ms + READER_MS};
	snprintf(program, sizeof(program), "%s/settings", libexec_dir);
	snprintf(path, sizeof(path), "%s", file);
	snprintf(copy, sizeof(copy), "%s", overrides);
	spawn_plan_init(plan, program);
	plan->arguments[1] = path;
	add_overrides(plan, copy, 2);
	spawn_set_number(plan, ENV_GENERATION, generation);
	enum err e = spawn_process(plan, &r->process);
	memory_free(plan);
	return e;
}

static void
take_records(struct reader *r)
{
	struct handover_record record;
	int fd;
	enum err e;

	while ((e = handover_receive(r->process.channel, &record, &fd)) == OK ||
	    e == ERR_MALFORMED) {
		if (e != OK)
			continue;
		if (record.kind == HANDOVER_SETTINGS_READ && fd >= 0) {
			fd_close(&r->settings_fd);
			r->settings_fd = fd;
			fd = -1;
		} else if (record.kind == HANDOVER_FAREWELL) {
			snprintf(
			    r->problem, sizeof(r->problem), "%s", record.text);
		} else if (record.kind == HANDOVER_UNSTARTED) {
			snprintf(r->problem, sizeof(r->problem),
			    "cannot run %.200s: %s", record.text,
			    strerror((int)record.a));
		}
		fd_close(&fd);
	}
}

enum err
reader_look(struct reader *r, uint64_t now_ms, int *exit_code)
{
	int status = 0;

	take_records(r);
	if (waitpid(r->process.pid, &status, WNOHANG) == 0) {
		if (now_ms < r->deadline_ms)
			return ERR_AGAIN;
		kill(-r->process.pid, SIGKILL);
		/* a reader stuck in a dead disk is left to the reaper */
		waitpid(r->process.pid, &status, WNOHANG);
		snprintf(r->problem, sizeof(r->problem),
		    "the settings file was not read within %d s",
		    READER_MS / 1000);
		status = EXIT_SETTINGS << 8;
	}
	take_records(r);
	fd_close(&r->process.channel);
	fd_close(&r->process.pidfd);
	r->process.pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    r->settings_fd >= 0)
		return OK;
	fd_close(&r->settings_fd);
	*exit_code = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SETTINGS
	    ? EXIT_SETTINGS
	    : EXIT_SYSTEM;
	if (r->problem[0] == '\0')
		snprintf(r->problem, sizeof(r->problem),
		    *exit_code == EXIT_SETTINGS
			? "the settings file is wrong"
			: "the settings program failed");
	return *exit_code == EXIT_SETTINGS ? ERR_MALFORMED : ERR_SYSTEM;
}
