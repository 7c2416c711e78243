// SPDX-License-Identifier: MIT
#include "supervisor/cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/output.h"
#include "supervisor/cli/show.h"

enum {
	ASK_MS = 3000,
	LINE_TEXT = 600
};

void
doctor_say(struct doctor *d, const char *name, enum doctor_status status,
    const char *advice, const char *fmt, ...)
{
	char text[LINE_TEXT];
	va_list args;

	if (d->count == DOCTOR_MOST)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->line[d->count++] = (struct doctor_line){.name = name,
	    .status = status,
	    .message = arena_text(d->arena, text_of(text)),
	    .advice = status != DOCTOR_OK && advice != NULL
		? arena_text(d->arena, text_of(advice))
		: TEXT("")};
}

/* --- where things are --- */

static const char *
libexec_of(struct doctor *d)
{
	const char *told = getenv("BANYAN_LIBEXEC_DIR");
	char path[400];

	if (told != NULL && told[0] != '\0')
		return told;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return "libexec/banyan";
	path[n] = '\0';
	for (int i = 0; i < 2; i++) { /* …/bin/banyan */
		char *slash = strrchr(path, '/');

		if (slash != NULL)
			*slash = '\0';
	}
	return arena_printf(d->arena, "%s/libexec/banyan", path).at;
}

/* ask_tree asks control and says nothing when nobody is there. */
static bool
ask_tree(struct doctor *d, const char *op, struct reply *reply)
{
	char path[ENDPOINT_PATH];

	if (d->runtime_dir == NULL ||
	    endpoint_path(d->runtime_dir, ROLE_control, 0, path) != OK)
		return false;
	if (request_ask(&(struct request){.path = path,
			    .op = op,
			    .args = TEXT("\x80"),
			    .timeout_ms = ASK_MS},
		reply) == OK &&
	    reply->is_ok)
		return true;
	request_finish(reply);
	return false;
}

/* meet_tree learns from a running tree where its file and folders are. */
static const char *
meet_tree(struct doctor *d)
{
	struct reply reply;

	if (!ask_tree(d, "version", &reply))
		return NULL;
	d->is_up = true;
	d->state_dir = arena_string(d->arena,
	    arena_text(d->arena, show_text(reply.result, "state_dir")));
	const char *file = arena_string(
	    d->arena, arena_text(d->arena, show_text(reply.result, "file")));
	request_finish(&reply);
	return file[0] != '\0' ? file : NULL;
}

/* --- the settings --- */

static void
read_settings(struct doctor *d, const char *file)
{
	struct settings_request request = {.file = file};
	static struct settings_problems problems;
	struct settings *settings = NULL;
	char line[SETTINGS_PROBLEM_TEXT + 512];
	int fd = -1;

	if (file == NULL) {
		doctor_say(d, "settings", DOCTOR_WARNING,
		    "banyan doctor FILE, with the file banyand is started with",
		    "no file was named, and no tree runs to ask for it");
		return;
	}
	enum err e = settings_read(&request, &fd, &problems);
	if (e == OK)
		e = settings_open(fd, &settings);
	fd_close(&fd);
	if (e == OK) {
		doctor_say(d, "settings", DOCTOR_OK, NULL, "%s", file);
		d->settings = settings;
		if (!d->is_up)
			d->state_dir =
			    settings_string(settings, SETTING_state_dir);
		return;
	}
	snprintf(line, sizeof(line), "%s cannot be read", file);
	if (problems.count > 0)
		settings_problem_line(
		    &problems.at[0], file, line, sizeof(line));
	doctor_say(d, "settings", DOCTOR_ERROR,
	    arena_printf(d->arena, "banyan check %s", file).at, "%s", line);
}

/* --- what the tree says of itself --- */

static enum doctor_status
status_of(struct text status)
{
	if (text_is(status, "ok"))
		return DOCTOR_OK;
	return text_is(status, "degraded") ? DOCTOR_WARNING : DOCTOR_ERROR;
}

