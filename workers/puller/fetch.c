// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A link is kept while it is live, so a service that comes back is heard at
 * once; a link that is down is closed after the fetch, because a new one dials
 * immediately while an old one may be resting for seconds.
 */

#include "workers/puller/puller.h"

#include <stdio.h>
#include <string.h>

#include "protocol/events.h"
#include "protocol/inspect.h"
#include "protocol/log_rules.h"
#include "protocol/settings.h"
#include "protocol/unpack.h"

enum {
	REASON_BYTES = 512
};

static uint64_t
now_of(const struct service *s)
{
	return loop_now_ms(worker_loop(s->puller->worker));
}

struct source *
fetch_source(const struct service *s)
{
	return &s->sources[s->pull.node];
}

bool
fetch_is_active(const struct service *s)
{
	return pull_is_waiting(&s->pull);
}

static bool
is_asking(const struct service *s)
{
	return s->pull.step == PULL_ASK_VERSION ||
	    s->pull.step == PULL_ASK_CONFIG;
}

void
fetch_keep_error(struct service *s, const char *fmt, struct text what)
{
	struct inspect line;

	inspect_init(&line, s->error, sizeof(s->error));
	inspect_format(&line, fmt, &fetch_source(s)->name, &what);
}

/* node_failed goes on with the next node, or ends the fetch. */
static void
node_failed(struct service *s, struct text why)
{
	struct source *source = fetch_source(s);

	fetch_keep_error(s, "%q: %r", why);
	if (source->link != NULL) {
		if (s->is_call_out)
			link_cancel(source->link, s->call_id);
		source->wants_close =
		    link_client_state(source->link) != LINK_LIVE;
	}
	s->is_call_out = false;
	fetch_step(s, pull_node_failed(&s->pull));
}

static void
send_question(struct service *s)
{
	const struct service_target *t =
	    s->pull.step == PULL_ASK_VERSION ? &s->version : &s->config;
	const struct link_request request = {
	    .module = t->module,
	    .function = t->function,
	    .args = t->args,
	    .deadline_ms = (uint32_t)s->puller->timeout_ms,
	};
	enum err e = link_call(fetch_source(s)->link, &request, s, &s->call_id);

	diag_note(DIAG_pull, NULL,
	    "action=ask service=%.*s node=%.*s function=%.*s outcome=%s",
	    TEXT_ARG(s->name), TEXT_ARG(fetch_source(s)->name),
	    TEXT_ARG(t->function), err_name(e));
	if (e == OK)
		s->is_call_out = true;
	else
		node_failed(s, text_of(err_name(e)));
}

/* The answers of a link; `call` is the service. */

static void
result_came(void *owner, void *call, struct text value)
{
	struct service *s = call;
	struct text list;

	(void)owner;
	s->is_call_out = false;
	if (s->pull.step == PULL_ASK_VERSION) {
		fetch_step(s, pull_version_came(&s->pull, value));
	} else if (!fetch_functions_in(value, &list)) {
		node_failed(s, TEXT("unexpected result"));
	} else {
		pull_config_came(&s->pull);
		fetch_store(s, value);
	}
}

static void
error_came(void *owner, void *call, struct text code, struct text text)
{
	struct service *s = call;
	char memory[REASON_BYTES];
	struct inspect line;

	(void)owner;
	s->is_call_out = false;
	inspect_init(&line, memory, sizeof(memory));
	inspect_format(&line, "%q %q", &code, &text);
	node_failed(s, (struct text){memory, (uint32_t)line.len});
}

static void
call_lost(void *owner, void *call, enum link_lost lost)
{
	struct service *s = call;

	(void)owner;
	(void)lost;
	s->is_call_out = false;
	node_failed(s, TEXT("the connection was lost"));
}

static void
state_changed(void *owner, enum link_state state, enum link_fault fault)
{
	struct source *source = owner;
	struct service *s = source->service;
	bool is_asked = is_asking(s) && fetch_source(s) == source;

	if (state == LINK_LIVE && is_asked && !s->is_call_out) {
		send_question(s);
	} else if (state == LINK_LIVE && !fetch_is_active(s)) {
		/* it is back, maybe with other functions */
		s->is_wanted = true;
		puller_wake(s->puller);
	} else if (state == LINK_DOWN && is_asked && !s->is_call_out &&
	    fault != LINK_FAULT_none) {
		node_failed(s, text_of(link_fault_name(fault)));
	}
}

static const struct link_client_calls calls = {
    .result = result_came,
    .error = error_came,
    .lost = call_lost,
    .state = state_changed,
};

