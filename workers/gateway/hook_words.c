// SPDX-License-Identifier: MIT
#include "workers/gateway/hook_words.h"

static const struct {
	const char *kind;
	const char *words;
} failures[] = {
#define H(name, kind, words) {kind, words},
    HOOK_FAILURES(H)
#undef H
};

static const struct text rejected = {.at = "hook rejected: ", .len = 15};

const char *
hook_failure_words(enum hook_failure how)
{
	return failures[how].words;
}

const char *
hook_failure_kind(enum hook_failure how)
{
	return failures[how].kind;
}

enum hook_failure
hook_failure_of(struct text code)
{
	if (text_is(code, "expired"))
		return HOOK_FAILURE_timeout;
	if (text_is(code, "unavailable") || text_is(code, "draining"))
		return HOOK_FAILURE_no_runner;
	return text_is(code, "dispatched_unknown") ? HOOK_FAILURE_lost
						   : HOOK_FAILURE_exception;
}

static struct inspect
begin(struct hook_words *to, struct text head)
{
	struct inspect line;

	inspect_init(&line, to->at, sizeof(to->at));
	inspect_raw(&line, head);
	return line;
}

static struct text
end(const struct inspect *line)
{
	return (struct text){line->at, (uint32_t)line->len};
}

struct text
hook_words_rejected(struct hook_words *to, struct text reason)
{
	struct inspect line = begin(to, rejected);

	inspect_value(&line, reason);
	return end(&line);
}

/* put_trouble writes the detail, where there is one, for our own words. */
static void
put_trouble(struct inspect *line, const struct hook_trouble *t)
{
	inspect_text(line,
	    t->detail.len > 0 ? t->detail : text_of(failures[t->how].words));
}

struct text
hook_words_failed(struct hook_words *to, const struct hook_trouble *t)
{
	struct inspect line = begin(to, rejected);

	if (t->how == HOOK_FAILURE_timeout)
		inspect_format(
		    &line, "\"hook timed out after %ums\"", t->timeout_ms);
	else
		put_trouble(&line, t);
	return end(&line);
}

struct text
hook_words_encoding(struct hook_words *to, const struct hook_trouble *t)
{
	struct inspect line = begin(to, TEXT("result encoding failed: "));

	if (t->how == HOOK_FAILURE_timeout)
		inspect_format(
		    &line, "\"timed out after %ums\"", t->timeout_ms);
	else
		put_trouble(&line, t);
	return end(&line);
}
