// SPDX-License-Identifier: MIT
/* check - reads a settings file as banyand would and says what is wrong. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/fd.h"
#include "protocol/pack.h"
#include "protocol/settings_read.h"
#include "supervisor/cli/local.h"
#include "supervisor/cli/options.h"
#include "supervisor/cli/show.h"

enum {
	DEADLINE_S = 5 /* as banyand gives its reader */
};

/* too_long ends a file that keeps libyaml busy: 200 KB of `[` would. */
static void
too_long(int number)
{
	static const char text[] =
	    "banyan: the file takes longer than 5 s to read\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	(void)number;
	_exit(CLI_SETTINGS);
}

static void
print_problems(const char *file, const struct settings_problems *problems)
{
	char line[SETTINGS_PROBLEM_TEXT + 512];
	uint32_t kept = problems->count < SETTINGS_PROBLEMS ? problems->count
							    : SETTINGS_PROBLEMS;

	for (uint32_t i = 0; i < kept; i++) {
		settings_problem_line(
		    &problems->at[i], file, line, sizeof(line));
		fprintf(stderr, "%s\n", line);
	}
	if (problems->count > kept)
		fprintf(stderr, "… and %u more\n", problems->count - kept);
}

/* print_json is the whole verdict, for programs. */
static void
print_json(const char *file, const struct settings_problems *problems)
{
	uint32_t kept = problems->count < SETTINGS_PROBLEMS ? problems->count
							    : SETTINGS_PROBLEMS;
	struct buffer bytes;
	struct packer p;

	buffer_init(&bytes, 64 << 10);
	pack_init(&p, &bytes);
	pack_map(&p, 4);
	pack_string(&p, "ok");
	pack_bool(&p, false);
	pack_string(&p, "file");
	pack_string(&p, file);
	pack_string(&p, "count");
	pack_u64(&p, problems->count);
	pack_string(&p, "problems");
	pack_array(&p, kept);
	for (uint32_t i = 0; i < kept; i++) {
		pack_map(&p, 3);
		pack_string(&p, "line");
		pack_u64(&p, problems->at[i].line);
		pack_string(&p, "column");
		pack_u64(&p, problems->at[i].column);
		pack_string(&p, "text");
		pack_string(&p, problems->at[i].text);
	}
	if (pack_finish(&p) == OK)
		show_json(buffer_text(&bytes));
	buffer_finish(&bytes);
}

enum cli_exit
local_check(struct cli *cli)
{
	static struct settings_problems problems;
	struct buffer args;
	int fd = -1;

	buffer_init(&args, 64 << 10);
	enum cli_exit code = options_pack(cli, &args);
	buffer_finish(&args);
	if (code != CLI_OK)
		return code;
	const char *file = cli->argv[0];
	signal(SIGALRM, too_long);
	alarm(DEADLINE_S);
	enum err e = settings_read(
	    &(struct settings_request){.file = file}, &fd, &problems);
	alarm(0);
	fd_close(&fd);
	if (e != OK) {
		print_problems(file, &problems);
		if (cli->wants_json)
			print_json(file, &problems);
		if (problems.count == 0)
			cli_complain(NULL, "%s cannot be read", file);
		return CLI_SETTINGS;
	}
	if (cli->wants_json)
		puts("{\"ok\":true}");
	else
		printf("%s: good\n", file);
	return CLI_OK;
}