static bool
may_be_dialled(const struct service *s, struct text url)
{
	struct worker *w = s->puller->worker;
	struct text patterns[256];
	struct unpacker u;
	uint32_t count = 0;

	unpack_init(
	    &u, settings_list(worker_settings(w), SETTING_security_node_urls));
	if (unpack_array(&u, &count) != OK || count > COUNT_OF(patterns))
		count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (unpack_text(&u, &patterns[i]) != OK)
			return false;
	return link_url_is_allowed(
	    url, text_of(worker_runtime_dir(w)), patterns, count);
}

/* dial makes sure the source has a link; false with the reason told. */
static bool
dial(struct service *s, struct source *source)
{
	const struct link_client_options options = {
	    .hub = &s->puller->hub,
	    .calls = &calls,
	    .owner = source,
	    .url = source->url,
	    .life = worker_life(s->puller->worker),
	    .seed = worker_life(s->puller->worker) + s->pull.node,
	};

	if (source->url.len == 0) {
		node_failed(s, TEXT("no such name in nodes:"));
		return false;
	}
	if (!may_be_dialled(s, source->url)) {
		node_failed(s, TEXT("not allowed by security.node_urls"));
		return false;
	}
	/* a link about to be closed may be resting: a new one dials now. It
	 * may be the very one that calls us, so it lives until the turn ends */
	if (source->wants_close) {
		link_client_destroy(&source->old);
		source->old = source->link;
		source->link = NULL;
	}
	source->wants_close = false;
	if (source->link != NULL)
		return true;
	enum err e = link_client_create(&source->link, &options);

	if (e != OK)
		node_failed(s, text_of(err_name(e)));
	return e == OK;
}

static void
ask_source(struct service *s)
{
	struct source *source = fetch_source(s);

	s->deadline_ms = now_of(s) + s->puller->timeout_ms;
	s->is_call_out = false;
	/* a dial may fail on the spot and move us to the next node */
	if (dial(s, source) && fetch_source(s) == source && !s->is_call_out &&
	    source->link != NULL &&
	    link_client_state(source->link) == LINK_LIVE)
		send_question(s);
}

static void
tell_success(struct service *s)
{
	if (s->failures > 0)
		event_note(EVENT_service_recovered,
		    "service=\"%.*s\" failures=%u", TEXT_ARG(s->name),
		    s->failures);
	s->failures = 0;
	s->was_seen = true;
	s->pulled_ms = now_of(s);
	s->error[0] = '\0';
}

static void
tell_failure(struct service *s)
{
	/* a service never seen is asked every second: one line is enough */
	if (s->failures++ == 0)
		event_note(EVENT_service_failed, "service=\"%.*s\" why=%s",
		    TEXT_ARG(s->name), s->error);
}

void
fetch_step(struct service *s, enum pull_step next)
{
	switch (next) {
	case PULL_ASK_VERSION:
	case PULL_ASK_CONFIG:
		ask_source(s);
		break;
	case PULL_SKIPPED:
	case PULL_DONE:
		tell_success(s);
		puller_finished(s, true);
		break;
	case PULL_FAILED:
		if (s->pull.node_count == 0)
			snprintf(s->error, sizeof(s->error), "no_valid_nodes");
		tell_failure(s);
		puller_finished(s, false);
		break;
	case PULL_STORE:
	case PULL_IDLE:
		break;
	}
}

void
fetch_begin(struct service *s)
{
	s->is_wanted = false;
	fetch_step(s, pull_begin(&s->pull));
}

void
fetch_tick(struct service *s, uint64_t now_ms)
{
	struct link_client_facts facts;
	struct source *source;

	if (!is_asking(s))
		return;
	source = fetch_source(s);
	if (now_ms >= s->deadline_ms) {
		node_failed(s, TEXT("timeout"));
		return;
	}
	if (s->is_call_out || source->link == NULL)
		return;
	/* a refused dial leaves the state as it was: DOWN */
	link_client_facts(source->link, &facts);
	if (facts.state == LINK_DOWN && facts.dials > 0 &&
	    facts.last_fault != LINK_FAULT_none)
		node_failed(s, text_of(link_fault_name(facts.last_fault)));
}

void
fetch_cancel(struct service *s)
{
	ask_cancel(&s->ask);
	if (s->is_call_out && is_asking(s))
		link_cancel(fetch_source(s)->link, s->call_id);
	s->is_call_out = false;
	s->pull.step = PULL_IDLE;
}
