// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "protocol/base/address.h"
#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/role.h"
#include "protocol/settings.h"
#include "supervisor/cli/doctor.h"

enum {
	SPARE_DESCRIPTORS = 256, /* beside one for each client */
	DISK_FULL_MB = 16,
	DISK_LOW_MB = 256,
	MEMORY_LOW_MB = 128,
	BUILT_S = 1704067200 /* 2024-01-01: no clock that is right is before */
};

/* --- programs --- */

static void
look_program(struct doctor *d, const char *name)
{
	const char *title = arena_printf(d->arena, "program %s", name).at;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", d->libexec_dir, name);
	if (access(path, X_OK) == 0)
		doctor_say(d, title, DOCTOR_OK, NULL, "%s", path);
	else
		doctor_say(d, title, DOCTOR_ERROR,
		    "install again: meson install -C build; or name the "
		    "folder in $BANYAN_LIBEXEC_DIR",
		    "no program %s: %s", path, strerror(errno));
}

static void
look_programs(struct doctor *d)
{
	look_program(d, "supervisor");
	look_program(d, "settings");
	look_program(d, "canary");
	for (int role = ROLE_none + 1; role < ROLE_WORKERS_END; role++)
		look_program(d, role_name((enum role)role));
}

static void
look_libraries(struct doctor *d)
{
	static const struct {
		const char *file, *package;
	} libraries[] = {{"libnng.so.1", "libnng1"},
	    {"liblmdb.so.0", "liblmdb0"}, {"libyaml-0.so.2", "libyaml-0-2"},
	    {"libssl.so.3", "libssl3"},
	    {"libmicrohttpd.so.12", "libmicrohttpd12"}};

	for (size_t i = 0; i < COUNT_OF(libraries); i++) {
		void *library =
		    dlopen(libraries[i].file, RTLD_LAZY | RTLD_LOCAL);

		if (library != NULL)
			doctor_say(d, "library", DOCTOR_OK, NULL, "%s",
			    libraries[i].file);
		else
			doctor_say(d, "library", DOCTOR_ERROR,
			    arena_printf(d->arena, "apt install %s",
				libraries[i].package)
				.at,
			    "%s cannot be loaded", libraries[i].file);
		if (library != NULL)
			dlclose(library);
	}
}

/* --- folders --- */

static void
look_run_folder(struct doctor *d)
{
	const char *path = d->runtime_dir;
	struct stat facts;

	if (path == NULL)
		doctor_say(d, "runtime_dir", DOCTOR_ERROR,
		    "name it: --runtime-dir DIR, or $BANYAN_RUNTIME_DIR",
		    "nothing says where the run folder is");
	else if (strlen(path) > ENDPOINT_RUNTIME_DIR)
		doctor_say(d, "runtime_dir", DOCTOR_ERROR,
		    "choose a shorter one: sockets have 108 bytes for a path",
		    "%s is longer than %d bytes", path, ENDPOINT_RUNTIME_DIR);
	else if (stat(path, &facts) != 0)
		doctor_say(d, "runtime_dir", DOCTOR_WARNING,
		    "banyand makes it when it starts", "%s: %s", path,
		    strerror(errno));
	else if (facts.st_uid != geteuid())
		doctor_say(d, "runtime_dir", DOCTOR_ERROR,
		    "run it as the user who owns the folder",
		    "%s belongs to uid %u, you are %u", path,
		    (unsigned)facts.st_uid, (unsigned)geteuid());
	else if ((facts.st_mode & 077) != 0)
		doctor_say(d, "runtime_dir", DOCTOR_WARNING,
		    arena_printf(d->arena, "chmod 700 %s", path).at,
		    "%s may be entered by others (%03o)", path,
		    (unsigned)(facts.st_mode & 0777));
	else if (access(path, W_OK) != 0)
		doctor_say(d, "runtime_dir", DOCTOR_ERROR,
		    arena_printf(d->arena, "chmod u+rwx %s", path).at,
		    "%s is not writable", path);
	else
		doctor_say(d, "runtime_dir", DOCTOR_OK, NULL, "%s", path);
}

/* may_write tries: a read-only or full disk says so only then. */
static bool
may_write(const char *folder)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/.doctor", folder);
	enum err e = fd_replace_file(path, "ok\n", 3, 0600);
	int kept = errno;
	unlink(path);
	errno = kept;
	return e == OK;
}

static void
look_disk(struct doctor *d)
{
	struct statvfs facts;

	if (statvfs(d->state_dir, &facts) != 0)
		return; /* look_state_folder has told */
	uint64_t free_mb = (uint64_t)facts.f_bavail * facts.f_frsize >> 20;
	enum doctor_status status = free_mb < DISK_FULL_MB ? DOCTOR_ERROR
	    : free_mb < DISK_LOW_MB                        ? DOCTOR_WARNING
							   : DOCTOR_OK;
	doctor_say(d, "disk", status, "make room: df -h; du -xh / | sort -h",
	    "%llu MB free below %s", (unsigned long long)free_mb, d->state_dir);
	if (facts.f_files > 0 && facts.f_favail < 1000)
		doctor_say(d, "inodes", DOCTOR_WARNING, "df -i",
		    "only %llu inodes left below %s",
		    (unsigned long long)facts.f_favail, d->state_dir);
}

