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

/* diff_section prints the keys of one section that differ. */
static uint32_t
diff_section(
    struct cli *cli, struct text name, struct text old, struct text next)
{
	struct unpacker u;
	uint32_t count;
	uint32_t changes = 0;
	struct text key;
	struct text now;
	struct text before;

	unpack_init(&u, next);
	if (unpack_map(&u, &count) != OK) {
		if (text_eq(old, next))
			return 0;
		printf("%.*s: %.*s -> %.*s\n", TEXT_ARG(name),
		    TEXT_ARG(as_json(cli, old)), TEXT_ARG(as_json(cli, next)));
		return 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &key) != OK || unpack_raw(&u, &now) != OK)
			break;
		if (unpack_map_find(old, key, &before) != OK)
			before = TEXT("\xc0");
		changes += diff_section(cli,
		    arena_printf(&cli->arena, "%.*s.%.*s", TEXT_ARG(name),
			TEXT_ARG(key)),
		    before, now);
	}
	return changes;
}

static enum cli_exit
compare(struct cli *cli, struct text old, struct text next)
{
	struct unpacker u;
	uint32_t count;
	uint32_t changes = 0;
	struct text name;
	struct text now;
	struct text before;

	unpack_init(&u, next);
	if (unpack_map(&u, &count) != OK)
		return CLI_UNHEALTHY;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK || unpack_raw(&u, &now) != OK)
			break;
		if (unpack_map_find(old, name, &before) != OK)
			before = TEXT("\x80");
		changes += diff_section(cli, name, before, now);
	}
	if (changes == 0)
		puts("unchanged");
	return CLI_OK;
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
