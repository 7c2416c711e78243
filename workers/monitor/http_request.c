// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A request goes READING (head, body) → RUNNING (its page, maybe parked) →
 * READY (a status and a body) → QUEUED. libmicrohttpd calls again until an
 * answer is queued; a parked page suspends its connection meanwhile.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/base/memory.h"
#include "protocol/json.h"
#include "protocol/json_out.h"
#include "protocol/mask.h"
#include "protocol/settings.h"
#include "protocol/stats.h"
#include "workers/kit/worker.h"
#include "workers/monitor/http_inside.h"
#include "workers/monitor/monitor.h"
#include "workers/monitor/pages.h"

enum {
	BODY_MOST_BYTES = 65536,
	OUT_MOST_BYTES = 8 << 20,
	JSON_MOST_BYTES = 16 << 20,
	MOST_PARAMETERS = 64,
};

enum request_state {
	REQUEST_READING,
	REQUEST_RUNNING,
	REQUEST_READY,
	REQUEST_QUEUED
};

struct request {
	struct http *http;
	struct MHD_Connection *connection; /* NULL once it is over */
	struct visit *visit;
	const char *url, *method;
	enum request_state state;
	uint32_t status;
	bool is_too_big, is_suspended;
	char allowed[PATHS_ALLOWED]; /* of a 405, a 204 */
	struct arena arena;
	struct buffer body, args, out;
	struct packer packer;
	struct page page;
	const struct path *row;
	struct buffer answer;
	const char *content_type;
};

