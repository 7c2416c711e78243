// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * SIGKILL alone is not "oom": operators and we ourselves send it too. It is
 * where the kernel's own count of victims says so, and where a program exits
 * with 137, which only one that watched another die does.
 */

#include "workers/worker_pool/crash_barrier.h"

#include <signal.h>
#include <stddef.h>
#include <strings.h>

enum {
	BY_SIGNAL = 128
};

/* mentions: the word stands in the text, upper and lower case alike. */
static bool
mentions(struct text text, const char *word, uint32_t len)
{
	for (uint32_t i = 0; i + len <= text.len; i++)
		if (strncasecmp(text.at + i, word, len) == 0)
			return true;
	return false;
}

int
crash_code(const struct crash_facts *facts)
{
	return facts->signal != 0 ? BY_SIGNAL + facts->signal : facts->code;
}

enum crash_class
crash_classify(const struct crash_facts *facts)
{
	int code = crash_code(facts);

	if (facts->is_oom || facts->code == BY_SIGNAL + SIGKILL)
		return CRASH_OOM;
	if (code == BY_SIGNAL + SIGSEGV)
		return CRASH_SEGFAULT;
	if (code == BY_SIGNAL + SIGABRT)
		return CRASH_ABORT;
	if (code == 0)
		return CRASH_NONE;
	if (mentions(facts->last_words, "cuda", 4) ||
	    mentions(facts->last_words, "gpu", 3))
		return CRASH_GPU;
	return CRASH_UNKNOWN;
}

const char *crash_word(enum crash_class class)
{
	static const char *const words[] = {
	    "none", "segfault", "abort", "oom", "gpu", "unknown"};

	return words[class];
}

bool
crash_taints(const struct crash_barrier_spec *spec, enum crash_class class,
    const struct crash_facts *facts)
{
	if (!spec->enabled || class == CRASH_NONE || spec->taint_ms == 0)
		return false;
	for (uint32_t i = 0; i < spec->mark_on.count; i++)
		if (text_is(spec->mark_on.at[i], crash_word(class)))
			return true;
	for (uint32_t i = 0; i < spec->exit_codes.count; i++)
		if ((int64_t)spec->exit_codes.at[i] == crash_code(facts))
			return true;
	return false;
}

bool
crash_retries(const struct crash_barrier_spec *spec, bool is_once,
    uint32_t tries, uint64_t *pause_ms)
{
	uint32_t last = spec->backoff_ms.count - 1;
	uint32_t at = tries > 0 ? tries - 1 : 0;

	if (!spec->enabled || is_once || spec->retry == POOL_RETRY_NEVER ||
	    tries > spec->max_restarts)
		return false;
	*pause_ms = spec->backoff_ms.at[at < last ? at : last];
	return true;
}

/* ---- crashes of late ----------------------------------------------------- */

void
crash_window_init(struct crash_window *w, uint64_t window_ms, uint32_t most)
{
	*w = (struct crash_window){.window_ms = window_ms, .most = most};
}

void
crash_window_add(struct crash_window *w, uint32_t runner, uint64_t now_ms)
{
	w->at_ms[w->next] = now_ms;
	w->runner[w->next] = runner;
	w->next = (w->next + 1) % CRASH_TIMES;
	w->total++;
}

static bool
is_inside(const struct crash_window *w, uint32_t i, uint64_t now_ms)
{
	return w->at_ms[i] != 0 && now_ms - w->at_ms[i] < w->window_ms;
}

uint32_t
crash_window_count(const struct crash_window *w, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CRASH_TIMES; i++)
		count += is_inside(w, i, now_ms);
	return count;
}

uint32_t
crash_window_of(const struct crash_window *w, uint32_t runner, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CRASH_TIMES; i++)
		count += w->runner[i] == runner && is_inside(w, i, now_ms);
	return count;
}

uint32_t
crash_window_runners(const struct crash_window *w, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CRASH_TIMES; i++) {
		uint32_t before = 0;

		while (before < i &&
		    (w->runner[before] != w->runner[i] ||
			!is_inside(w, before, now_ms)))
			before++;
		count += before == i && is_inside(w, i, now_ms);
	}
	return count;
}

bool
crash_window_is_healthy(const struct crash_window *w, uint64_t now_ms)
{
	return crash_window_count(w, now_ms) < w->most;
}
