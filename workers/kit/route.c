// SPDX-License-Identifier: MIT
#include "workers/kit/route.h"

#include <string.h>

#include "protocol/base/arena.h"
#include "protocol/command.h"
#include "protocol/pack.h"
#include "workers/kit/inside.h"
#include "workers/kit/route_inside.h"

/* is_op: does "noun.verb" (or "noun") spell these two words? */
static bool
is_op(struct text op, const char *noun, const char *verb)
{
	size_t len = strlen(noun);

	if (op.len < len || memcmp(op.at, noun, len) != 0)
		return false;
	if (verb[0] == '\0')
		return op.len == len;
	return op.len == len + 1 + strlen(verb) && op.at[len] == '.' &&
	    memcmp(op.at + len + 1, verb, strlen(verb)) == 0;
}

static const struct command_route *
find_command(const struct worker_spec *spec, struct text op)
{
	for (size_t i = 0; i < spec->command_count; i++)
		if (is_op(op, spec->commands[i].noun, spec->commands[i].verb))
			return &spec->commands[i];
	return NULL;
}

static const struct worker_route *
find_message(const struct worker_spec *spec, struct text op)
{
	for (size_t i = 0; i < spec->route_count; i++)
		if (text_is(op, spec->routes[i].op))
			return &spec->routes[i];
	return NULL;
}

static void
fail_unknown(struct worker *w, struct command *command)
{
	const char *meant = command_closest_op(command->op);
	struct text hint = TEXT("`banyan help` lists the commands");
	uint32_t shown = command->op.len < 64 ? command->op.len : 64;

	if (meant != NULL)
		hint =
		    arena_printf(command->arena, "did you mean `%s`?", meant);
	command_fail(command, CLASS_INVALID, hint.at, "%s knows no op `%.*s`",
	    role_name(w->spec->role), (int)shown, command->op.at);
}

/* is_held_back: the worker's gate has answered it. */
static bool
is_held_back(struct worker *w, struct command *command)
{
	return w->spec->gate != NULL && command_find(command->op) != NULL &&
	    !w->spec->gate(w, command);
}

bool
route_run(struct worker *w, struct command *command)
{
	const struct command_route *known = find_command(w->spec, command->op);
	const struct worker_route *message = NULL;

	if (text_is(command->op, ROUTE_PING)) {
		pack_nil(command->result);
		return true;
	}
	if (known == NULL)
		message = find_message(w->spec, command->op);
	if (message == NULL && is_held_back(w, command))
		return true;
	if (known != NULL)
		known->run(w, command);
	else if (message != NULL)
		message->run(w, command);
	else if (w->spec->unrouted != NULL && command_find(command->op) != NULL)
		w->spec->unrouted(w, command);
	else
		fail_unknown(w, command);
	return message == NULL;
}

/* --- arguments --- */

enum err
command_value(const struct command *command, const char *key, struct text *to)
{
	struct text value;
	struct unpacker u;
	enum err e = unpack_map_find(command->args, text_of(key), &value);

	if (e == ERR_NOT_FOUND)
		return ERR_MISSING;
	if (e != OK)
		return e;
	unpack_init(&u, value);
	if (unpack_peek(&u) == PACK_NIL)
		return ERR_MISSING;
	*to = value;
	return OK;
}

enum err
command_text(const struct command *command, const char *key, struct text *to)
{
	struct text value;
	struct unpacker u;
	enum err e = command_value(command, key, &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	return unpack_text(&u, to);
}

enum err
command_u64(const struct command *command, const char *key, uint64_t *to)
{
	struct text value;
	struct text digits;
	struct unpacker u;
	enum err e = command_value(command, key, &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	if (unpack_text(&u, &digits) == OK)
		return text_to_u64(digits, to) == OK ? OK : ERR_TYPE;
	return unpack_u64(&u, to);
}

enum err
command_bool(const struct command *command, const char *key, bool *to)
{
	struct text value;
	struct unpacker u;
	enum err e = command_value(command, key, &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	return unpack_bool(&u, to);
}
