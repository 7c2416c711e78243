// SPDX-License-Identifier: MIT
/*
 * settings - reads the YAML file for those who must not: banyand at its start,
 * the supervisor at a reload. usage: settings FILE [SECTION.KEY=VALUE]…
 *
 * The sealed memfd goes to whoever holds the other end of FD_PARENT; what is
 * wrong with the file goes to standard error, its first line as a farewell to
 * the same place, with exit 78. ENV_GENERATION numbers what is read.
 */

#include <stdio.h>
#include <stdlib.h>

#include "protocol/base/fd.h"
#include "protocol/handover.h"
#include "protocol/settings_read.h"

static void
tell(const struct settings_problems *problems, const char *file)
{
	char line[SETTINGS_PROBLEM_TEXT + 4096];

	for (uint32_t i = 0; i < problems->count && i < SETTINGS_PROBLEMS;
	     i++) {
		settings_problem_line(
		    &problems->at[i], file, line, sizeof(line));
		fprintf(stderr, "%s\n", line);
	}
	if (problems->count > SETTINGS_PROBLEMS)
		fprintf(stderr, "%s: and %u more\n", file,
		    problems->count - SETTINGS_PROBLEMS);
}

/* say_farewell: one line for `banyan reload` and the log, if anybody listens.
 */
static void
say_farewell(const struct settings_problems *problems, const char *file)
{
	struct handover_record record;
	char line[HANDOVER_TEXT];

	settings_problem_line(&problems->at[0], file, line, sizeof(line));
	if (problems->count > 1)
		handover_fill(&record, HANDOVER_FAREWELL,
		    "%.400s (and %u more)", line, problems->count - 1);
	else
		handover_fill(&record, HANDOVER_FAREWELL, "%s", line);
	/* started by hand there is no parent; standard error has it all */
	(void)!handover_send(FD_PARENT, &record, -1);
}

static enum err
hand_over(int fd)
{
	struct handover_record record;

	handover_fill(&record, HANDOVER_SETTINGS_READ, NULL);
	return handover_send(FD_PARENT, &record, fd);
}

int
main(int argc, char **argv)
{
	static struct settings_problems problems;
	const char *generation = getenv(ENV_GENERATION);
	struct settings_request request = {.file = argv[1],
	    .overrides = (const char *const *)(argv + 2),
	    .override_count = argc > 2 ? (size_t)argc - 2 : 0};
	enum err err;
	int fd;

	if (argc < 2) {
		fprintf(
		    stderr, "usage: settings FILE [SECTION.KEY=VALUE]...\n");
		return 64;
	}
	if (generation != NULL)
		request.generation = strtoull(generation, NULL, 10);
	err = settings_read(&request, &fd, &problems);
	if (err == ERR_MALFORMED) {
		tell(&problems, request.file);
		say_farewell(&problems, request.file);
		return EXIT_SETTINGS;
	}
	if (err != OK) {
		perror("settings: no memory file for the settings");
		return EXIT_SYSTEM;
	}
	if (hand_over(fd) != OK) {
		perror("settings: nobody takes the settings");
		return EXIT_SYSTEM;
	}
	fd_close(&fd);
	return EXIT_ASKED;
}
