// SPDX-License-Identifier: MIT
#include "supervisor/cli/request.h"

#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/endpoint.h"
#include "protocol/pack.h"
#include "protocol/sp.h"
#include "supervisor/cli/dial.h"

enum {
	QUESTION_ID = 1,
	ANSWER_BYTES = ENDPOINT_MOST_BYTES + SP_HOPS_BYTES,
	IN_BYTES = ANSWER_BYTES + SP_IPC + DIAL_READ_BYTES
};

static enum err
send_question(struct dial *d, const struct request *request)
{
	uint8_t greeting[SP_HANDSHAKE_BYTES];
	uint8_t head[SP_QUESTION_BYTES];
	struct buffer body;
	struct packer p;

	buffer_init(&body, ENDPOINT_MOST_BYTES - 64);
	pack_init(&p, &body);
	pack_map(&p, 3);
	pack_string(&p, "op");
	pack_string(&p, request->op);
	pack_string(&p, "args");
	pack_raw(&p, request->args);
	pack_string(&p, "v");
	pack_u64(&p, 1);
	enum err e = pack_finish(&p);
	sp_write_handshake(greeting, SP_REQ0);
	sp_write_question(head, QUESTION_ID, buffer_used(&body));
	if (e == OK)
		e = dial_send(d, greeting, sizeof(greeting));
	if (e == OK)
		e = dial_send(d, head, sizeof(head));
	if (e == OK)
		e = dial_send(d, buffer_at(&body), buffer_used(&body));
	buffer_finish(&body);
	return e;
}

/* receive_answer copies the answer's body. */
static enum err
receive_answer(struct dial *d, struct buffer *body)
{
	struct sp_message answer;
	enum err e = dial_need(d, SP_HANDSHAKE_BYTES);

	if (e != OK)
		return e;
	if (!sp_is_handshake(buffer_at(&d->in), SP_REP0))
		return ERR_MALFORMED;
	buffer_consume(&d->in, SP_HANDSHAKE_BYTES);
	while ((e = sp_read(buffer_at(&d->in), buffer_used(&d->in), SP_IPC,
		    ANSWER_BYTES, &answer)) == ERR_AGAIN) {
		e = dial_receive(d);
		if (e != OK)
			return e;
	}
	return e == OK ? buffer_append_text(body, answer.body) : ERR_MALFORMED;
}

static enum err
read_answer(struct reply *reply)
{
	struct text raw = buffer_text(&reply->bytes);
	struct text error;

	if (pack_check(raw, (struct pack_limits){PACK_DEPTH, 1 << 22}) != OK ||
	    unpack_field_bool(raw, "ok", &reply->is_ok) != OK)
		return ERR_MALFORMED;
	reply->class = TEXT("internal");
	reply->message = TEXT("");
	reply->hint = TEXT("");
	if (reply->is_ok)
		return unpack_map_find(raw, TEXT("result"), &reply->result);
	if (unpack_map_find(raw, TEXT("error"), &error) != OK)
		return ERR_MALFORMED;
	if (unpack_field_text(error, "class", &reply->class) != OK ||
	    unpack_field_text(error, "message", &reply->message) != OK)
		return ERR_MALFORMED;
	if (unpack_field_text(error, "hint", &reply->hint) != OK)
		reply->hint = TEXT("");
	return OK;
}

/*
 * is_anothers: a refused peer is only hung up on, which looks like a death.
 * Who owns the socket tells the two apart.
 */
static bool
is_anothers(const char *path)
{
	struct stat st;

	return geteuid() != 0 && stat(path, &st) == 0 && st.st_uid != geteuid();
}

enum err
request_ask(const struct request *request, struct reply *reply)
{
	struct dial d = {.fd = -1,
	    .until_ms = clock_mono_ms() + request->timeout_ms,
	    .waiting = request->waiting};
	enum err e;

	*reply = (struct reply){.is_ok = false};
	buffer_init(&reply->bytes, ANSWER_BYTES);
	buffer_init(&d.in, IN_BYTES);
	e = dial_open_path(&d, request->path);
	if (e == OK)
		e = send_question(&d, request);
	if (e == OK)
		e = receive_answer(&d, &reply->bytes);
	if (e == ERR_CLOSED && is_anothers(request->path))
		e = ERR_DENIED;
	if (e == OK)
		e = read_answer(reply);
	dial_close(&d);
	return e;
}

void
request_finish(struct reply *reply)
{
	buffer_finish(&reply->bytes);
}
