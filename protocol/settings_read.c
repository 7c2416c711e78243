// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * The command line beats the environment, which beats the file, which beats
 * the defaults. The two folders are settled before everything else, because
 * other texts may say ${runtime_dir}.
 *
 * The memfd is sealed against everything, writing too: who maps it needs no
 * lock, no copy, and fears no SIGBUS.
 */

#include "protocol/settings_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/settings_writer.h"

static const struct yaml_place nowhere = {0, 0};

static enum err
read_whole(int fd, struct buffer *into)
{
	for (;;) {
		uint8_t *to;
		ssize_t count;

		if (buffer_reserve(into, 65536, &to) != OK)
			return ERR_TOO_BIG;
		count = read(fd, to, 65536);
		if (count == 0)
			return OK;
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return ERR_SYSTEM;
		buffer_commit(into, (size_t)count);
	}
}

/* load_file reads at most a little more than is allowed. */
static enum err
load_file(const char *path, struct buffer *into, struct settings_problems *p)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum err err = fd < 0 ? ERR_SYSTEM : read_whole(fd, into);

	if (err == ERR_SYSTEM)
		settings_problem(
		    p, nowhere, "cannot be read: %s", strerror(errno));
	else if (err != OK)
		settings_problem(p, nowhere,
		    "larger than %d bytes; no settings file is",
		    SETTINGS_FILE_BYTES);
	fd_close(&fd);
	return err == OK ? OK : ERR_MALFORMED;
}

/* settle_dir finds a folder and makes it the setting's node. */
static struct text
settle_dir(struct settings_writer *w, enum setting id, const char *environment,
    enum err (*fallback)(char *, size_t))
{
	const struct yaml_node *node = w->nodes[id];
	const char *from = getenv(environment);
	struct yaml_node *settled;
	char dir[512] = "";

	if (node != NULL &&
	    (node->place.line == 0 || from == NULL || from[0] == '\0') &&
	    node->kind < YAML_LIST && node->text.len > 0)
		return node->text;
	if (from == NULL || from[0] == '\0') {
		if (fallback(dir, sizeof(dir)) != OK)
			dir[0] = '\0'; /* the rules say that nothing says */
		from = dir;
	}
	settled = ARENA_NEW(&w->arena, struct yaml_node);
	settled->kind = YAML_QUOTED;
	settled->text = arena_text(&w->arena, text_of(from));
	/* a wrong type in the file stays there to be told */
	if (node == NULL || node->kind < YAML_LIST)
		w->nodes[id] = settled;
	return settled->text;
}

static enum err
fill_memfd(int fd, const struct settings_writer *w, uint64_t generation)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct settings_head head = {.magic = SETTINGS_MAGIC,
	    .table = settings_table_sum(),
	    .generation = generation,
	    .bytes = SETTINGS_BYTES_AT + buffer_used(&w->bytes)};
	struct buffer whole;
	enum err err;

	buffer_init(&whole, SETTINGS_BYTES + sizeof(w->values));
	if (buffer_append(&whole, w->values, sizeof(w->values)) != OK ||
	    buffer_append(
		&whole, buffer_at(&w->bytes), buffer_used(&w->bytes)) != OK) {
		buffer_finish(&whole);
		return ERR_FULL;
	}
	head.checksum = settings_sum(0, buffer_at(&whole), buffer_used(&whole));
	err = fd_write_whole(fd, &head, sizeof(head));
	if (err == OK)
		err =
		    fd_write_whole(fd, buffer_at(&whole), buffer_used(&whole));
	buffer_finish(&whole);
	if (err == OK && fcntl(fd, F_ADD_SEALS, seals) != 0)
		err = ERR_SYSTEM;
	return err;
}

static enum err
seal(const struct settings_writer *w, uint64_t generation, int *fd)
{
	enum err err;

	*fd = memfd_create("banyan-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return ERR_SYSTEM;
	err = fill_memfd(*fd, w, generation);
	if (err != OK)
		fd_close(fd);
	return err;
}

/* by_place: as one reads the file, what is about no place first. */
static int
by_place(const void *left, const void *right)
{
	const struct settings_problem *a = left, *b = right;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

static void
sort_problems(struct settings_problems *problems)
{
	size_t kept = problems->count < SETTINGS_PROBLEMS ? problems->count
							  : SETTINGS_PROBLEMS;

	qsort(problems->at, kept, sizeof(problems->at[0]), by_place);
}

static void
judge(struct settings_writer *w, const struct settings_request *request,
    struct text text)
{
	const struct yaml_node *root;

	if (settings_yaml_parse(text, &w->arena, &root, w->problems) != OK)
		return;
	settings_gather(w, root);
	for (size_t i = 0; i < request->override_count; i++)
		settings_override(w, text_of(request->overrides[i]));
	w->runtime_dir = settle_dir(w, SETTING_runtime_dir, ENV_RUNTIME_DIR,
	    settings_default_runtime_dir);
	w->state_dir = settle_dir(
	    w, SETTING_state_dir, ENV_STATE_DIR, settings_default_state_dir);
	settings_take(w);
	settings_rules(w);
}

enum err
settings_read_text(const struct settings_request *request, struct text text,
    int *fd, struct settings_problems *problems)
{
	struct settings_writer w = {.problems = problems};
	enum err err;

	*fd = -1;
	problems->count = 0;
	arena_init(&w.arena);
	buffer_init(&w.bytes, SETTINGS_BYTES - SETTINGS_BYTES_AT);
	judge(&w, request, text);
	err = problems->count > 0 ? ERR_MALFORMED
				  : seal(&w, request->generation, fd);
	sort_problems(problems);
	buffer_finish(&w.bytes);
	arena_finish(&w.arena);
	return err;
}

enum err
settings_read(const struct settings_request *request, int *fd,
    struct settings_problems *problems)
{
	struct buffer file;
	enum err err;

	*fd = -1;
	problems->count = 0;
	buffer_init(&file, SETTINGS_FILE_BYTES + 65537);
	err = load_file(request->file, &file, problems);
	if (err == OK)
		err = settings_read_text(
		    request, buffer_text(&file), fd, problems);
	buffer_finish(&file);
	return err;
}

void
settings_problem_line(const struct settings_problem *problem, const char *file,
    char *to, size_t size)
{
	if (problem->line > 0)
		snprintf(to, size, "%s:%u:%u: %s", file, problem->line,
		    problem->column, problem->text);
	else
		snprintf(to, size, "%s: %s", file, problem->text);
}
