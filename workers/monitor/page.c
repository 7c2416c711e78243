// SPDX-License-Identifier: MIT
#include "workers/monitor/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/unpack.h"

enum {
	PLAIN_MOST_BYTES = 16 << 20,
	MESSAGE_BYTES = 512
};

void
page_init(struct page *page, struct monitor *monitor, struct arena *arena,
    struct packer *out, struct text args)
{
	*page = (struct page){
	    .monitor = monitor, .arena = arena, .out = out, .args = args};
	if (args.len == 0)
		page->args = TEXT("\x80");
}

enum page_status
page_run(struct page *page, page_handler *handler)
{
	enum page_status status = handler(page);

	INVARIANT((status == PAGE_PARKED) == page->is_parked);
	return status;
}

void
page_close(struct page *page)
{
	if (page->plain != NULL)
		buffer_finish(page->plain);
	page->plain = NULL;
}

/* --- parameters --- */

/* find: nil is as good as absent. */
static enum err
find(struct text map, const char *key, struct text *to)
{
	struct unpacker u;
	struct text value;
	enum err e = unpack_map_find(map, text_of(key), &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	if (unpack_peek(&u) == PACK_NIL)
		return ERR_NOT_FOUND;
	*to = value;
	return OK;
}

enum err
page_value(const struct page *page, const char *key, struct text *to)
{
	if (find(page->args, key, to) == OK)
		return OK;
	if (page->body.len > 0 && find(page->body, key, to) == OK)
		return OK;
	return ERR_MISSING;
}

enum err
page_text(const struct page *page, const char *key, struct text *to)
{
	struct text value;
	struct unpacker u;
	enum err e = page_value(page, key, &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	return unpack_text(&u, to) == OK ? OK : ERR_TYPE;
}

enum err
page_u64(const struct page *page, const char *key, uint64_t *to)
{
	struct text value;
	struct text digits;
	struct unpacker u;
	enum err e = page_value(page, key, &value);

	if (e != OK)
		return e;
	unpack_init(&u, value);
	if (unpack_text(&u, &digits) == OK)
		return text_to_u64(digits, to) == OK ? OK : ERR_TYPE;
	return unpack_u64(&u, to) == OK ? OK : ERR_TYPE;
}

enum err
page_u64_in(struct page *page, const char *key, uint64_t least, uint64_t most,
    uint64_t *to)
{
	uint64_t value = 0;
	enum err e = page_u64(page, key, &value);

	if (e == ERR_MISSING)
		return OK;
	if (e == OK && value >= least && value <= most) {
		*to = value;
		return OK;
	}
	page_fail(page, PAGE_BAD, "%s must be a whole number of %llu to %llu",
	    key, (unsigned long long)least, (unsigned long long)most);
	return e == OK ? ERR_RANGE : e;
}

/* --- media types --- */

static struct text
trimmed(struct text t)
{
	while (t.len > 0 && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

bool
page_wants(const struct page *page, const char *media_type)
{
	struct text rest = page->accept;
	size_t len = strlen(media_type);

	while (rest.len > 0) {
		int64_t comma = text_find(rest, ',');
		struct text item = rest;

		if (comma >= 0)
			item.len = (uint32_t)comma;
		rest.at += item.len + (comma >= 0);
		rest.len -= item.len + (comma >= 0);
		int64_t semicolon = text_find(item, ';');
		if (semicolon >= 0)
			item.len = (uint32_t)semicolon;
		item = trimmed(item);
		if (item.len == len &&
		    strncasecmp(item.at, media_type, len) == 0)
			return true;
	}
	return false;
}

/* --- the answer --- */

struct buffer *
page_plain(struct page *page, const char *content_type)
{
	if (page->plain == NULL) {
		page->plain = ARENA_NEW(page->arena, struct buffer);
		buffer_init(page->plain, PLAIN_MOST_BYTES);
	}
	page->content_type = content_type;
	return page->plain;
}

enum page_status
page_fail(struct page *page, enum page_status status, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	page->message = arena_text(page->arena, text_of(message));
	return status;
}

enum page_status
page_park(struct page *page)
{
	page->is_parked = true;
	return PAGE_PARKED;
}

void
page_finish(struct page *page, enum page_status status)
{
	INVARIANT(page->is_parked && status != PAGE_PARKED);
	page->is_parked = false;
	page->finished(page, status);
}