static void
look_state_folder(struct doctor *d)
{
	const char *path = d->state_dir;
	struct stat facts;

	if (path == NULL || path[0] == '\0') {
		doctor_say(d, "state_dir", DOCTOR_WARNING,
		    "banyan doctor FILE, with banyand's settings",
		    "unknown without settings or a running tree");
		return;
	}
	if (stat(path, &facts) != 0) {
		doctor_say(d, "state_dir", DOCTOR_WARNING,
		    "banyand makes it when it starts", "%s: %s", path,
		    strerror(errno));
		return;
	}
	if (!may_write(path))
		doctor_say(d, "state_dir", DOCTOR_ERROR,
		    arena_printf(d->arena,
			"let uid %u write to it, and see that the disk is "
			"neither full nor read-only",
			(unsigned)geteuid())
			.at,
		    "%s cannot be written: %s", path, strerror(errno));
	else
		doctor_say(d, "state_dir", DOCTOR_OK, NULL, "%s", path);
	look_disk(d);
}

/* --- ports --- */

/* try_bind gives 0 or errno. */
static int
try_bind(const char *host, uint64_t port)
{
	struct sockaddr_storage at;
	socklen_t bytes = address_of_ip(host, (uint16_t)port, &at);
	int one = 1, problem = 0;

	if (bytes == 0)
		return EADDRNOTAVAIL;
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, bytes) != 0 || listen(fd, 1) != 0)
		problem = errno;
	fd_close(&fd);
	return problem;
}

static void
look_port(struct doctor *d, const char *name, const char *host, uint64_t port)
{
	if (port == 0) {
		doctor_say(d, name, DOCTOR_OK, NULL,
		    "%s, a free port is taken at start", host);
		return;
	}
	int problem = try_bind(host, port);

	if (problem == 0 && d->is_up)
		doctor_say(d, name, DOCTOR_WARNING,
		    "compare `banyan endpoints` with the settings",
		    "%s:%llu is free though the tree runs", host,
		    (unsigned long long)port);
	else if (problem == 0)
		doctor_say(d, name, DOCTOR_OK, NULL, "%s:%llu is free", host,
		    (unsigned long long)port);
	else if (problem == EADDRINUSE && d->is_up)
		doctor_say(d, name, DOCTOR_OK, NULL, "%s:%llu is ours", host,
		    (unsigned long long)port);
	else if (problem == EADDRINUSE)
		doctor_say(d, name, DOCTOR_ERROR,
		    arena_printf(d->arena,
			"who has it: ss -ltnp 'sport = :%llu'; or choose "
			"another port",
			(unsigned long long)port)
			.at,
		    "%s:%llu is taken by somebody else", host,
		    (unsigned long long)port);
	else
		doctor_say(d, name, DOCTOR_WARNING,
		    "choose an address of this machine (ip addr), and a port "
		    "this user may open",
		    "%s:%llu: %s", host, (unsigned long long)port,
		    strerror(problem));
}

static void
look_ports(struct doctor *d)
{
	const struct settings *s = d->settings;

	if (s == NULL)
		return;
	look_port(d, "gateway port", settings_string(s, SETTING_gateway_bind),
	    settings_u64(s, SETTING_gateway_port));
	if (settings_bool(s, SETTING_monitoring_enabled))
		look_port(d, "monitoring port",
		    settings_string(s, SETTING_monitoring_host),
		    settings_u64(s, SETTING_monitoring_port));
}

/* --- the machine --- */

static void
look_descriptors(struct doctor *d)
{
	struct rlimit limit;
	uint64_t wanted = 1024;

	if (d->settings != NULL)
		wanted =
		    settings_u64(d->settings, SETTING_gateway_max_connections) +
		    SPARE_DESCRIPTORS;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	doctor_say(d, "descriptors",
	    limit.rlim_max >= wanted ? DOCTOR_OK : DOCTOR_WARNING,
	    "raise it: LimitNOFILE= of the unit, or ulimit -Hn; or lower "
	    "gateway.max_connections",
	    "%llu allowed, %llu wanted by gateway.max_connections",
	    (unsigned long long)limit.rlim_max, (unsigned long long)wanted);
}

static void
look_clock(struct doctor *d)
{
	time_t now = time(NULL);

	doctor_say(d, "clock", now >= BUILT_S ? DOCTOR_OK : DOCTOR_ERROR,
	    "set it: timedatectl set-ntp true; tokens are judged by it",
	    "%llu seconds since 1970", (unsigned long long)now);
}

static void
look_memory(struct doctor *d)
{
	char text[4096];
	size_t bytes;
	unsigned long long kb;

	if (fd_read_file("/proc/meminfo", text, sizeof(text), &bytes) != OK)
		return;
	const char *at = strstr(text, "MemAvailable:");
	if (at == NULL || sscanf(at, "MemAvailable: %llu", &kb) != 1)
		return;
	doctor_say(d, "memory",
	    kb >> 10 >= MEMORY_LOW_MB ? DOCTOR_OK : DOCTOR_WARNING,
	    "see what takes it: ps aux --sort -rss | head", "%llu MB available",
	    kb >> 10);
}

void
doctor_machine(struct doctor *d)
{
	look_programs(d);
	look_libraries(d);
	look_run_folder(d);
	look_state_folder(d);
	look_ports(d);
	look_descriptors(d);
	look_memory(d);
	look_clock(d);
}
