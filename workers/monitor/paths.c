// SPDX-License-Identifier: MIT
#include "workers/monitor/paths.h"

#include <stdio.h>
#include <string.h>

enum {
	MOST_PATHS = 256
};

/* segment_of cuts the bytes before the next slash. */
static struct text
segment_of(struct text t)
{
	int64_t slash = text_find(t, '/');

	if (slash >= 0)
		t.len = (uint32_t)slash;
	return t;
}

bool
path_matches(struct text path, const char *pattern, struct text *id)
{
	struct text wanted = text_of(pattern);
	struct text found = {0};

	while (wanted.len > 0 && path.len > 0) {
		if (wanted.at[0] == '{') {
			struct text name = segment_of(wanted);

			found = segment_of(path);
			if (found.len == 0)
				return false;
			wanted.at += name.len;
			wanted.len -= name.len;
			path.at += found.len;
			path.len -= found.len;
			continue;
		}
		if (wanted.at[0] != path.at[0])
			return false;
		wanted.at++;
		wanted.len--;
		path.at++;
		path.len--;
	}
	if (wanted.len > 0 || path.len > 0)
		return false;
	if (found.len > 0)
		*id = found;
	return true;
}

static bool
is_method(const struct path *row, struct text method)
{
	return text_is(method, row->method) ||
	    (text_is(method, "HEAD") && strcmp(row->method, "GET") == 0);
}

const struct path *
paths_find(const struct path *rows, size_t count, struct text method,
    struct text path, struct text *id, char allowed[PATHS_ALLOWED])
{
	bool takes_get = false, takes_post = false;

	allowed[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		struct text found = {0};

		if (!path_matches(path, rows[i].pattern, &found))
			continue;
		if (is_method(&rows[i], method)) {
			*id = found;
			return &rows[i];
		}
		takes_get = takes_get || strcmp(rows[i].method, "GET") == 0;
		takes_post = takes_post || strcmp(rows[i].method, "POST") == 0;
	}
	if (takes_get || takes_post)
		snprintf(allowed, PATHS_ALLOWED, "%s%sOPTIONS",
		    takes_get ? "GET, HEAD, " : "", takes_post ? "POST, " : "");
	return NULL;
}

const char *
paths_closest(const struct path *rows, size_t count, struct text path)
{
	const char *patterns[MOST_PATHS];
	size_t most = count < MOST_PATHS ? count : MOST_PATHS;

	for (size_t i = 0; i < most; i++)
		patterns[i] = rows[i].pattern;
	int at = text_closest(path, patterns, most);

	return at < 0 ? NULL : patterns[at];
}
