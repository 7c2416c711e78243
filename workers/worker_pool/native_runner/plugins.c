// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The folder is opened once and kept open: dlopen goes through its descriptor
 * (/proc/self/fd/N/name.so), so nobody who may rename things above it can put
 * another folder in its place between the check and the loading. It also keeps
 * the names apart by which the loader tells objects from each other.
 */

#include "workers/worker_pool/native_runner/plugins.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/base/memory.h"

enum {
	NAME_MOST = 64, /* of a module or function */
};

void
plugins_init(struct plugins *p)
{
	*p = (struct plugins){0};
}

#define REFUSE(p, ...) \
	(snprintf((p)->why, sizeof((p)->why), __VA_ARGS__), false)

/* ---- who could have put it there ------------------------------------------
 */

static bool
is_ours_alone(
    struct plugins *p, const char *what, const char *path, int fd, mode_t kind)
{
	struct stat s;

	if (fstat(fd, &s) != 0)
		return REFUSE(p, "%s: %s", path, strerror(errno));
	if ((s.st_mode & S_IFMT) != kind)
		return REFUSE(p, "%s is not a %s", path, what);
	if (s.st_uid != 0 && s.st_uid != geteuid())
		return REFUSE(p,
		    "the %s %s belongs to uid %u; only root and uid %u may "
		    "own plug-ins",
		    what, path, s.st_uid, geteuid());
	if ((s.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return REFUSE(p,
		    "the %s %s can be written by others (mode %04o); chmod "
		    "go-w it",
		    what, path, s.st_mode & 07777);
	return true;
}

static int
open_folder(struct plugins *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		(void)REFUSE(p, "%s: %s", path, strerror(errno));
	else if (!is_ours_alone(p, "folder", path, fd, S_IFDIR))
		fd_close(&fd);
	return fd;
}

static bool
check_file(struct plugins *p, int folder, const char *name)
{
	int fd = openat(
	    folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return REFUSE(p, "%s: %s", name,
		    errno == ELOOP
			? "a plug-in must be a file of its folder, not a link"
			: strerror(errno));
	bool is_good = is_ours_alone(p, "file", name, fd, S_IFREG);
	fd_close(&fd);
	return is_good;
}

/* ---- what is in it --------------------------------------------------------
 */

static uint32_t
hash_of(struct text module, struct text function)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < module.len; i++)
		hash = (hash ^ (uint8_t)module.at[i]) * 16777619u;
	for (uint32_t i = 0; i < function.len; i++)
		hash = (hash ^ (uint8_t)function.at[i]) * 16777619u;
	return hash;
}

struct plugin_function *
plugins_find(const struct plugins *p, struct text module, struct text function)
{
	if (p->bucket_count == 0)
		return NULL;
	uint32_t mask = p->bucket_count - 1;
	for (uint32_t i = hash_of(module, function) & mask; p->buckets[i] != 0;
	     i = (i + 1) & mask) {
		struct plugin_function *f = &p->functions[p->buckets[i] - 1];

		if (text_eq(f->name, function) && text_eq(f->module, module))
			return f;
	}
	return NULL;
}

static void
enter_bucket(struct plugins *p, uint32_t index)
{
	const struct plugin_function *f = &p->functions[index];
	uint32_t mask = p->bucket_count - 1;
	uint32_t i = hash_of(f->module, f->name) & mask;

	while (p->buckets[i] != 0)
		i = (i + 1) & mask;
	p->buckets[i] = (uint16_t)(index + 1);
}

static void
make_buckets(struct plugins *p)
{
	uint32_t size = 64;

	while (size < p->function_count * 2)
		size *= 2;
	memory_free(p->buckets);
	p->buckets = memory_new(size * sizeof(*p->buckets));
	p->bucket_count = size;
	for (uint32_t i = 0; i < p->function_count; i++)
		enter_bucket(p, i);
}

static bool
is_name(const char *name)
{
	return name != NULL && name[0] != '\0' &&
	    strnlen(name, NAME_MOST + 1) <= NAME_MOST;
}

static bool
take_function(struct plugins *p, const char *file, const char *module,
    const struct service_function *f)
{
	if (!is_name(f->name))
		return REFUSE(p, "%s: a function's name has 1 to %d bytes",
		    file, NAME_MOST);
	if (f->run == NULL)
		return REFUSE(p, "%s: %s has no handler", file, f->name);
	if (plugins_find(p, text_of(module), text_of(f->name)) != NULL)
		return REFUSE(
		    p, "%s: %s.%s is there twice", file, module, f->name);
	if (p->function_count == PLUGINS_FUNCTIONS_MOST)
		return REFUSE(p, "%s: more than %d functions in one runner",
		    file, PLUGINS_FUNCTIONS_MOST);
	p->functions = memory_grow(
	    p->functions, (p->function_count + 1) * sizeof(*p->functions));
	p->functions[p->function_count++] = (struct plugin_function){
	    .module = text_of(module), .name = text_of(f->name), .function = f};
	make_buckets(p);
	return true;
}

bool
plugins_take(
    struct plugins *p, const char *file, const struct service_plugin *plugin)
{
	if (plugin->abi != SERVICE_PLUGIN_ABI)
		return REFUSE(p,
		    "%s was built for another Banyan (abi %x, ours %x); "
		    "compile it with this one's plugin.h",
		    file, plugin->abi, SERVICE_PLUGIN_ABI);
	if (!is_name(plugin->name))
		return REFUSE(p, "%s: a plug-in's name has 1 to %d bytes", file,
		    NAME_MOST);
	if (plugin->functions == NULL || plugin->functions->name == NULL)
		return REFUSE(p, "%s: %s has no functions", file, plugin->name);
	if (p->count == PLUGINS_MOST)
		return REFUSE(p, "%s: more than %d plug-ins in one runner",
		    file, PLUGINS_MOST);
	for (const struct service_function *f = plugin->functions;
	     f->name != NULL; f++)
		if (!take_function(p, file, plugin->name, f))
			return false;
	p->all[p->count++] = plugin;
	return true;
}

/* find_symbol: the descriptor, if it is data of the size we mean. */
static const struct service_plugin *
find_symbol(void *handle)
{
	const void *symbol = dlsym(handle, "banyan_plugin");
	ElfW(Sym) *entry = NULL;
	Dl_info info;

	if (symbol == NULL ||
	    dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) == 0 ||
	    entry == NULL || entry->st_size < sizeof(struct service_plugin))
		return NULL;
	return symbol;
}

