// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A call whose client sent no correlation_id gets one made of what it is
 * known by anyway (whose it is, its id, when it came): nobody has to keep it,
 * and its events agree on it.
 */

#include "workers/gateway/request_news.h"

#include <stdio.h>

#include "protocol/base/clock.h"
#include "protocol/events.h"
#include "protocol/hash.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/request.h"

enum {
	CORRELATION_WORD = CORRELATION_BYTES + 3,
	NAMES_BYTES = 4 * EVENTS_WORD + CORRELATION_WORD + 80
};

/* Who calls what. */
struct names {
	const struct client *client; /* NULL: it left */
	struct text id_json;
	struct text correlation; /* as sent */
	struct text request_type;
	struct text service;
	uint64_t arrived_us;
};

static struct names
names_of_call(const struct call *call)
{
	return (struct names){.client = call->client,
	    .id_json = call->request_id,
	    .correlation = call->correlation,
	    .request_type = call->function->request_type,
	    .service = call->function->service,
	    .arrived_us = call->arrived_us};
}

static struct names
names_of_request(const struct client *c, const struct request *r)
{
	struct names n = {.client = c,
	    .id_json = TEXT("\"unknown\""),
	    .arrived_us = loop_now_us(c->gateway->loop)};

	if (r == NULL)
		return n;
	n.id_json = r->id_json;
	n.correlation = r->correlation_id;
	n.request_type = r->request_type;
	n.service = r->service;
	return n;
}

static void
correlate(
    const struct gateway *g, const struct names *n, char to[CORRELATION_WORD])
{
	uint64_t words[4] = {worker_life(g->worker),
	    n->client != NULL ? n->client->serial : 0, n->arrived_us,
	    hash_name(n->id_json)};

	if (n->correlation.len > 0) {
		(void)event_word_in(to, CORRELATION_WORD, n->correlation);
		return;
	}
	snprintf(to, CORRELATION_WORD, "bn-%016llx%08llx",
	    (unsigned long long)hash_words(words, 4),
	    (unsigned long long)hash_words(words, 3) & 0xffffffff);
}

/* spell writes the pairs every event of a call has. A record that is too long
 * loses its last ones: what the caller finds his call by comes first. */
static const char *
spell(const struct gateway *g, const struct names *n, char to[NAMES_BYTES])
{
	struct event_word id, type, service, user;
	char correlation[CORRELATION_WORD];
	struct text bare = n->id_json;

	if (bare.len >= 2) { /* without its quotes */
		bare.at++;
		bare.len -= 2;
	}
	correlate(g, n, correlation);
	snprintf(to, NAMES_BYTES,
	    "correlation_id=%s request_id=%s request_type=%s service=%s "
	    "user_id=%s",
	    correlation, event_word(&id, bare),
	    event_word(&type, n->request_type),
	    event_word(&service, n->service),
	    event_word(&user,
		n->client != NULL && n->client->identity != NULL
		    ? n->client->identity->user_id
		    : TEXT("")));
	return to;
}

void
request_news_arrived(struct client *c, const struct request *r)
{
	char text[NAMES_BYTES];

	if (!event_happens(EVENT_request_start))
		return;
	struct names n = names_of_request(c, r);
	event_tell(EVENT_request_start, "system_time=%llu %s",
	    (unsigned long long)clock_wall_us() * 1000,
	    spell(c->gateway, &n, text));
}

static void
tell_stop(const struct gateway *g, const struct names *n, uint64_t took_us,
    bool is_success, bool is_async)
{
	char text[NAMES_BYTES];

	if (event_happens(EVENT_request_stop))
		event_tell(EVENT_request_stop,
		    "duration_us=%llu success=%s async=%s %s",
		    (unsigned long long)took_us, is_success ? "true" : "false",
		    is_async ? "true" : "false", spell(g, n, text));
}

static void
tell_exception(const struct gateway *g, const struct names *n, uint64_t took_us,
    const char *reason)
{
	char text[NAMES_BYTES];

	if (event_happens(EVENT_request_exception))
		event_tell(EVENT_request_exception,
		    "duration_us=%llu kind=error reason=%s %s stacktrace=-",
		    (unsigned long long)took_us, reason, spell(g, n, text));
}

/* tell_slow: a line for each would be one more load on what is slow. */
static void
tell_slow(struct gateway *g, const struct names *n, uint64_t took_us)
{
	char text[NAMES_BYTES];
	uint64_t unnoted = 0;
	bool is_noted =
	    notes_take(&g->slow_notes, loop_now_ms(g->loop), &unnoted);

	if (!event_happens(EVENT_request_slow))
		return;
	spell(g, n, text);
	if (is_noted)
		event_tell(EVENT_request_slow,
		    "duration_us=%llu limit_us=%llu %s unnoted=%llu",
		    (unsigned long long)took_us,
		    (unsigned long long)g->options->slow_request_us, text,
		    (unsigned long long)unnoted);
	else
		event_record(EVENT_request_slow,
		    "duration_us=%llu limit_us=%llu %s unnoted=0",
		    (unsigned long long)took_us,
		    (unsigned long long)g->options->slow_request_us, text);
}

static void
tell_stream(const struct gateway *g, const struct names *n, uint64_t took_us,
    bool is_success, const char *reason)
{
	char text[NAMES_BYTES];

	if (event_happens(EVENT_stream_stop))
		event_tell(EVENT_stream_stop,
		    "duration_us=%llu success=%s reason=%s %s",
		    (unsigned long long)took_us, is_success ? "true" : "false",
		    reason, spell(g, n, text));
}

static void
ended(struct gateway *g, const struct call *call, bool is_success,
    const char *reason)
{
	struct names n = names_of_call(call);
	uint64_t took_us = loop_now_us(g->loop) - call->arrived_us;
	bool is_stream = call->function->response == FUNCTION_STREAM;

	if (!is_stream && slow_log_wants(&g->slow, took_us))
		slow_note(g, call, took_us, is_success ? "ok" : reason);
	tell_stop(g, &n, took_us, is_success, call->is_accepted);
	if (!is_success)
		tell_exception(g, &n, took_us, reason);
	if (is_stream && call->is_accepted)
		tell_stream(g, &n, took_us, is_success, reason);
	else if (g->options->slow_request_us > 0 &&
	    took_us > g->options->slow_request_us)
		tell_slow(g, &n, took_us);
}

void
request_news_refused(const struct refusal *to, const struct answer_error *error)
{
	struct gateway *g = to->gateway;
	struct names n = names_of_request(to->client, to->request);
	uint64_t took_us =
	    to->arrived_us > 0 ? n.arrived_us - to->arrived_us : 0;

	tell_stop(g, &n, took_us, false, false);
	tell_exception(g, &n, took_us, answer_code_name(error->code));
}

void
request_news_answered(struct gateway *g, const struct call *call)
{
	ended(g, call, true, "answered");
}

void
request_news_failed(struct gateway *g, const struct call *call,
    const struct answer_error *error)
{
	ended(g, call, false, answer_code_name(error->code));
}

void
request_news_gone(struct gateway *g, const struct call *call)
{
	ended(g, call, false, "client_gone");
}

void
request_news_stream(struct gateway *g, const struct call *call)
{
	char text[NAMES_BYTES];

	if (!event_happens(EVENT_stream_start))
		return;
	struct names n = names_of_call(call);
	event_tell(EVENT_stream_start, "system_time=%llu %s",
	    (unsigned long long)clock_wall_us() * 1000, spell(g, &n, text));
}
