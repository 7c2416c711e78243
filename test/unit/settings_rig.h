// SPDX-License-Identifier: MIT
#ifndef TEST_UNIT_SETTINGS_RIG_H
#define TEST_UNIT_SETTINGS_RIG_H

/*
 * settings_rig - a text read as a settings file, good or with its first
 * problem.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/settings.h"
#include "protocol/settings_read.h"

static struct settings_problems problems;

static inline struct settings_request
request_of(const char *const *overrides, size_t count)
{
	return (struct settings_request){.file = "test.yaml",
	    .overrides = overrides,
	    .override_count = count,
	    .generation = 7};
}

static inline enum err
read_text(struct text text, int *fd)
{
	struct settings_request request = request_of(NULL, 0);

	return settings_read_text(&request, text, fd, &problems);
}

static inline struct settings *
good_with(const char *yaml, const char *const *overrides, size_t count)
{
	struct settings_request request = request_of(overrides, count);
	struct settings *s;
	int fd;

	if (settings_read_text(&request, text_of(yaml), &fd, &problems) != OK)
		fail_msg(
		    "line %u: %s", problems.at[0].line, problems.at[0].text);
	assert_int_equal(settings_open(fd, &s), OK);
	close(fd);
	return s;
}

static inline struct settings *
good(const char *yaml)
{
	return good_with(yaml, NULL, 0);
}

/* bad expects the first problem at a place, with these words in it. */
static inline void
bad(const char *yaml, uint32_t line, uint32_t column, const char *words)
{
	int fd;

	assert_int_equal(read_text(text_of(yaml), &fd), ERR_MALFORMED);
	assert_int_equal(fd, -1);
	if (strstr(problems.at[0].text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, problems.at[0].text);
	assert_int_equal(problems.at[0].line, line);
	assert_int_equal(problems.at[0].column, column);
}

#endif /* TEST_UNIT_SETTINGS_RIG_H */
