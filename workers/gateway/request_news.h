// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_REQUEST_NEWS_H
#define WORKERS_GATEWAY_REQUEST_NEWS_H

/*
 * request_news - a call as events: executor.request.start once, .stop once
 * however it ends, .exception when not well, .slow when it took too long;
 * stream.start and .stop.
 *
 * Nothing is formatted, and no text looked at, unless somebody wants it.
 *
 * Trust:  names come from strangers: quoted and cut (event_word). Arguments
 *         and results never come here.
 * Owner:  no memory.
 */

#include <stdbool.h>

#include "workers/gateway/answer.h"

struct call;
struct client;
struct gateway;
struct refusal;
struct request;

void request_news_arrived(struct client *, const struct request *);

/* request_news_refused: it ended before it was in the table of calls. */
void request_news_refused(const struct refusal *, const struct answer_error *);

/* Each is the end of a call of the table. */
void request_news_answered(struct gateway *, const struct call *);
void request_news_failed(
    struct gateway *, const struct call *, const struct answer_error *);
void request_news_gone(struct gateway *, const struct call *);

void request_news_stream(struct gateway *, const struct call *);

#endif /* WORKERS_GATEWAY_REQUEST_NEWS_H */
