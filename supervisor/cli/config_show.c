// SPDX-License-Identifier: MIT
/*
 * config_show - `banyan config show`: each setting in force and where it comes
 * from.
 *
 * Design notes
 *
 * The settings in force carry no origin, so it is found: a key the file names
 * is the file's; one that is as it would be without a file is the default;
 * the rest of a role is inherited from a section, and what is left has been
 * set on banyand's command line or in its environment. Without the file (moved
 * away, not readable) only the defaults are known.
 */

#include <stdio.h>
#include <signal.h>
#include <stdlib.h>

#include "protocol/base/fd.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"
#include "protocol/settings_yaml.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	ALL_BYTES = 16 << 20,
	DEEPEST = 6 /* log.components.gateway.level */
};

struct listing {
	struct cli *cli;
	struct text section;          /* "": all */
	const struct yaml_node *file; /* NULL: not known */
	struct packer *out;
	uint32_t count;
};

/* named_in: the file has something at a dotted name. */
static bool
named_in(const struct yaml_node *node, struct text name)
{
	while (node != NULL && name.len > 0) {
		const struct yaml_item *item;
		uint32_t len = 0;

		while (len < name.len && name.at[len] != '.')
			len++;
		if (node->kind != YAML_MAP)
			return false;
		for (item = node->items; item != NULL; item = item->next)
			if (text_eq(item->key,
				(struct text){.at = name.at, .len = len}))
				break;
		if (item == NULL)
			return false;
		node = item->value;
		len += len < name.len;
		name.at += len;
		name.len -= len;
	}
	return node != NULL;
}

static const char *
source_of(const struct listing *l, struct text name, struct text value,
    struct text fallback)
{
	if (l->file != NULL && named_in(l->file, name))
		return "file";
	/* our own environment would pass for the default */
	if (text_eq(value, fallback) &&
	    !(text_is(name, "runtime_dir") &&
		getenv("BANYAN_RUNTIME_DIR") != NULL) &&
	    !(text_is(name, "state_dir") && getenv("BANYAN_STATE_DIR") != NULL))
		return "default";
	if (l->file == NULL)
		return "unknown";
	if (text_starts_with(name, TEXT("workers.")) ||
	    text_starts_with(name, TEXT("log.components.")))
		return "inherited";
	return "command line or environment";
}

/* is_wanted: a section holds its own keys and those of sections inside it. */
static bool
is_wanted(const struct listing *l, struct text name)
{
	return l->section.len == 0 || text_eq(name, l->section) ||
	    (name.len > l->section.len && name.at[l->section.len] == '.' &&
		text_eq((struct text){.at = name.at, .len = l->section.len},
		    l->section));
}

static void
list_value(struct listing *l, struct text name, struct text value,
    struct text fallback, uint32_t depth)
{
	struct arena *arena = &l->cli->arena;
	struct unpacker u;
	struct text key, inner, inner_fallback;
	uint32_t count;

	unpack_init(&u, value);
	if (depth == 0 || unpack_map(&u, &count) != OK || count == 0) {
		if (!is_wanted(l, name))
			return;
		l->count++;
		pack_map(l->out, 3);
		pack_string(l->out, "key");
		pack_text(l->out, name);
		pack_string(l->out, "value");
		pack_raw(l->out, value);
		pack_field_string(
		    l->out, "source", source_of(l, name, value, fallback));
		return;
	}
	while (count-- > 0 && unpack_text(&u, &key) == OK &&
	    unpack_raw(&u, &inner) == OK) {
		if (unpack_map_find(fallback, key, &inner_fallback) != OK)
			inner_fallback = TEXT("");
		list_value(l,
		    name.len == 0 ? key
				  : arena_printf(arena, "%.*s.%.*s",
					TEXT_ARG(name), TEXT_ARG(key)),
		    inner, inner_fallback, depth - 1);
	}
}

/* read_defaults packs what an empty file would mean. */
static enum cli_exit
read_defaults(struct buffer *out)
{
	static struct settings_problems problems;
	const struct settings_request request = {.file = "defaults"};
	struct settings *settings = NULL;
	struct packer p;
	int fd = -1;

	enum err e = settings_read_text(&request, TEXT(""), &fd, &problems);
	if (e == OK)
		e = settings_open(fd, &settings);
	pack_init(&p, out);
	if (e == OK)
		e = settings_pack(settings, NULL, &p);
	if (settings != NULL)
		settings_close(&settings);
	fd_close(&fd);
	if (e == OK)
		return CLI_OK;
	cli_complain(NULL, "the defaults cannot be read: %s", err_name(e));
	return CLI_UNHEALTHY;
}

/* read_file gives NULL after a word on standard error. */
static const struct yaml_node *
read_file(struct cli *cli, const char *file)
{
	static struct settings_problems problems;
	const struct yaml_node *root = NULL;
	char *text = arena_alloc(&cli->arena, SETTINGS_FILE_BYTES);
	size_t bytes = 0;

	if (file[0] == '\0' ||
	    fd_read_file(file, text, SETTINGS_FILE_BYTES, &bytes) != OK ||
	    settings_yaml_parse(
		(struct text){.at = text, .len = (uint32_t)bytes}, &cli->arena,
		&root, &problems) != OK) {
		cli_complain("only defaults are told from the rest; see "
			     "`banyan settings diff`",
		    "cannot read the settings file \"%s\"", file);
		return NULL;
	}
	return root;
}

static enum cli_exit
print_listing(
    struct cli *cli, struct text shown, const char *file, struct text defaults)
{
	struct listing l = {.cli = cli,
	    .section = cli->argc > 0 ? text_of(cli->argv[0]) : TEXT(""),
	    .file = read_file(cli, file)};
	struct buffer packed;
	struct packer p;

	buffer_init(&packed, ALL_BYTES);
	pack_init(&p, &packed);
	l.out = &p;
	size_t place = pack_open(&p);
	list_value(&l, TEXT(""), shown, defaults, DEEPEST);
	pack_close_array(&p, place, l.count);
	enum cli_exit code = CLI_DEGRADED;
	if (l.count == 0)
		cli_complain("leave it out to see all sections",
		    "there is no section `%.*s`", TEXT_ARG(l.section));
	else if (pack_finish(&p) == OK)
		code = remote_print(cli, buffer_text(&packed));
	buffer_finish(&packed);
	return code;
}

enum cli_exit
local_config(struct cli *cli)
{
	struct reply version, shown;
	struct buffer defaults;
	enum cli_exit code;

	if (cli->argc > 1) {
		cli_complain(
		    "banyan config show [SECTION]", "it takes one section");
		return CLI_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	code = remote_ask(cli, "version", TEXT("\x80"), &version);
	if (code != CLI_OK)
		return code;
	const char *file =
	    arena_string(&cli->arena, show_text(version.result, "file"));
	request_finish(&version);
	code = remote_ask(cli, "settings.show", TEXT("\x80"), &shown);
	if (code != CLI_OK)
		return code;
	buffer_init(&defaults, ALL_BYTES);
	code = read_defaults(&defaults);
	if (code == CLI_OK)
		code = print_listing(
		    cli, shown.result, file, buffer_text(&defaults));
	buffer_finish(&defaults);
	request_finish(&shown);
	return code;
}
