// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * worker_pool answers: the same functions make `banyan pools inspect`. A page
 * here is one section of that answer, so both always say the same.
 */

#include <string.h>

#include "workers/monitor/page_ask.h"
#include "workers/monitor/pages.h"

enum {
	ARGS_BYTES = 1024
};

/* The figures of a pool that GET /pools/{id} shows; the rest are sections. */
static const char *const figures[] = {"pool_name", "profile", "worker_count",
    "capacity_total", "capacity_used", "capacity_available",
    "utilization_percent", "memory_recycles", "workers"};

static void
pack_pool(struct packer *out, struct text pool)
{
	struct text value;

	pack_map(out, COUNT_OF(figures));
	for (size_t i = 0; i < COUNT_OF(figures); i++) {
		pack_string(out, figures[i]);
		if (unpack_map_find(pool, text_of(figures[i]), &value) == OK)
			pack_raw(out, value);
		else
			pack_nil(out);
	}
}

/* is_absent: the pool has no worker, so nothing can be told of it. */
static bool
is_absent(struct page *page, struct text pool, enum page_status *status)
{
	struct text error;

	if (unpack_field_text(pool, "error", &error) != OK)
		return false;
	*status = page_fail(page, PAGE_UNAVAILABLE, "%.*s", TEXT_ARG(error));
	return true;
}

static enum page_status
take_all(struct page *page, struct text pools)
{
	pack_map(page->out, 1);
	pack_string(page->out, "pools");
	pack_raw(page->out, pools);
	return PAGE_OK;
}

static enum page_status
take_pool(struct page *page, struct text pool)
{
	enum page_status status;

	if (is_absent(page, pool, &status))
		return status;
	pack_map(page->out, 1);
	pack_string(page->out, "pool");
	pack_pool(page->out, pool);
	return PAGE_OK;
}

/* take_section tells the part of a pool that page->ctx names. */
static enum page_status
take_section(struct page *page, struct text pool)
{
	const char *section = page->ctx;
	struct text name, value;
	enum page_status status;

	if (is_absent(page, pool, &status))
		return status;
	if (unpack_field_text(pool, "pool_name", &name) != OK ||
	    unpack_map_find(pool, text_of(section), &value) != OK)
		return page_fail(page, PAGE_INTERNAL,
		    "worker_pool's answer has no %s", section);
	pack_map(page->out, 2);
	pack_string(page->out, "pool_name");
	pack_text(page->out, name);
	pack_string(page->out, section);
	pack_raw(page->out, value);
	return PAGE_OK;
}

/* args_for names the pool of the path and what else to tell of it. */
static struct text
args_for(struct page *page, const char *extra)
{
	struct buffer args;
	struct packer p;
	struct text id, packed;
	bool has_id = page_text(page, "id", &id) == OK;

	buffer_init(&args, ARGS_BYTES);
	pack_init(&p, &args);
	pack_map(&p, (has_id ? 1 : 0) + (extra != NULL ? 1 : 0));
	if (has_id) {
		pack_string(&p, "pool");
		if (id.len > ARGS_BYTES / 2)
			id.len = ARGS_BYTES / 2; /* no pool has such a name */
		pack_text(&p, id);
	}
	if (extra != NULL)
		pack_field_bool(&p, extra, true);
	INVARIANT(pack_finish(&p) == OK);
	packed = arena_text(page->arena, buffer_text(&args));
	buffer_finish(&args);
	return packed;
}

static enum page_status
inspect(struct page *page, const char *extra,
    enum page_status (*take)(struct page *, struct text))
{
	return page_ask(page,
	    &(struct page_question){.role = ROLE_worker_pool,
		.op = "pools.inspect",
		.args = args_for(page, extra),
		.take = take});
}

static enum page_status
section(struct page *page, char *name, const char *extra)
{
	page->ctx = name;
	return inspect(page, extra, take_section);
}

enum page_status
page_pools(struct page *page)
{
	return inspect(page, NULL, take_all);
}

enum page_status
page_pool(struct page *page)
{
	return inspect(page, NULL, take_pool);
}

enum page_status
page_pool_capacity(struct page *page)
{
	static char name[] = "capacity";

	return section(page, name, "full");
}

enum page_status
page_pool_memory(struct page *page)
{
	static char name[] = "memory";

	return section(page, name, "full");
}

enum page_status
page_pool_recommendations(struct page *page)
{
	static char name[] = "recommendations";

	return section(page, name, "recommendations");
}

/* --- saturation --- */

static enum page_status
take_saturation(struct page *page, struct text pool)
{
	struct text name, number;
	struct unpacker u;
	double used;
	const uint64_t *threshold = page->ctx;
	enum page_status status;
	bool is_near;

	if (is_absent(page, pool, &status))
		return status;
	if (unpack_field_text(pool, "pool_name", &name) != OK ||
	    unpack_map_find(pool, TEXT("utilization_percent"), &number) != OK)
		return page_fail(
		    page, PAGE_INTERNAL, "worker_pool's answer has no figures");
	unpack_init(&u, number);
	if (unpack_f64(&u, &used) != OK)
		return page_fail(
		    page, PAGE_INTERNAL, "worker_pool's answer has no figures");
	is_near = used >= (double)*threshold;
	pack_map(page->out, 1);
	pack_string(page->out, "saturation");
	pack_map(page->out, 5);
	pack_string(page->out, "pool_name");
	pack_text(page->out, name);
	pack_field_string(page->out, "status", is_near ? "warning" : "ok");
	pack_field_string(page->out, "reason",
	    is_near ? "approaching_saturation" : "healthy");
	pack_string(page->out, "utilization_percent");
	pack_f64(page->out, used);
	pack_field_u64(page->out, "threshold_percent", *threshold);
	return PAGE_OK;
}

enum page_status
page_pool_saturation(struct page *page)
{
	uint64_t *threshold = ARENA_NEW(page->arena, uint64_t);

	*threshold = 80;
	if (page_u64_in(page, "threshold", 0, 100, threshold) != OK)
		return PAGE_BAD;
	page->ctx = threshold;
	return inspect(page, NULL, take_saturation);
}