static void
say_checks(struct doctor *d, struct text checks)
{
	struct unpacker u;
	struct text name, check;
	uint32_t count;

	unpack_init(&u, checks);
	if (unpack_map(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_text(&u, &name) == OK &&
	    unpack_raw(&u, &check) == OK) {
		struct text reason = show_text(check, "reason");
		struct text next = show_text(check, "next");

		if (unpack_map_find(check, TEXT("checks"), &check) == OK) {
			say_checks(d, check);
			continue;
		}
		doctor_say(d,
		    arena_string(d->arena, arena_text(d->arena, name)),
		    status_of(show_text(check, "status")),
		    arena_string(d->arena, next), "%.*s",
		    TEXT_ARG(reason.len > 0 ? reason : TEXT("ok")));
	}
}

static void
ask_health(struct doctor *d)
{
	struct reply reply;

	if (!d->is_up) {
		doctor_say(d, "tree", DOCTOR_WARNING,
		    "start it: banyand FILE; or look elsewhere: --runtime-dir "
		    "DIR",
		    "no tree answers%s%s", d->runtime_dir != NULL ? " in " : "",
		    d->runtime_dir != NULL ? d->runtime_dir : "");
		return;
	}
	if (!ask_tree(d, "health", &reply)) {
		doctor_say(d, "tree", DOCTOR_ERROR, "banyan tree",
		    "it is there and does not tell how it is");
		return;
	}
	doctor_say(d, "tree", DOCTOR_OK, NULL, "answers in %s", d->runtime_dir);
	say_checks(d, show_map(reply.result, "checks"));
	request_finish(&reply);
}

/* --- the page --- */

static const char *
word_of(enum doctor_status status)
{
	static const char *const words[] = {"ok", "warning", "error"};

	return words[status];
}

static void
print_json(const struct doctor *d, enum doctor_status worst)
{
	struct buffer bytes;
	struct packer p;

	buffer_init(&bytes, 1 << 20);
	pack_init(&p, &bytes);
	pack_map(&p, 2);
	pack_field_string(&p, "status", word_of(worst));
	pack_string(&p, "checks");
	pack_array(&p, d->count);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct doctor_line *line = &d->line[i];

		pack_map(&p, 4);
		pack_field_string(&p, "name", line->name);
		pack_field_string(&p, "status", word_of(line->status));
		pack_string(&p, "message");
		pack_text(&p, line->message);
		pack_string(&p, "advice");
		pack_text(&p, line->advice);
	}
	if (pack_finish(&p) == OK)
		show_json(buffer_text(&bytes));
	buffer_finish(&bytes);
}

static void
print_lines(const struct doctor *d)
{
	static const char *const glyphs[] = {"✓", "⚠", "✗"};
	static const enum colour colours[] = {GREEN, YELLOW, RED};
	struct buffer page;
	struct view v = {.out = &page,
	    .arena = d->arena,
	    .has_colour = d->cli->wants_colour};

	buffer_init(&page, 1 << 20);
	for (uint32_t i = 0; i < d->count; i++) {
		const struct doctor_line *line = &d->line[i];

		view_paint(
		    &v, colours[line->status], "%s", glyphs[line->status]);
		view_print(&v, " %-23s", line->name);
		view_text(&v, line->message);
		view_print(&v, "\n");
		if (line->advice.len > 0) {
			view_print(&v, "  %-23s→ ", "");
			view_text(&v, line->advice);
			view_print(&v, "\n");
		}
	}
	(void)output_write(buffer_at(&page), buffer_used(&page));
	buffer_finish(&page);
}

enum cli_exit
local_doctor(struct cli *cli)
{
	struct doctor *d = ARENA_NEW(&cli->arena, struct doctor);
	enum doctor_status worst = DOCTOR_OK;
	char *folder = arena_alloc(&cli->arena, ENDPOINT_RUNTIME_DIR + 1);

	if (cli->argc > 1) {
		cli_complain("usage: banyan doctor [FILE]",
		    "not understood: %s", cli->argv[1]);
		return CLI_USAGE;
	}
	*d = (struct doctor){.cli = cli, .arena = &cli->arena};
	d->libexec_dir = libexec_of(d);
	if (endpoint_runtime_dir(
		cli->runtime_dir, NULL, folder, ENDPOINT_RUNTIME_DIR + 1) == OK)
		d->runtime_dir = folder;
	const char *file = meet_tree(d);
	read_settings(d, cli->argc > 0 ? cli->argv[0] : file);
	doctor_machine(d);
	ask_health(d);
	for (uint32_t i = 0; i < d->count; i++)
		if (d->line[i].status > worst)
			worst = d->line[i].status;
	if (cli->wants_json)
		print_json(d, worst);
	else
		print_lines(d);
	settings_close(&d->settings);
	return worst == DOCTOR_ERROR ? CLI_DEGRADED : CLI_OK;
}
