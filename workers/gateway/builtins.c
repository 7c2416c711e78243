// SPDX-License-Identifier: MIT
#include "workers/gateway/builtins.h"

#include "protocol/json.h"
#include "protocol/store.h"

enum {
	FORM_BYTES = 4096
};

/*
 * B(request_type, idempotent, arguments): what a client sends as `args`, in
 * the order the relay takes them.
 */
#define GROUP    "\"group_id\":[\"string\",1024]"
#define OF_GROUP "\"arg_types\":{" GROUP "},\"arg_orders\":[\"group_id\"]"
#define OF_MEMBER \
	"\"arg_types\":{" GROUP ",\"user_id\":[\"string\",1024]}," \
	"\"arg_orders\":[\"group_id\",\"user_id\"]"
#define BUILTINS(B) \
	B(accept, false, OF_MEMBER) \
	B(create, false, \
	    "\"arg_types\":{" GROUP ",\"group_type\":\"string\"}," \
	    "\"arg_orders\":[\"group_id\",\"group_type\"]") \
	B(delete, false, OF_GROUP) \
	B(info, true, OF_GROUP) \
	B(join, false, OF_GROUP) \
	B(leave, false, OF_GROUP) \
	B(list, true, "\"arg_types\":{},\"arg_orders\":[]") \
	B(mute, false, OF_MEMBER) \
	B(send, false, \
	    "\"arg_types\":{" GROUP ",\"message\":\"any\"}," \
	    "\"arg_orders\":[\"group_id\",\"message\"]") \
	B(unmute, false, OF_MEMBER)

static const struct {
	const char *request_type;
	const char *form; /* FunConfig; %s: who may call it */
} builtins[] = {
#define B(name, is_idempotent, arguments) \
	{#name, \
	    "{\"service\":\"relay\",\"request_type\":\"" #name "\"," \
	    "\"nodes\":[\"relay\"],\"idempotent\":" #is_idempotent "," \
	    "\"mfa\":{\"module\":\"relay\",\"function\":\"" #name \
	    "\",\"args\":[]},\"check_permission\":%s," arguments "}"},
    BUILTINS(B)
#undef B
};

/* pack makes one function's map as the store would have it. */
static struct text
pack(const char *form, bool needs_user, struct buffer *to)
{
	struct buffer json;

	buffer_init(&json, FORM_BYTES);
	buffer_truncate(to, 0);
	enum err e = OK;
	for (const char *at = form; *at != '\0' && e == OK; at++) {
		if (at[0] != '%')
			e = buffer_append(&json, at, 1);
		else if (at++, needs_user)
			e = buffer_append_text(
			    &json, TEXT("\"any_authenticated\""));
		else
			e = buffer_append_text(&json, TEXT("false"));
	}
	if (e == OK)
		e = json_to_pack(buffer_text(&json), to, JSON_LIMITS, NULL);
	INVARIANT(e == OK);
	buffer_finish(&json);
	return buffer_text(to);
}

void
builtins_compile(struct functions *f, const struct functions_context *context,
    bool needs_user)
{
	struct functions next;
	struct buffer packed;

	functions_init(&next);
	buffer_init(&packed, FORM_BYTES);
	for (size_t i = 0; i < COUNT_OF(builtins); i++) {
		const struct store_record record = {
		    .service = TEXT("relay"),
		    .request_type = text_of(builtins[i].request_type),
		    .version = TEXT(""),
		    .source = STORE_SETTINGS,
		    .span = pack(builtins[i].form, needs_user, &packed),
		};

		functions_add(&next, context, &record);
	}
	buffer_finish(&packed);
	INVARIANT(next.count == COUNT_OF(builtins));
	functions_finish(f);
	*f = next;
	functions_index(f);
}

enum err
builtins_find(const struct functions *told, const struct functions *builtin,
    const struct request *r, struct compiled **to)
{
	struct compiled *own;
	enum err e =
	    functions_find(told, r->service, r->request_type, r->version, to);

	if (!text_is(r->service, "relay") ||
	    functions_find(
		builtin, r->service, r->request_type, r->version, &own) != OK ||
	    functions_is_operators(told, r->service, r->request_type))
		return e;
	*to = own;
	return OK;
}
