// SPDX-License-Identifier: MIT
#include "workers/puller/puller.h"

#include <string.h>

#include "protocol/pack.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"

enum {
	NAMES_BYTES = 1 << 20
};

/* field_of gives a text field of a settings item; all fields are there. */
static struct text
field_of(struct arena *arena, struct text item, const char *key)
{
	struct text value = {0};

	if (unpack_field_text(item, key, &value) != OK)
		return (struct text){0};
	return arena_text(arena, value);
}

static struct text
span_of(struct arena *arena, struct text item, const char *key)
{
	struct text value;

	if (unpack_map_find(item, text_of(key), &value) != OK)
		return TEXT("\x90"); /* [] */
	return arena_text(arena, value);
}

static bool
is_url(struct text name)
{
	for (uint32_t i = 0; i + 3 <= name.len; i++)
		if (memcmp(name.at + i, "://", 3) == 0)
			return true;
	return false;
}

/* url_of finds a node's URL: itself, or what `nodes:` says of the name. */
static struct text
url_of(struct arena *arena, const struct settings *settings, struct text name)
{
	struct text nodes = settings_list(settings, SETTING_nodes), item, its;
	struct unpacker u;
	uint32_t count = 0;

	if (is_url(name))
		return name;
	unpack_init(&u, nodes);
	if (unpack_array(&u, &count) != OK)
		return (struct text){0};
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_raw(&u, &item) != OK)
			break;
		if (unpack_field_text(item, "name", &its) == OK &&
		    text_eq(its, name))
			return field_of(arena, item, "url");
	}
	return (struct text){0};
}

static void
read_sources(struct service *s, const struct settings *settings)
{
	struct arena *arena = &s->puller->arena;
	struct unpacker u;
	struct text name;
	uint32_t count = 0;

	unpack_init(&u, s->node_names);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	s->sources = ARENA_ARRAY(arena, struct source, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		if (unpack_text(&u, &name) != OK)
			break;
		s->sources[i] = (struct source){
		    .service = s,
		    .name = name,
		    .url = url_of(arena, settings, name),
		};
	}
	s->pull.node_count = count;
}

static void
read_service(struct service *s, struct text item, const struct settings *set)
{
	struct arena *arena = &s->puller->arena;

	s->name = field_of(arena, item, "service");
	s->config.module = field_of(arena, item, "module");
	s->config.function = field_of(arena, item, "function");
	s->config.args = span_of(arena, item, "args");
	s->version.module = field_of(arena, item, "version_module");
	s->version.function = field_of(arena, item, "version_function");
	s->version.args = span_of(arena, item, "version_args");
	s->node_names = span_of(arena, item, "nodes");
	s->pull.checks_version = s->version.function.len > 0;
	buffer_init(&s->names, NAMES_BYTES);
	read_sources(s, set);
}

/* inherit takes over what an earlier reading had learned of the service. */
static void
inherit(struct service *s, struct service *olds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct service *old = &olds[i];

		if (!text_eq(old->name, s->name))
			continue;
		s->pull.stored = old->pull.stored;
		s->was_seen = old->was_seen;
		s->pulled_ms = old->pulled_ms;
		s->failures = old->failures;
		memcpy(s->error, old->error, sizeof(s->error));
		buffer_finish(&s->names);
		s->names = old->names;
		buffer_init(&old->names, NAMES_BYTES);
		return;
	}
}

static void
close_all(struct service *services, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct service *s = &services[i];

		fetch_cancel(s);
		for (uint32_t n = 0; n < s->pull.node_count; n++) {
			link_client_destroy(&s->sources[n].link);
			link_client_destroy(&s->sources[n].old);
		}
		buffer_finish(&s->names);
	}
}

void
services_read(struct puller *p, const struct settings *settings)
{
	struct text list = settings_list(settings, SETTING_services), item;
	struct service *olds = p->services;
	uint32_t old_count = p->service_count, count = 0;
	struct arena old_arena = p->arena;
	struct unpacker u;

	arena_init(&p->arena);
	unpack_init(&u, list);
	if (unpack_array(&u, &count) != OK)
		count = 0;
	p->services = ARENA_ARRAY(&p->arena, struct service, count + 1);
	p->service_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct service *s = &p->services[i];

		if (unpack_raw(&u, &item) != OK)
			break;
		s->puller = p;
		read_service(s, item, settings);
		inherit(s, olds, old_count);
		p->service_count++;
	}
	close_all(olds, old_count);
	arena_finish(&old_arena);
}

void
services_forget(struct puller *p)
{
	close_all(p->services, p->service_count);
	arena_finish(&p->arena);
	p->services = NULL;
	p->service_count = 0;
}
