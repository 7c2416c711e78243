// SPDX-License-Identifier: MIT
/* commands - what operators may ask of the puller. */

#include "protocol/pack.h"
#include "workers/puller/puller.h"

static void
pack_sources(struct packer *out, const struct service *s)
{
	pack_string(out, "nodes");
	pack_array(out, s->pull.node_count);
	for (uint32_t i = 0; i < s->pull.node_count; i++) {
		const struct source *source = &s->sources[i];
		bool is_live = source->link != NULL &&
		    link_client_state(source->link) == LINK_LIVE;

		pack_map(out, 3);
		pack_string(out, "name");
		pack_text(out, source->name);
		pack_string(out, "url");
		pack_text(out, source->url);
		pack_string(out, "live");
		pack_bool(out, is_live);
	}
}

static const char *
state_of(const struct service *s)
{
	if (s->failures > 0)
		return s->was_seen ? "failing" : "never_seen";
	return s->was_seen ? "up" : "new";
}

static void
pack_service(struct packer *out, const struct service *s, uint64_t now_ms)
{
	pack_map(out, 8);
	pack_string(out, "service");
	pack_text(out, s->name);
	pack_string(out, "state");
	pack_string(out, state_of(s));
	pack_sources(out, s);
	pack_string(out, "version");
	if (s->pull.stored.len > 0)
		pack_raw(out,
		    (struct text){(const char *)s->pull.stored.bytes,
			s->pull.stored.len});
	else
		pack_nil(out);
	pack_string(out, "functions");
	if (buffer_used(&s->names) > 0)
		pack_raw(out, buffer_text(&s->names));
	else
		pack_nil(out);
	pack_string(out, "failures");
	pack_u64(out, s->failures);
	pack_string(out, "last_error");
	if (s->error[0] != '\0')
		pack_string(out, s->error);
	else
		pack_nil(out);
	pack_string(out, "pulled_ms_ago");
	if (s->pulled_ms > 0)
		pack_u64(out, now_ms - s->pulled_ms);
	else
		pack_nil(out);
}

void
puller_cmd_services_list(struct worker *w, struct command *command)
{
	const struct puller *p = worker_state(w);
	uint64_t now_ms = loop_now_ms(worker_loop(w));

	pack_array(command->result, p->service_count);
	for (uint32_t i = 0; i < p->service_count; i++)
		pack_service(command->result, &p->services[i], now_ms);
}

/* want marks one service, or all; how many. A fetch under way goes on and is
 * followed by another. */
static uint32_t
want(struct puller *p, const struct text *name, bool is_forced)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->service_count; i++) {
		struct service *s = &p->services[i];

		if (name != NULL && !text_eq(s->name, *name))
			continue;
		if (is_forced)
			pull_forget(&s->pull);
		s->is_wanted = true;
		count++;
	}
	return count;
}

static void
pull_by_hand(struct worker *w, struct command *command, bool is_forced)
{
	struct puller *p = worker_state(w);
	struct text name;
	bool has_name = command_text(command, "service", &name) == OK;
	uint32_t count = want(p, has_name ? &name : NULL, is_forced);

	if (has_name && count == 0) {
		command_fail(command, CLASS_NOT_FOUND,
		    "`banyan services list` shows what there is",
		    "no such service");
		return;
	}
	if (!has_name)
		schedule_now(&p->schedule, loop_now_ms(worker_loop(w)));
	puller_wake(p);
	pack_map(command->result, 1);
	pack_string(command->result, "services");
	pack_u64(command->result, count);
}

void
puller_cmd_services_pull(struct worker *w, struct command *command)
{
	pull_by_hand(w, command, false);
}

void
puller_cmd_services_force_pull(struct worker *w, struct command *command)
{
	pull_by_hand(w, command, true);
}
