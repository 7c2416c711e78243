// SPDX-License-Identifier: MIT
/* diff - what a reload would change: the file on disk against the settings in
 * force. What the command line of banyand overrides shows up as well. */

#include <stdio.h>
#include <string.h>

#include "protocol/base/fd.h"
#include "protocol/json_out.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	ALL_BYTES = 16 << 20
};

static const char *
folder_of(struct cli *cli, struct text shown, const char *key)
{
	return arena_string(&cli->arena,
	    arena_printf(
		&cli->arena, "%s=%.*s", key, TEXT_ARG(show_text(shown, key))));
}

/*
 * read_file packs what the file says in the form of `settings show`. The
 * folders are the running tree's: a reload would not move them either.
 */
static enum cli_exit
read_file(
    struct cli *cli, const char *file, struct text shown, struct buffer *out)
{
	struct settings_request request = {.file = file};
	const char *const folders[] = {folder_of(cli, shown, "runtime_dir"),
	    folder_of(cli, shown, "state_dir")};
	static struct settings_problems problems;
	struct settings *settings = NULL;
	struct packer p;
	int fd = -1;

	request.overrides = folders;
	request.override_count = COUNT_OF(folders);
	if (settings_read(&request, &fd, &problems) != OK ||
	    settings_open(fd, &settings) != OK) {
		char hint[300];

		snprintf(hint, sizeof(hint), "see `banyan check %.200s`", file);
		cli_complain(
		    hint, "%s is broken: a reload would be refused", file);
		fd_close(&fd);
		return CLI_SETTINGS;
	}
	pack_init(&p, out);
	enum err e = settings_pack(settings, NULL, &p);
	settings_close(&settings);
	fd_close(&fd);
	return e == OK && pack_finish(&p) == OK ? CLI_OK : CLI_UNHEALTHY;
}

static struct text
as_json(struct cli *cli, struct text value)
{
	struct buffer json;
	struct text text = TEXT("…");

	buffer_init(&json, 1 << 20);
	if (pack_to_json(value, &json, NULL) == OK)
		text = arena_text(&cli->arena, buffer_text(&json));
	buffer_finish(&json);
	return text;
}

/* The changes found: as lines for people, or packed for --json. */
struct changes {
	struct cli *cli;
	struct packer packer;
	uint32_t count;
};

static void
note_change(
    struct changes *c, struct text name, struct text old, struct text next)
{
	c->count++;
	if (!c->cli->wants_json) {
		printf("%.*s: %.*s -> %.*s\n", TEXT_ARG(name),
		    TEXT_ARG(as_json(c->cli, old)),
		    TEXT_ARG(as_json(c->cli, next)));
		return;
	}
	pack_map(&c->packer, 3);
	pack_string(&c->packer, "key");
	pack_text(&c->packer, name);
	pack_string(&c->packer, "now");
	pack_raw(&c->packer, old);
	pack_string(&c->packer, "next");
	pack_raw(&c->packer, next);
}

/* diff_section notes the keys of one section that differ. */
static void
diff_section(
    struct changes *c, struct text name, struct text old, struct text next)
{
	struct unpacker u;
	uint32_t count;
	struct text key;
	struct text now;
	struct text before;

	unpack_init(&u, next);
	if (unpack_map(&u, &count) != OK) {
		if (!text_eq(old, next))
			note_change(c, name, old, next);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &now) != OK)
			break;
		if (unpack_map_find(old, key, &before) != OK)
			before = TEXT("\xc0");
		diff_section(c,
		    arena_printf(&c->cli->arena, "%.*s.%.*s", TEXT_ARG(name),
			TEXT_ARG(key)),
		    before, now);
	}
}

/* print_changes is {"changes": [{key, now, next}, …]}. */
static void
print_changes(const struct changes *c, const struct buffer *packed)
{
	struct buffer all;
	struct packer p;

	if (!c->cli->wants_json) {
		if (c->count == 0)
			puts("unchanged");
		return;
	}
	buffer_init(&all, ALL_BYTES);
	pack_init(&p, &all);
	pack_map(&p, 1);
	pack_string(&p, "changes");
	pack_array(&p, c->count);
	if (c->count > 0)
		pack_raw(&p, buffer_text(packed));
	if (pack_finish(&p) == OK)
		show_json(buffer_text(&all));
	buffer_finish(&all);
}

static enum cli_exit
compare(struct cli *cli, struct text old, struct text next)
{
	struct changes changes = {.cli = cli};
	struct buffer packed;
	struct unpacker u;
	uint32_t count;
	struct text name;
	struct text now;
	struct text before;

	unpack_init(&u, next);
	if (unpack_map(&u, &count) != OK)
		return CLI_UNHEALTHY;
	buffer_init(&packed, ALL_BYTES);
	pack_init(&changes.packer, &packed);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK || unpack_raw(&u, &now) != OK)
			break;
		if (unpack_map_find(old, name, &before) != OK)
			before = TEXT("\x80");
		diff_section(&changes, name, before, now);
	}
	enum err e = pack_finish(&changes.packer);
	if (e == OK)
		print_changes(&changes, &packed);
	buffer_finish(&packed);
	return e == OK ? CLI_OK : CLI_UNHEALTHY;
}

enum cli_exit
local_diff(struct cli *cli)
{
	struct reply version;
	struct reply shown;
	struct buffer file;
	enum cli_exit code = remote_ask(cli, "version", TEXT("\x80"), &version);

	if (code != CLI_OK)
		return code;
	const char *name = cli->argc > 0
	    ? cli->argv[0]
	    : arena_string(&cli->arena, show_text(version.result, "file"));
	request_finish(&version);
	buffer_init(&file, ALL_BYTES);
	code = remote_ask(cli, "settings.show", TEXT("\x80"), &shown);
	if (code == CLI_OK) {
		code = read_file(cli, name, shown.result, &file);
		if (code == CLI_OK)
			code = compare(cli, shown.result, buffer_text(&file));
		request_finish(&shown);
	}
	buffer_finish(&file);
	return code;
}
