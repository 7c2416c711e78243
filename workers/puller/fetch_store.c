// SPDX-License-Identifier: MIT
/* fetch_store - from a service's answer to a question for config_db. */

#include "workers/puller/puller.h"

#include "protocol/events.h"
#include "protocol/inspect.h"
#include "protocol/pack.h"
#include "protocol/unpack.h"

enum {
	STORE_MS = 30000,      /* config_db may wait for a slow disk */
	BATCH_BYTES = 4 << 20, /* what config_db's endpoint takes */
	REASON_BYTES = 512
};

/* functions_in: the answer is the list, or a map that has it. */
bool
fetch_functions_in(struct text value, struct text *list)
{
	struct unpacker u;

	if (unpack_map_find(value, TEXT("functions"), list) != OK)
		*list = value;
	unpack_init(&u, *list);
	return unpack_peek(&u) == PACK_ARRAY;
}

/* target_is_listed: does the service's own list have module and function? */
static bool
target_is_listed(struct text targets, struct text function)
{
	struct text mfa, module = {0}, name = {0}, one[2];
	struct unpacker u;
	uint32_t count, pair;

	if (unpack_map_find(function, TEXT("mfa"), &mfa) != OK ||
	    unpack_field_text(mfa, "module", &module) != OK ||
	    unpack_field_text(mfa, "function", &name) != OK)
		return true; /* the gate has better words for it */
	unpack_init(&u, targets);
	if (unpack_array(&u, &count) != OK)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_array(&u, &pair) != OK || pair != 2 ||
		    unpack_text(&u, &one[0]) != OK ||
		    unpack_text(&u, &one[1]) != OK)
			return false;
		if (text_eq(one[0], module) && text_eq(one[1], name))
			return true;
	}
	return false;
}

/* recorded: whether the record was kept changes nothing for the fetch. */
static void
recorded(void *ctx, const struct ask_reply *reply)
{
	(void)ctx;
	(void)reply;
}

/* record_unlisted tells config_db of a target its service does not have. */
static void
record_unlisted(struct service *s, struct text function)
{
	struct text request_type = {0}, mfa, module = {0};
	struct buffer args;
	struct packer p;
	char memory[REASON_BYTES];
	struct inspect line;

	if (unpack_field_text(function, "request_type", &request_type) != OK)
		request_type = TEXT("");
	if (unpack_map_find(function, TEXT("mfa"), &mfa) != OK ||
	    unpack_field_text(mfa, "module", &module) != OK)
		module = TEXT("");
	inspect_init(&line, memory, sizeof(memory));
	inspect_format(&line, "module %q not loaded on node %q", &module,
	    &fetch_source(s)->name);
	buffer_init(&args, 4 * REASON_BYTES);
	pack_init(&p, &args);
	pack_map(&p, 5);
	pack_string(&p, "source");
	pack_string(&p, "pull");
	pack_string(&p, "service");
	pack_text(&p, s->name);
	pack_string(&p, "request_type");
	pack_text(&p, request_type);
	pack_string(&p, "node");
	pack_text(&p, fetch_source(s)->name);
	pack_string(&p, "reasons");
	pack_array(&p, 1);
	pack_text(&p, (struct text){memory, (uint32_t)line.len});
	const struct ask_question question = {
	    .role = ROLE_config_db,
	    .op = "failed",
	    .args = buffer_text(&args),
	    .deadline_ms = STORE_MS,
	    .done = recorded,
	};

	if (pack_finish(&p) == OK)
		ask(s->puller->worker, &question);
	buffer_finish(&args);
}

static void
stored(void *ctx, const struct ask_reply *reply)
{
	struct service *s = ctx;
	bool is_kept = reply->err == OK && reply->is_ok;
	uint64_t renamed = 0;

	s->ask = NULL;
	if (!is_kept)
		fetch_keep_error(s, "%q: config_db: %r",
		    reply->message.len > 0 ? reply->message
					   : text_of(err_name(reply->err)));
	else if (unpack_field_u64(reply->result, "renamed", &renamed) == OK &&
	    renamed > 0)
		event_note(EVENT_service_renamed,
		    "service=\"%.*s\" functions=%llu", TEXT_ARG(s->name),
		    (unsigned long long)renamed);
	fetch_step(s, pull_stored(&s->pull, is_kept));
}

/* keep_names remembers the request types for `services list`. */
static void
keep_names(struct service *s, struct text functions)
{
	struct text function, name;
	struct unpacker u;
	struct packer p;
	uint32_t count = 0, kept = 0;

	buffer_truncate(&s->names, 0);
	pack_init(&p, &s->names);
	size_t place = pack_open(&p);

	unpack_init(&u, functions);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_raw(&u, &function) != OK)
			break;
		if (unpack_field_text(function, "request_type", &name) != OK)
			continue;
		pack_text(&p, name);
		kept++;
	}
	pack_close_array(&p, place, kept);
}

/* pack_functions writes those whose target the service says it has. */
static void
pack_functions(struct service *s, struct packer *p, struct text value)
{
	struct text list, function, targets;
	struct unpacker u;
	uint32_t count = 0, kept = 0;
	bool has_targets =
	    unpack_map_find(value, TEXT("targets"), &targets) == OK;
	size_t place = pack_open(p);

	if (!fetch_functions_in(value, &list))
		return;
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_raw(&u, &function) != OK)
			break;
		if (has_targets && !target_is_listed(targets, function)) {
			record_unlisted(s, function);
			continue;
		}
		pack_raw(p, function);
		kept++;
	}
	pack_close_array(p, place, kept);
}

void
fetch_store(struct service *s, struct text value)
{
	struct buffer args;
	struct packer p;
	struct text list;

	buffer_init(&args, BATCH_BYTES - 1024);
	pack_init(&p, &args);
	pack_map(&p, 5);
	pack_string(&p, "source");
	pack_string(&p, "pull");
	pack_string(&p, "service");
	pack_text(&p, s->name);
	pack_string(&p, "node");
	pack_text(&p, fetch_source(s)->name);
	pack_string(&p, "nodes");
	pack_raw(&p, s->node_names);
	pack_string(&p, "functions");
	pack_functions(s, &p, value);
	const struct ask_question question = {
	    .role = ROLE_config_db,
	    .op = "batch_add",
	    .args = buffer_text(&args),
	    .deadline_ms = STORE_MS,
	    .done = stored,
	    .ctx = s,
	};

	if (pack_finish(&p) == OK) {
		if (fetch_functions_in(value, &list))
			keep_names(s, list);
		s->ask = ask(s->puller->worker, &question);
	} else {
		fetch_keep_error(s, "%q: %r",
		    TEXT("its functions are larger than 4 MiB together"));
		fetch_step(s, pull_stored(&s->pull, false));
	}
	buffer_finish(&args);
}
