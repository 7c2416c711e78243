// SPDX-License-Identifier: MIT
#ifndef WORKERS_MONITOR_PAGE_H
#define WORKERS_MONITOR_PAGE_H

/*
 * page - one answer of the monitor, told as HTTP, command and bus record
 * alike.
 *
 * A handler stands in a row of protocol/tables/paths.h and reads like this:
 *
 *     enum page_status
 *     page_health_cluster(struct page *page)
 *     {
 *             struct text id;
 *
 *             if (page_text(page, "id", &id) != OK)
 *                     return page_fail(page, PAGE_BAD, "id is missing");
 *             …
 *             pack_map(page->out, 1);
 *             pack_string(page->out, "cluster");
 *             …
 *             return PAGE_OK;
 *     }
 *
 * It packs exactly one map of sections; HTTP adds "status":"ok" and
 * "timestamp". What it allocates comes from page->arena. A handler that must
 * ask another role returns page_park() and calls page_finish() later, exactly
 * once; the page stays until then, even when its asker leaves.
 *
 * The same handler answers a command by page_answer_command, and anybody
 * else by page_init and page_run.
 *
 * Trust:  parameters come from strangers of the same machine: bounded and well
 *         formed (msgpack, UTF-8), of any value.
 * Owner:  the page is whoever's who runs it; texts live as long as its arena.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/pack.h"

struct command;
struct monitor;
struct worker;

enum page_status {
	PAGE_PARKED = 0,
	PAGE_OK = 200,
	PAGE_BAD = 400,
	PAGE_NOT_FOUND = 404,
	PAGE_TOO_MANY = 429,
	PAGE_INTERNAL = 500,
	PAGE_UNAVAILABLE = 503
};

struct page {
	struct monitor *monitor;
	struct arena *arena; /* until the answer is sent */
	struct packer *out;  /* pack one map of sections here */
	void *ctx;           /* the handler's own, across a park */

	/* private: read with the functions below */
	struct text args;         /* msgpack map: query and {id} of the path */
	struct text body;         /* msgpack of a POST's JSON; empty: none */
	struct text accept;       /* the Accept header; empty: anything */
	struct text message;      /* what page_fail said */
	const char *content_type; /* NULL: JSON made of `out` */
	struct buffer *plain;     /* page_plain's; NULL: none */
	void (*finished)(struct page *, enum page_status);
	void *asker; /* of whoever runs it */
	bool is_parked;
};

typedef enum page_status page_handler(struct page *);

/* ---- what a handler uses ---- */

/*
 * page_text, page_u64 and page_value (msgpack of any type) read a parameter:
 * {id} of the path is "id", then the query, then the keys of a POST's map.
 * ERR_MISSING when absent, ERR_TYPE when of another type (answer 400).
 */
enum err page_text(
    const struct page *, const char *key, struct text *to) MUST_USE;
enum err page_u64(const struct page *, const char *key, uint64_t *to) MUST_USE;
enum err page_value(
    const struct page *, const char *key, struct text *to) MUST_USE;

/*
 * page_u64_in reads a number with a default and a range; on ERR_RANGE and
 * ERR_TYPE page_fail has been called: return PAGE_BAD.
 */
enum err page_u64_in(struct page *, const char *key, uint64_t least,
    uint64_t most, uint64_t *to) MUST_USE;

/* page_wants: does the Accept header ask for this media type by its name? */
bool page_wants(const struct page *, const char *media_type);

/*
 * page_plain makes the answer a body of its own instead of JSON: the handler
 * appends to the buffer, which is the page's, and packs nothing. A status
 * other than PAGE_OK keeps that body.
 */
struct buffer *page_plain(struct page *, const char *content_type);

/*
 * page_fail: {"status":"error","message":…}; gives the status back. A status
 * that is not PAGE_OK without it tells what was packed, as "error".
 */
enum page_status page_fail(
    struct page *, enum page_status, const char *fmt, ...) PRINTF(3, 4);

/* page_park keeps the page after its handler; page_finish ends it. */
enum page_status page_park(struct page *);
void page_finish(struct page *, enum page_status);

/* ---- what the runners of pages use ---- */

/*
 * page_init fills a page; `args` is a msgpack map or empty. The packer and
 * the arena stay the caller's.
 */
void page_init(struct page *, struct monitor *, struct arena *,
    struct packer *out, struct text args);

/*
 * page_run calls the handler. PAGE_PARKED: `finished` will be called, later
 * or never inside page_run itself.
 */
enum page_status page_run(struct page *, page_handler *);

/* page_close gives back what page_plain took. */
void page_close(struct page *);

/*
 * page_answer_command answers a command with a page: its map is the result, a
 * failure is the error of that class. command->args are its parameters.
 */
void page_answer_command(struct worker *, struct command *, page_handler *);

#endif /* WORKERS_MONITOR_PAGE_H */
