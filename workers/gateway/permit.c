// SPDX-License-Identifier: MIT
#include "workers/gateway/permit.h"

#include <inttypes.h>

#include "protocol/events.h"
#include "protocol/log_rules.h"
#include "workers/gateway/gateway.h"
#include "workers/gateway/identity.h"
#include "workers/gateway/refusal.h"
#include "workers/gateway/tracing.h"

void
permit_note(struct gateway *g, const struct permit_denial *d)
{
	uint64_t unnoted = 0;
	bool is_noted = notes_take(&g->denials, loop_now_ms(g->loop), &unnoted);
	struct event_word user, id, service, type, mode;

	if (!event_happens(EVENT_permission_denied))
		return;
	(is_noted ? event_tell : event_record)(EVENT_permission_denied,
	    "user_id=%s request_id=%s service=%s request_type=%s mode=%s "
	    "reason=%s unnoted=%" PRIu64,
	    event_word(&user, d->user_id), event_word(&id, d->request_id),
	    event_word(&service, d->function->service),
	    event_word(&type, d->function->request_type),
	    event_word(&mode, d->mode), d->reason, unnoted);
}

bool
permit_allows(struct refusal *to, const struct compiled *function,
    const struct request *r)
{
	const struct identity *who = to->client->identity;
	struct permission_facts facts = {.args = r->args};

	if (function->permission.mode == FUNCTION_PERMISSION_FALSE) {
		HOP(to->traced, permission,
		    "permission=allowed permission_mode=false");
		return true;
	}
	if (who != NULL) {
		facts.user_id = who->user_id;
		facts.roles = who->roles;
		facts.role_count = who->role_count;
	}
	bool is_allowed = permission_allows(&function->permission, &facts);
	HOP(to->traced, permission, "permission=%s permission_mode=%.*s",
	    is_allowed ? "allowed" : "denied",
	    TEXT_ARG(function->permission.shown));
	scope_note(SCOPE_gateway_permission,
	    "user=%.*s service=%.*s type=%.*s allowed=%s",
	    TEXT_ARG(facts.user_id), TEXT_ARG(function->service),
	    TEXT_ARG(function->request_type), is_allowed ? "yes" : "no");
	if (is_allowed)
		return true;
	if (to->foreseen == NULL)
		permit_note(to->client->gateway,
		    &(struct permit_denial){
			.user_id = facts.user_id,
			.request_id = r->id_json,
			.function = function,
			.mode = function->permission.shown,
			.reason = "mode",
		    });
	refuse_text(to, ANSWER_denied, ANSWER_TEXT_DENIED);
	return false;
}
