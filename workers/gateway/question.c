// SPDX-License-Identifier: MIT
#include "workers/gateway/question.h"

#include <string.h>

#include "workers/gateway/client.h"
#include "workers/gateway/functions.h"
#include "workers/gateway/identity.h"

static void
put_roles(struct packer *p, const struct identity *who)
{
	uint32_t count = who != NULL ? who->role_count : 0;

	pack_string(p, "user_roles");
	pack_array(p, count);
	for (uint32_t i = 0; i < count; i++)
		pack_text(p, who->roles[i]);
}

void
question_put_request(struct packer *p, const struct compiled *f,
    const struct client *c, const struct request *r)
{
	pack_map(p, 8);
	pack_field_given(p, "request_id", r->request_id);
	pack_field_given(p, "service", f->service);
	pack_field_given(p, "request_type", f->request_type);
	pack_field_given(p, "version",
	    f->version.len > 0 ? f->version : (struct text){.at = NULL});
	pack_field_given(p, "user_id", r->user_id);
	put_roles(p, c != NULL ? c->identity : NULL);
	pack_field_given(p, "device_id", r->device_id);
	pack_string(p, "args");
	if (r->args.len > 0)
		pack_raw(p, r->args);
	else
		pack_map(p, 0);
}

void
question_put_args(struct packer *p, const struct function_target *target)
{
	struct unpacker u;
	struct text item;
	uint32_t count;

	unpack_init(&u, target->args);
	if (target->arg_count == 0 || unpack_array(&u, &count) != OK)
		return;
	while (count-- > 0 && unpack_raw(&u, &item) == OK)
		pack_raw(p, item);
}

struct text
question_keep(char **at, struct text t)
{
	struct text kept = {.at = t.at == NULL ? NULL : *at, .len = t.len};

	if (t.len > 0)
		memcpy(*at, t.at, t.len);
	*at += t.len;
	return kept;
}

/* args_in finds the arguments where they stand in the question already. */
static struct text
args_in(struct text question)
{
	struct unpacker u;
	struct text request = question, args;
	uint32_t count;

	unpack_init(&u, question);
	if (unpack_peek(&u) != PACK_MAP)
		INVARIANT(unpack_array(&u, &count) == OK &&
		    unpack_raw(&u, &request) == OK);
	INVARIANT(unpack_map_find(request, TEXT("args"), &args) == OK);
	return args;
}

size_t
question_request_bytes(const struct request *r)
{
	return (size_t)r->request_id.len + r->id_json.len + r->user_id.len +
	    r->device_id.len;
}

void
question_keep_request(char **at, struct text question, const struct compiled *f,
    const struct request *from, struct request *to)
{
	*to = (struct request){
	    .request_id = question_keep(at, from->request_id),
	    .id_json = question_keep(at, from->id_json),
	    .request_type = f->request_type,
	    .service = f->service,
	    .user_id = question_keep(at, from->user_id),
	    .device_id = question_keep(at, from->device_id),
	    .args = args_in(question),
	};
}
