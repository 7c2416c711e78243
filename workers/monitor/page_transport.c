// SPDX-License-Identifier: MIT
/* page_transport - every address the tree listens at, with its real port. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/fd.h"
#include "protocol/json.h"
#include "workers/kit/worker.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"

enum {
	FILE_BYTES = 16 << 10,
	SOCKETS_MOST = 256,
};

struct place {
	struct text type, protocol, host, url;
	uint64_t port; /* 0: has none */
};

/* split takes "ws://127.0.0.1:4000/socket" or "ipc:///run/x.ipc" apart. */
static bool
split(struct text url, struct place *to)
{
	const char *at = memmem(url.at, url.len, "://", 3);
	struct text rest;
	const char *end, *colon;

	if (at == NULL)
		return false;
	*to = (struct place){
	    .url = url, .protocol = {url.at, (uint32_t)(at - url.at)}};
	rest = (struct text){at + 3, (uint32_t)(url.at + url.len - at - 3)};
	to->host = rest;
	if (text_is(to->protocol, "ipc"))
		return true;
	end = memchr(rest.at, '/', rest.len);
	if (end != NULL)
		rest.len = (uint32_t)(end - rest.at);
	colon = memrchr(rest.at, ':', rest.len);
	if (colon == NULL ||
	    text_to_u64((struct text){colon + 1,
			    (uint32_t)(rest.at + rest.len - colon - 1)},
		&to->port) != OK)
		return false;
	to->host = (struct text){rest.at, (uint32_t)(colon - rest.at)};
	return true;
}

static void
pack_place(struct packer *out, const struct place *p)
{
	pack_map(out, 5);
	pack_string(out, "connection_type");
	pack_text(out, p->type);
	pack_string(out, "protocol");
	pack_text(out, p->protocol);
	pack_string(out, "host");
	pack_text(out, p->host);
	pack_string(out, "port");
	if (p->port != 0)
		pack_u64(out, p->port);
	else
		pack_nil(out); /* a path has none */
	pack_string(out, "endpoint");
	pack_text(out, p->url);
}

/* pack_named tells what endpoints.json names. */
static uint32_t
pack_named(struct page *page, struct text endpoints)
{
	struct unpacker u;
	uint32_t count, packed = 0;

	unpack_init(&u, endpoints);
	if (unpack_map(&u, &count) != OK)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		struct text type, url;
		struct place place;

		if (unpack_text(&u, &type) != OK || unpack_text(&u, &url) != OK)
			break;
		if (!split(url, &place))
			continue;
		place.type = type;
		pack_place(page->out, &place);
		packed++;
	}
	return packed;
}

static bool
is_named(struct text endpoints, struct text url)
{
	return memmem(endpoints.at, endpoints.len, url.at, url.len) != NULL;
}

/* name_of: `telemetry.ipc` is telemetry, `relay.link` stays. */
static struct text
name_of(struct page *page, const char *file)
{
	struct text name = arena_text(page->arena, text_of(file));

	if (name.len > 4 && strcmp(file + name.len - 4, ".ipc") == 0)
		name.len -= 4;
	return name;
}

/* pack_others tells the sockets of the run folder that are in no list. */
static uint32_t
pack_others(struct page *page, struct text endpoints)
{
	const char *folder = worker_runtime_dir(page->monitor->worker);
	DIR *dir = opendir(folder);
	uint32_t packed = 0;
	struct stat at;

	for (struct dirent *entry; dir != NULL && packed < SOCKETS_MOST &&
	     (entry = readdir(dir)) != NULL;) {
		struct text path =
		    arena_printf(page->arena, "%s/%s", folder, entry->d_name);
		struct text url =
		    arena_printf(page->arena, "ipc://%.*s", TEXT_ARG(path));
		struct place place;

		if (stat(path.at, &at) < 0 || !S_ISSOCK(at.st_mode) ||
		    is_named(endpoints, url) || !split(url, &place))
			continue;
		place.type = name_of(page, entry->d_name);
		pack_place(page->out, &place);
		packed++;
	}
	if (dir != NULL)
		closedir(dir);
	return packed;
}

struct text
page_transport_url(struct page *page, const char *name)
{
	struct text path = arena_printf(page->arena, "%s/endpoints.json",
	    worker_runtime_dir(page->monitor->worker));
	char *json = arena_alloc(page->arena, FILE_BYTES);
	struct json_error error;
	struct buffer packed;
	struct text url = TEXT("");
	size_t bytes;

	if (fd_read_file(path.at, json, FILE_BYTES, &bytes) != OK)
		return url;
	buffer_init(&packed, FILE_BYTES);
	if (json_to_pack((struct text){json, (uint32_t)bytes}, &packed,
		JSON_LIMITS, &error) == OK &&
	    unpack_field_text(buffer_text(&packed), name, &url) == OK)
		url = arena_text(page->arena, url);
	else
		url = TEXT("");
	buffer_finish(&packed);
	return url;
}

uint64_t
page_transport_port(struct page *page, const char *name)
{
	struct text url = page_transport_url(page, name);
	struct place place = {.port = 0};

	return url.len > 0 && split(url, &place) ? place.port : 0;
}

enum page_status
page_transport_endpoints(struct page *page)
{
	struct text path = arena_printf(page->arena, "%s/endpoints.json",
	    worker_runtime_dir(page->monitor->worker));
	char *json = arena_alloc(page->arena, FILE_BYTES);
	struct json_error error;
	struct buffer packed;
	struct stat at;
	size_t bytes, place;
	uint32_t count;

	if (stat(path.at, &at) < 0 ||
	    fd_read_file(path.at, json, FILE_BYTES, &bytes) != OK)
		return page_fail(page, PAGE_UNAVAILABLE,
		    "the tree has not started yet: see /startupz");
	buffer_init(&packed, FILE_BYTES);
	if (json_to_pack((struct text){json, (uint32_t)bytes}, &packed,
		JSON_LIMITS, &error) != OK) {
		buffer_finish(&packed);
		return page_fail(page, PAGE_INTERNAL, "%s is no JSON", path.at);
	}
	pack_map(page->out, 1);
	pack_string(page->out, "transport_endpoints");
	pack_map(page->out, 2);
	pack_string(page->out, "last_updated");
	pack_f64(page->out,
	    (double)at.st_mtim.tv_sec +
		(double)(at.st_mtim.tv_nsec / 1000000) / 1e3);
	pack_string(page->out, "assignments");
	place = pack_open(page->out);
	count = pack_named(page, buffer_text(&packed));
	count += pack_others(page, buffer_text(&packed));
	pack_close_array(page->out, place, count);
	buffer_finish(&packed);
	return PAGE_OK;
}
