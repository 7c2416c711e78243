// SPDX-License-Identifier: MIT
#include "supervisor/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/log_settings.h"
#include "supervisor/reader.h"

enum {
	EXIT_USAGE = 64
};

void
guard_fail(int code, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	dprintf(STDERR_FILENO, "banyand: %s\n", line);
	exit(code);
}

static void
add_override(struct guard *g, const char *key, const char *value)
{
	size_t used = strlen(g->overrides);

	if (strchr(value, '\n') != NULL ||
	    (size_t)snprintf(g->overrides + used, sizeof(g->overrides) - used,
		"%s=%s\n", key, value) >= sizeof(g->overrides) - used)
		guard_fail(EXIT_USAGE, "the value of %s is too long", key);
}

/* flag_of: the setting a flag stands for. */
static const char *
flag_of(const char *flag)
{
	static const struct {
		const char *flag, *key;
	} flags[] = {{"--runtime-dir", "runtime_dir"},
	    {"--state-dir", "state_dir"}, {"--port", "gateway.port"},
	    {"--monitoring-port", "monitoring.port"},
	    {"--monitoring-host", "monitoring.host"}};

	for (size_t i = 0; i < COUNT_OF(flags); i++)
		if (strcmp(flags[i].flag, flag) == 0)
			return flags[i].key;
	return NULL;
}

static _Noreturn void
usage(int code)
{
	dprintf(code == 0 ? STDOUT_FILENO : STDERR_FILENO,
	    "usage: banyand [--check] [-v] [--runtime-dir DIR] [--state-dir "
	    "DIR]\n"
	    "               [--port N] [--monitoring-port N]\n"
	    "               [--monitoring-host ADDRESS] [--no-monitoring] "
	    "FILE\n"
	    "Runs the tree of FILE in the foreground. TERM drains and stops,\n"
	    "INT stops fast, HUP reads FILE again. --check only reads it,\n"
	    "-v writes every debug line.\n");
	exit(code);
}

