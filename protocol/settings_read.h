// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SETTINGS_READ_H
#define PROTOCOL_SETTINGS_READ_H

/*
 * settings_read - a YAML file becomes the sealed memfd of settings.h, or a
 * list of what is wrong with it.
 *
 * Only the settings program and `banyan check` link it: reading a hostile
 * file may take long and much, so it never runs in a process that must live.
 *
 * Trust:  the file is a stranger's: bounded before it is parsed (4 MiB, depth
 *         32, 50 000 nodes, 100 aliases); what is quoted back is cut and
 *         cleaned.
 * Owner:  the caller owns the descriptor; problems hold copies.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"

enum {
	SETTINGS_FILE_BYTES = 4 << 20,
	SETTINGS_DEPTH = 32,
	SETTINGS_NODES = 50000, /* aliases counted as often as they are used */
	SETTINGS_ALIASES = 100,
	SETTINGS_PROBLEMS = 500, /* kept; the rest is counted */
	SETTINGS_PROBLEM_TEXT = 400,
};

struct settings_problem {
	uint32_t line; /* 1-based; 0: not about a place in the file */
	uint32_t column;
	char text[SETTINGS_PROBLEM_TEXT]; /* `gateway.prot: unknown key; …` */
};

struct settings_problems {
	uint32_t count; /* of all; the first SETTINGS_PROBLEMS are kept */
	struct settings_problem at[SETTINGS_PROBLEMS];
};

struct settings_request {
	const char *file;             /* path; named in messages as given */
	const char *const *overrides; /* "gateway.port=0": beats the file */
	size_t override_count;
	uint64_t generation;
};

/*
 * settings_read gives a sealed memfd (CLOEXEC). ERR_MALFORMED: the file or an
 * override is wrong and `problems` says how; ERR_SYSTEM: no memfd.
 */
enum err settings_read(const struct settings_request *, int *fd,
    struct settings_problems *) MUST_USE;

/* settings_read_text is the same for text in memory (tests, fuzzing). */
enum err settings_read_text(const struct settings_request *, struct text,
    int *fd, struct settings_problems *) MUST_USE;

/* settings_problem_line formats `FILE:LINE:COLUMN: text`. */
void settings_problem_line(
    const struct settings_problem *, const char *file, char *to, size_t size);

#endif /* PROTOCOL_SETTINGS_READ_H */