struct request *
request_begin(struct http *h, struct MHD_Connection *connection,
    struct visit *v, const char *url, const char *method)
{
	struct request *r = MEMORY_NEW(struct request);
	const char *length = MHD_lookup_connection_value(
	    connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t bytes = 0;

	*r = (struct request){.http = h,
	    .connection = connection,
	    .visit = v,
	    .content_type = "application/json"};
	arena_init(&r->arena);
	buffer_init(&r->body, BODY_MOST_BYTES);
	buffer_init(&r->args, OUT_MOST_BYTES);
	buffer_init(&r->out, OUT_MOST_BYTES);
	buffer_init(&r->answer, JSON_MOST_BYTES);
	pack_init(&r->packer, &r->out);
	r->url = arena_string(&r->arena, text_of(url));
	r->method = arena_string(&r->arena, text_of(method));
	r->is_too_big = length != NULL &&
	    (text_to_u64(text_of(length), &bytes) != OK ||
		bytes > BODY_MOST_BYTES);
	v->request = r;
	h->requests++;
	return r;
}

void
request_take(struct request *r, const char *bytes, size_t count)
{
	/* what is too big is read on, up to the deadline, so that the answer
	 * is not lost in a reset */
	if (!r->is_too_big && buffer_append(&r->body, bytes, count) != OK)
		r->is_too_big = true;
}

/* --- the answer --- */

static void
set_error(struct request *r, uint32_t status, struct text message)
{
	enum err e;

	buffer_truncate(&r->answer, 0);
	r->content_type = "application/json";
	r->status = status;
	r->state = REQUEST_READY;
	e = buffer_append_text(
	    &r->answer, TEXT("{\"status\":\"error\",\"message\":"));
	if (e == OK)
		e = json_put_text(&r->answer, message, NULL);
	if (e == OK)
		e = buffer_append_text(&r->answer, TEXT("}\n"));
	INVARIANT(e == OK); /* a message is short */
}

static void fail(struct request *, uint32_t status, const char *fmt, ...)
    PRINTF(3, 4);

static void
fail(struct request *r, uint32_t status, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	set_error(r, status, text_of(message));
}

/* tell_page makes JSON of the page's map, with what every answer has. */
static enum err
tell_page(struct request *r, enum page_status status)
{
	struct unpacker u;
	struct packer p;
	struct buffer whole;
	uint32_t count;
	enum err e = pack_finish(&r->packer);

	mask_urls_pack(buffer_at(&r->out), buffer_used(&r->out));
	unpack_init(&u, buffer_text(&r->out));
	if (e == OK)
		e = unpack_map(&u, &count);
	if (e != OK)
		return e;
	buffer_init(&whole, OUT_MOST_BYTES + 256);
	pack_init(&p, &whole);
	pack_map(&p, count + 2);
	pack_field_string(&p, "status", status == PAGE_OK ? "ok" : "error");
	pack_raw(
	    &p, (struct text){(const char *)u.at, (uint32_t)unpack_left(&u)});
	pack_string(&p, "timestamp");
	pack_f64(&p, (double)clock_wall_ms() / 1000.0);
	e = pack_finish(&p);
	if (e == OK)
		e = pack_to_json(buffer_text(&whole), &r->answer, NULL);
	if (e == OK)
		e = buffer_append_text(&r->answer, TEXT("\n"));
	buffer_finish(&whole);
	return e;
}

static void
settle(struct request *r, enum page_status status)
{
	enum err e;

	r->state = REQUEST_READY;
	r->status = (uint32_t)status;
	if (r->page.plain != NULL) {
		r->answer = *r->page.plain;
		text_hide_passwords(
		    (char *)buffer_at(&r->answer), buffer_used(&r->answer));
		buffer_init(r->page.plain, 0); /* its bytes are ours now */
		r->content_type = r->page.content_type;
		return;
	}
	if (status != PAGE_OK && r->page.message.len > 0) {
		set_error(r, (uint32_t)status, r->page.message);
		return;
	}
	e = tell_page(r, status);
	if (e == OK)
		return;
	event_note(EVENT_page_failed, "path=%s error=%s", r->row->pattern,
	    err_name(e));
	fail(r, 500, "the answer cannot be told: %s", err_name(e));
}

static void
forget(struct request *r)
{
	page_close(&r->page);
	buffer_finish(&r->body);
	buffer_finish(&r->args);
	buffer_finish(&r->out);
	buffer_finish(&r->answer);
	arena_finish(&r->arena);
	r->http->requests--;
	memory_free(r);
}

/* page_is_finished: later than its handler, on the loop. */
static void
page_is_finished(struct page *page, enum page_status status)
{
	struct request *r = page->asker;

	if (r->connection == NULL || r->http->is_closing) {
		forget(r); /* nobody is there any more */
		return;
	}
	settle(r, status);
	http_allow(r->http, r->visit);
	r->is_suspended = false;
	MHD_resume_connection(r->connection);
	http_kick(r->http);
}

/* --- parameters --- */

struct parameters {
	struct request *request;
	struct packer packer;
	uint32_t count;
	bool is_utf8;
};

static enum MHD_Result
take_parameter(void *ctx, enum MHD_ValueKind kind, const char *key,
    size_t key_bytes, const char *value, size_t value_bytes)
{
	struct parameters *p = ctx;
	struct text name = {key, (uint32_t)key_bytes};
	struct text words = {value != NULL ? value : "",
	    value != NULL ? (uint32_t)value_bytes : 0};

	(void)kind;
	if (++p->count > MOST_PARAMETERS)
		return MHD_NO;
	p->is_utf8 = p->is_utf8 && text_is_utf8(name) && text_is_utf8(words);
	pack_text(&p->packer, name);
	pack_text(&p->packer, words);
	return MHD_YES;
}

/* take_parameters packs query and {id}; of equal names the last one counts. */
static bool
take_parameters(struct request *r, struct text id)
{
	struct parameters p = {.request = r, .is_utf8 = true};
	size_t place;

	pack_init(&p.packer, &r->args);
	place = pack_open(&p.packer);
	MHD_get_connection_values_n(
	    r->connection, MHD_GET_ARGUMENT_KIND, take_parameter, &p);
	if (p.count > MOST_PARAMETERS) {
		fail(r, 400, "there are more than %d parameters",
		    (int)MOST_PARAMETERS);
		return false;
	}
	if (id.len > 0) {
		pack_string(&p.packer, "id");
		pack_text(&p.packer, id);
		p.count++;
	}
	if (!p.is_utf8 || !text_is_utf8(id)) {
		fail(r, 400, "the path and the query must be UTF-8");
		return false;
	}
	pack_close_map(&p.packer, place, p.count);
	return pack_finish(&p.packer) == OK;
}

static bool
take_body(struct request *r, struct text *packed)
{
	struct buffer to;
	struct unpacker u;
	struct json_error error = {.what = ""};
	enum err e;

	*packed = (struct text){0};
	if (buffer_used(&r->body) == 0)
		return true;
	buffer_init(&to, OUT_MOST_BYTES);
	e = json_to_pack(buffer_text(&r->body), &to, JSON_LIMITS, &error);
	*packed = arena_text(&r->arena, buffer_text(&to));
	buffer_finish(&to);
	if (e != OK) {
		fail(r, 400, "the body is not valid JSON at byte %u: %s",
		    error.offset, error.what);
		return false;
	}
	unpack_init(&u, *packed);
	if (unpack_peek(&u) == PACK_MAP)
		return true;
	fail(r, 400, "the body must be a JSON object");
	return false;
}

/* --- from a path to its page --- */

static void
no_such_path(struct request *r)
{
	size_t count;
	const struct path *rows = pages_rows(&count);
	struct text path = text_of(r->url);
	const char *meant = paths_closest(rows, count, path);
	int shown = path.len < 128 ? (int)path.len : 128;

	if (r->allowed[0] != '\0')
		fail(r, 405, "%s takes %s", r->url, r->allowed);
	else if (meant != NULL)
		fail(r, 404, "no path %.*s; did you mean %s?", shown, r->url,
		    meant);
	else
		fail(r, 404, "no path %.*s; /endpoints lists them all", shown,
		    r->url);
}

/* is_hidden: the port of prometheus shows its own pages only. */
static bool
is_hidden(const struct request *r, const struct path *row)
{
	return r->visit->guest.listener != 0 &&
	    strcmp(row->pattern, "/metrics") != 0 &&
	    strcmp(row->pattern, "/metrics/prometheus") != 0 &&
	    !r->visit->guest.is_probe;
}

static void
run_page(struct request *r, struct text id)
{
	const char *accept = MHD_lookup_connection_value(
	    r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	struct text body;
	enum page_status status;

	if (!take_parameters(r, id) || !take_body(r, &body))
		return;
	page_init(&r->page, r->http->monitor, &r->arena, &r->packer,
	    buffer_text(&r->args));
	r->page.body = body;
	r->page.finished = page_is_finished;
	r->page.asker = r;
	if (accept != NULL)
		r->page.accept = arena_text(&r->arena, text_of(accept));
	r->state = REQUEST_RUNNING;
	status = page_run(&r->page, r->row->handler);
	if (status != PAGE_PARKED)
		settle(r, status);
}

static void
find_page(struct request *r)
{
	size_t count;
	const struct path *rows = pages_rows(&count);
	struct text id = {0};

	r->row = paths_find(
	    rows, count, text_of(r->method), text_of(r->url), &id, r->allowed);
	if (r->row == NULL && strcmp(r->method, "OPTIONS") == 0 &&
	    (r->allowed[0] != '\0' || strcmp(r->url, "*") == 0)) {
		r->status = 204;
		r->state = REQUEST_READY;
		return;
	}
	if (r->row != NULL && is_hidden(r, r->row)) {
		r->allowed[0] = '\0';
		r->row = NULL;
	}
	if (r->is_too_big)
		fail(r, 413, "the body has more than %d bytes",
		    (int)BODY_MOST_BYTES);
	else if (r->row == NULL)
		no_such_path(r);
	else
		run_page(r, id);
}

/* --- to the wire --- */

static void
add(struct MHD_Response *response, const char *name, const char *value)
{
	enum MHD_Result done = MHD_add_response_header(response, name, value);

	INVARIANT(done == MHD_YES);
}

static void
add_headers(struct request *r, struct MHD_Response *response)
{
	uint64_t us = clock_mono_us() - r->visit->guest.came_us;
	char ms[32];

	snprintf(ms, sizeof(ms), "%.2f", (double)us / 1000.0);
	stats_time(worker_slot(r->http->monitor->worker),
	    HISTOGRAM_monitor_http_us, us);
	if (r->status != 204)
		add(response, "Content-Type", r->content_type);
	add(response, "Connection", "close");
	add(response, "Cache-Control", "no-store");
	add(response, "X-Response-Time-Ms", ms);
	add(response, "X-Monitoring-System", "banyan/" BANYAN_VERSION);
	if (r->status == 405 || r->status == 204)
		add(response, "Allow",
		    r->allowed[0] != '\0' ? r->allowed
					  : "GET, HEAD, POST, OPTIONS");
	if (r->status == 503 || r->status == 429)
		add(response, "Retry-After", "1");
	if (!settings_bool(worker_settings(r->http->monitor->worker),
		SETTING_monitoring_cors))
		return;
	add(response, "Access-Control-Allow-Origin", "*");
	add(response, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
	add(response, "Access-Control-Allow-Headers", "Content-Type");
}

static void
count(struct request *r)
{
	struct stats_slot *slot = worker_slot(r->http->monitor->worker);

	stats_add(slot, COUNTER_monitor_http_requests, 1);
	if (r->status >= 500)
		stats_add(slot, COUNTER_monitor_http_failures, 1);
	else if (r->status >= 400)
		stats_add(slot, COUNTER_monitor_http_errors, 1);
}

static enum MHD_Result
queue(struct request *r)
{
	struct buffer *answer = &r->answer;
	struct MHD_Response *response;
	enum MHD_Result done;

	INVARIANT(answer->start == 0);
	response = MHD_create_response_from_buffer_with_free_callback(
	    buffer_used(answer), answer->memory, memory_free);
	if (response == NULL)
		return MHD_NO;
	buffer_init(answer, JSON_MOST_BYTES); /* the response's now */
	add_headers(r, response);
	count(r);
	http_allow(r->http, r->visit);
	done = MHD_queue_response(r->connection, r->status, response);
	MHD_destroy_response(response);
	r->state = REQUEST_QUEUED;
	return done;
}

enum MHD_Result
request_answer(struct request *r)
{
	if (r->state == REQUEST_READING)
		find_page(r);
	if (r->state == REQUEST_READY)
		return queue(r);
	if (r->state == REQUEST_RUNNING && !r->is_suspended) {
		r->is_suspended = true;
		MHD_suspend_connection(r->connection);
	}
	return MHD_YES;
}

void
request_end(struct request *r)
{
	r->visit->request = NULL;
	r->connection = NULL;
	if (r->state != REQUEST_RUNNING)
		forget(r);
	/* else its page is parked: page_is_finished forgets it */
}
