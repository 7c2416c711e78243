// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_HOOK_NOTES_H
#define WORKERS_GATEWAY_HOOK_NOTES_H

/*
 * hook_notes - the events of hooks: that one was asked, what it answered, how
 * it failed and in which words.
 *
 * Failures and missing hooks can come with every call, so they are logged
 * within a budget of lines; counters and rings have them all.
 *
 * Trust:  details quote runners of other people's code: cut and escaped.
 * Owner:  no memory.
 */

#include "protocol/base/text.h"
#include "workers/gateway/hook_words.h"

struct call;
struct compiled;
struct gateway;

/* Of the hook that is the call's now (hooked.h). */
void hook_note_start(const struct call *);
void hook_note_stop(struct gateway *, const struct call *, const char *result);
void hook_note_exception(struct gateway *, const struct call *,
    enum hook_failure, struct text detail);

void hook_note_unregistered(struct gateway *, const struct compiled *);

#endif /* WORKERS_GATEWAY_HOOK_NOTES_H */