static bool
load_file(struct plugins *p, int folder, const char *name)
{
	char path[PATH_MAX];

	if (!check_file(p, folder, name))
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", folder, name);
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		const char *error = dlerror();
		size_t prefix = strlen(path) - strlen(name);

		/* the loader names the descriptor; people know the file */
		if (strncmp(error, path, prefix) == 0)
			error += prefix;
		return REFUSE(p, "%s", error);
	}
	const struct service_plugin *plugin = find_symbol(handle);
	if (plugin == NULL)
		return REFUSE(p,
		    "%s has no symbol banyan_plugin of type struct "
		    "service_plugin",
		    name);
	return plugins_take(p, name, plugin);
}

/* ---- paths ----------------------------------------------------------------
 */

static int
is_plugin_name(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 3 && entry->d_name[0] != '.' &&
	    strcmp(entry->d_name + length - 3, ".so") == 0;
}

static bool
load_folder(struct plugins *p, const char *path)
{
	struct dirent **names;
	int folder = open_folder(p, path);
	bool is_good = folder >= 0;

	if (!is_good)
		return false;
	int count = scandirat(folder, ".", &names, is_plugin_name, alphasort);
	if (count < 0)
		return REFUSE(p, "%s: %s", path, strerror(errno));
	if (count == 0)
		is_good = REFUSE(p, "%s has no plug-in (*.so)", path);
	for (int i = 0; i < count; i++) {
		is_good = is_good && load_file(p, folder, names[i]->d_name);
		memory_free(names[i]);
	}
	memory_free(names);
	return is_good;
}

bool
plugins_load(struct plugins *p, const char *path)
{
	char folder_path[PATH_MAX], name[PATH_MAX];
	struct stat s;

	if (stat(path, &s) == 0 && S_ISDIR(s.st_mode))
		return load_folder(p, path);
	if (strlen(path) >= sizeof(name))
		return REFUSE(p, "a path is longer than %d bytes", PATH_MAX);
	strncpy(folder_path, path, sizeof(folder_path));
	strncpy(name, path, sizeof(name));
	int folder = open_folder(p, dirname(folder_path));
	return folder >= 0 && load_file(p, folder, basename(name));
}

/* ---- life -----------------------------------------------------------------
 */

bool
plugins_start(struct plugins *p)
{
	for (; p->started < p->count; p->started++) {
		const struct service_plugin *one = p->all[p->started];

		if (one->start != NULL && !one->start())
			return REFUSE(p, "%s refuses to start", one->name);
	}
	return true;
}

void
plugins_stop(struct plugins *p)
{
	while (p->started > 0) {
		const struct service_plugin *one = p->all[--p->started];

		if (one->stop != NULL)
			one->stop();
	}
}

void
plugins_print(const struct plugins *p, FILE *to)
{
	for (uint32_t i = 0; i < p->function_count; i++) {
		const struct plugin_function *f = &p->functions[i];
		const struct service_argument *a = f->function->arguments;

		fprintf(
		    to, "%.*s.%.*s(", TEXT_ARG(f->module), TEXT_ARG(f->name));
		for (const char *comma = ""; a != NULL && a->name != NULL;
		     a++, comma = ", ")
			fprintf(to, "%s%s: %s", comma, a->name, a->type);
		fprintf(to, ") %s\n",
		    f->function->response != NULL ? f->function->response
						  : "sync");
	}
}
