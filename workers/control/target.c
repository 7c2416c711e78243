// SPDX-License-Identifier: MIT
#include "workers/control/target.h"

#include <stdio.h>
#include <string.h>

#include "protocol/stats_tree.h"
#include "workers/kit/worker.h"

static enum err
parse(struct text word, struct target *target)
{
	int64_t slash = text_find(word, '/');
	uint64_t instance = 0;
	struct text role = word;

	if (slash >= 0) {
		struct text digits = {.at = word.at + slash + 1,
		    .len = word.len - (uint32_t)slash - 1};

		role.len = (uint32_t)slash;
		if (text_to_u64(digits, &instance) != OK || instance == 0 ||
		    instance > 1024)
			return ERR_RANGE;
	}
	target->role = role_by_name(role);
	target->instance = (uint32_t)instance;
	return target->role == ROLE_none ? ERR_NOT_FOUND : OK;
}

static bool
is_in_tree(struct worker *w, const struct target *target)
{
	struct stats_child child;

	/* no child, but an operator may ask what happened to them; orders for
	 * them the supervisor refuses */
	if (target->role == ROLE_supervisor || target->role == ROLE_guard)
		return target->instance == 0;
	for (uint32_t i = STATS_SLOT_FIRST_CHILD; i < STATS_SLOTS; i++)
		if (stats_child_get(worker_stats(w), i, &child) == OK &&
		    child.role == (uint32_t)target->role &&
		    (target->instance == 0 ||
			child.instance == target->instance))
			return true;
	return false;
}

/* suggest finds the role that was probably meant, or NULL. */
static const char *
suggest(struct text word)
{
	const char *names[ROLE_WORKERS_END];
	size_t count = 0;
	int64_t slash = text_find(word, '/');

	if (slash >= 0)
		word.len = (uint32_t)slash;
	for (int role = 1; role < ROLE_WORKERS_END; role++)
		names[count++] = role_name((enum role)role);
	int best = text_closest(word, names, count);
	return best < 0 ? NULL : names[best];
}

bool
target_read(struct worker *w, struct command *command, struct target *target)
{
	struct text word;

	if (command_text(command, "role", &word) != OK || word.len > 64) {
		command_fail(command, CLASS_INVALID,
		    "name one: \"args\":{\"role\":\"gateway/1\"}",
		    "which child?");
		return false;
	}
	if (parse(word, target) == OK && is_in_tree(w, target))
		return true;
	target_fail(command);
	return false;
}

bool
target_is_role(struct command *command)
{
	struct target target;
	struct text word;

	/* what cannot be read is target_read's to refuse */
	return command_text(command, "role", &word) != OK || word.len > 64 ||
	    parse(word, &target) == OK;
}

void
target_fail(struct command *command)
{
	struct text word = {0};
	struct text hint = TEXT("`banyan tree` lists the children");
	enum err e = command_text(command, "role", &word);

	(void)e; /* it was read before */
	const char *meant = suggest(word);
	if (meant != NULL && !text_is(word, meant))
		hint =
		    arena_printf(command->arena, "did you mean `%s`?", meant);
	else if (meant == NULL && text_find(word, '/') >= 0)
		hint = TEXT("`banyan tree` lists the children; the runners "
			    "below worker_pool are replaced by "
			    "`banyan pools recycle POOL N`");
	command_fail(command, CLASS_NOT_FOUND, hint.at,
	    "there is no child `%.*s`", TEXT_ARG(word));
}

void
target_name(const struct target *target, char *to, size_t size)
{
	if (target->instance == 0)
		snprintf(to, size, "%s", role_name(target->role));
	else
		snprintf(to, size, "%s/%u", role_name(target->role),
		    target->instance);
}