/* find_libexec: where the roles' programs are, seen from our own place. */
static void
find_libexec(struct guard *g)
{
	const char *told = getenv(ENV_LIBEXEC_DIR);
	char self[GUARD_PATH - 32];

	if (told != NULL && told[0] != '\0') {
		snprintf(g->libexec_dir, sizeof(g->libexec_dir), "%s", told);
		return;
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		guard_fail(EXIT_SYSTEM, "/proc is not there; mount it");
	self[n] = '\0';
	for (int i = 0; i < 2; i++) { /* PREFIX/bin/banyand → PREFIX */
		char *slash = strrchr(self, '/');

		if (slash != NULL)
			*slash = '\0';
	}
	snprintf(
	    g->libexec_dir, sizeof(g->libexec_dir), "%s/libexec/banyan", self);
}

void
guard_arguments(struct guard *g, int argc, char **argv)
{
	const char *file = NULL;
	const char *run = getenv(ENV_RUNTIME_DIR);
	const char *state = getenv(ENV_STATE_DIR);

	g->state_fd = g->lock_fd = g->listen_fd = g->settings_fd =
	    g->notify_fd = -1;
	g->monitor_fd = g->prometheus_fd = -1;
	for (int i = 0; i < GUARD_SEGMENTS; i++)
		g->segments[i] = -1;
	if (run != NULL && run[0] != '\0')
		add_override(g, "runtime_dir", run);
	if (state != NULL && state[0] != '\0')
		add_override(g, "state_dir", state);
	for (int i = 1; i < argc; i++) {
		const char *key = flag_of(argv[i]);

		if (strcmp(argv[i], "--help") == 0)
			usage(0);
		if (strcmp(argv[i], "--version") == 0) {
			dprintf(STDOUT_FILENO, "banyand %s\n", BANYAN_VERSION);
			exit(0);
		}
		if (strcmp(argv[i], "--check") == 0)
			g->is_check = true;
		else if (strcmp(argv[i], "--no-monitoring") == 0)
			add_override(g, "monitoring.enabled", "false");
		else if (strcmp(argv[i], "-v") == 0 ||
		    strcmp(argv[i], "--verbose") == 0)
			add_override(g, "log.level", "debug");
		else if (key != NULL && i + 1 < argc)
			add_override(g, key, argv[++i]);
		else if (argv[i][0] == '-' || file != NULL)
			usage(EXIT_USAGE);
		else
			file = argv[i];
	}
	if (file == NULL)
		usage(EXIT_USAGE);
	if (realpath(file, g->file) == NULL)
		guard_fail(EXIT_SETTINGS, "%s: %s; name a settings file", file,
		    strerror(errno));
	find_libexec(g);
}

/* check_only ends the process: --check has seen all it wanted. */
static _Noreturn void
check_only(const struct guard *g)
{
	dprintf(STDOUT_FILENO, "%s: ok\n", g->file);
	exit(0);
}

/* fill_dirs: what neither flag, environment nor file said has a default. */
static void
fill_dirs(struct guard *g)
{
	const char *run = settings_string(g->settings, SETTING_runtime_dir);
	const char *state = settings_string(g->settings, SETTING_state_dir);
	enum err e = OK;

	if (run[0] != '\0')
		snprintf(g->runtime_dir, sizeof(g->runtime_dir), "%s", run);
	else
		e = settings_default_runtime_dir(
		    g->runtime_dir, sizeof(g->runtime_dir));
	if (e != OK || strlen(g->runtime_dir) > 80)
		guard_fail(EXIT_SETTINGS,
		    "runtime_dir is %s; choose a folder of at most 80 bytes "
		    "with --runtime-dir",
		    e != OK ? "not known" : "too long");
	if (state[0] != '\0')
		snprintf(g->state_dir, sizeof(g->state_dir), "%s", state);
	else
		e = settings_default_state_dir(
		    g->state_dir, sizeof(g->state_dir));
	if (e != OK)
		guard_fail(EXIT_SETTINGS,
		    "state_dir is not known; choose one with --state-dir");
}

void
guard_read_settings(struct guard *g)
{
	struct reader reader;
	int code = EXIT_SYSTEM;
	enum err e;

	if (reader_start(&reader, g->libexec_dir, g->file, g->overrides,
		g->generation + 1, clock_mono_ms()) != OK)
		guard_fail(
		    EXIT_SYSTEM, "cannot start a process: %s", strerror(errno));
	while (
	    (e = reader_look(&reader, clock_mono_ms(), &code)) == ERR_AGAIN) {
		struct pollfd wait = {
		    .fd = reader.process.pidfd, .events = POLLIN};
		uint64_t now_ms = clock_mono_ms();

		poll(&wait, 1,
		    now_ms < reader.deadline_ms
			? (int)(reader.deadline_ms - now_ms)
			: 0);
	}
	if (e != OK)
		guard_fail(code, "%s%s", reader.problem,
		    code == EXIT_SETTINGS ? "; nothing was started" : "");
	g->settings_fd = reader.settings_fd;
	e = settings_open(g->settings_fd, &g->settings);
	if (e != OK)
		guard_fail(EXIT_SYSTEM,
		    "%s/settings is of another version (%s); install both "
		    "together",
		    g->libexec_dir, err_name(e));
	g->generation++;
	if (g->is_check)
		check_only(g);
	g->stop_budget_ms =
	    settings_u64(g->settings, SETTING_supervisor_stop_budget_ms);
	log_init("guard", 1);
	log_settings_take(g->settings, ROLE_guard);
	fill_dirs(g);
}

/* make_folders is mkdir -p; ERR_SYSTEM has errno. */
static enum err
make_folders(const char *path, mode_t mode)
{
	char part[GUARD_PATH];

	for (size_t i = 1; path[i - 1] != '\0' && i < sizeof(part); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, path[i] == '\0' ? mode : 0755) < 0 &&
		    errno != EEXIST)
			return ERR_SYSTEM;
	}
	return OK;
}

/* is_writable really writes: access() does not know read-only file systems. */
static bool
is_writable(const char *folder)
{
	char probe[GUARD_PATH + 16];

	snprintf(probe, sizeof(probe), "%s/.banyand", folder);
	int fd = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	fd_close(&fd);
	unlink(probe);
	return true;
}

void
guard_folders(struct guard *g)
{
	struct stat at;

	if (make_folders(g->runtime_dir, 0700) != OK ||
	    stat(g->runtime_dir, &at) < 0)
		guard_fail(EXIT_SYSTEM,
		    "runtime_dir %s: %s; choose another with --runtime-dir",
		    g->runtime_dir, strerror(errno));
	if (at.st_uid != geteuid())
		guard_fail(EXIT_SYSTEM,
		    "runtime_dir %s belongs to uid %u; choose another with "
		    "--runtime-dir",
		    g->runtime_dir, at.st_uid);
	if ((at.st_mode & 0077) != 0 && chmod(g->runtime_dir, 0700) < 0)
		guard_fail(EXIT_SYSTEM, "runtime_dir %s: %s; make it 0700",
		    g->runtime_dir, strerror(errno));
	if (!is_writable(g->runtime_dir))
		guard_fail(EXIT_SYSTEM,
		    "runtime_dir %s: %s; choose another with --runtime-dir",
		    g->runtime_dir, strerror(errno));
	if (make_folders(g->state_dir, 0700) != OK ||
	    !is_writable(g->state_dir))
		guard_fail(EXIT_SYSTEM,
		    "state_dir %s: %s; make it writable for uid %u or choose "
		    "another with --state-dir",
		    g->state_dir, strerror(errno), geteuid());
}
