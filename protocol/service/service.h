// SPDX-License-Identifier: MIT
#ifndef BANYAN_SERVICE_H
#define BANYAN_SERVICE_H

/*
 * service - write a Banyan service in C. This header is all there is; link
 * with libbanyan-service (pkg-config banyan-service).
 *
 *	static void
 *	greet(struct service_call *call, void *ctx)
 *	{
 *		struct service_text name;
 *
 *		if (!service_arg_text(call, 0, &name))
 *			return service_fail(call, "invalid_argument", "name?");
 *		service_put_text(call, name.at, name.len);
 *		service_done(call);
 *	}
 *
 * One thread. A handler runs to its end before the next one starts, so it
 * must not block: after 3 s of silence gateways take the service for dead.
 * What takes longer returns without an answer, keeps its call, and answers
 * later: from service_later, from another call, or when a thread of its own is
 * through with the work and says so with service_post.
 *
 * A stream (response "stream") sends parts with service_chunk for as long as
 * service_credit has room, returns, and goes on in on_room:
 *
 *	static void
 *	go_on(struct service_call *call, void *ctx)
 *	{
 *		int64_t *next = service_state(call, sizeof(*next));
 *
 *		for (; service_credit(call) > 0; ++*next) {
 *			if (*next == 1000000)
 *				return service_done(call);
 *			service_put_i64(call, *next);
 *			service_chunk(call);
 *		}
 *	}
 *
 * The same handlers run inside Banyan when they are built as a plug-in:
 * protocol/service/plugin.h.
 *
 * Trust:  arguments come from clients; gateways have checked their types.
 * Owner:  a call belongs to the service until service_done or service_fail,
 *         which every call needs exactly once, a cancelled one too. Texts and
 *         arguments of a call are good only inside the handler: copy what is
 *         needed later, for example into service_state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct service;
struct service_call;

struct service_text {
	const char *at; /* not NUL-terminated */
	uint32_t len;
};

/* One declared argument; the list ends with a NULL name. */
struct service_argument {
	const char *name;
	const char *type; /* string num boolean datetime naive_datetime uuid
			     list list_string list_num list_uuid list_map map */
	uint32_t max;     /* max_bytes of a string, max_items of others; 0: the
			     gateway's default */
	bool is_optional; /* null when absent */
};

struct service_function {
	const char *name;
	void (*run)(struct service_call *, void *ctx);
	void *ctx;
	const struct service_argument *arguments; /* NULL: takes none */
	const char *version;                      /* NULL: "1.0.0" */
	uint32_t timeout_ms;                      /* 0: 5000 */
	bool wants_caller;                        /* service_caller works */
	bool is_idempotent; /* may run twice: lost calls go elsewhere */
	/* What clients get: "sync" (NULL) one answer; "async" a receipt, then
	 * one answer; "stream" parts; "none" nothing. */
	const char *response;
	/* A stream that had no credit may send again. NULL: it never waits. */
	void (*on_room)(struct service_call *, void *ctx);
	/* Nobody waits any more. The call still needs its end, here or later
	 * (service_give_up does just that); NULL: it comes to it by itself.
	 * Never called while a handler runs with the call. */
	void (*on_cancel)(struct service_call *, void *ctx);
};

/* ---- life ---- */

/* NULL: no memory or descriptors. `name` is what clients call it. */
struct service *service_create(const char *name);

/* Takes NULL and leaves NULL. Open calls get on_cancel first. */
void service_destroy(struct service **);

/* false: a name twice, or a table of 512 functions is full. Copies nothing:
 * the function's strings must live as long as the service. */
bool service_add(struct service *, const struct service_function *);

/* A whole table, ended by a function without a name. */
bool service_add_all(struct service *, const struct service_function *);

/* service_node: the node name clients' gateways know this process by; default
 * is the first URL listened on. */
void service_node(struct service *, const char *node);

/* service_tls: PEM files for tls+tcp://, before the first listen; with `ca`,
 * gateways must show a certificate signed by it. */
bool service_tls(
    struct service *, const char *cert, const char *key, const char *ca);

/* ipc://PATH, tcp://ADDRESS:PORT (loopback only), tls+tcp://ADDRESS:PORT */
bool service_listen(struct service *, const char *url);

/* The last error, for people. */
const char *service_error(const struct service *);

/* The first URL listened on, port 0 filled in. */
const char *service_url(const struct service *);

/*
 * service_run serves until TERM or INT, then drains: gateways are told, what
 * has begun is finished, and the last answer has arrived before it closes its
 * sockets and returns (at most 5 s). 0: stopped as asked.
 */
int service_run(struct service *);

/*
 * To serve inside a loop of your own instead: poll service_fd for input and
 * call service_turn when it is readable, and at least every
 * service_wait_ms. service_drain starts a drain, service_is_drained ends it.
 */
int service_fd(const struct service *);
uint32_t service_wait_ms(const struct service *);
void service_turn(struct service *);
void service_drain(struct service *);
bool service_is_drained(const struct service *);

/*
 * service_post has `run` called in the service's thread, soon. The only
 * function of this header that other threads may call, up to the moment of
 * service_destroy; what was posted and has not run by then does not.
 */
void service_post(struct service *, void (*run)(void *ctx), void *ctx);

/* ---- one call ---- */

const char *service_function_name(const struct service_call *);

/* Milliseconds left before nobody waits any more; UINT32_MAX: no deadline. */
uint32_t service_deadline_ms(const struct service_call *);

/* Nobody waits any more, or the gateway is gone: answering is harmless. */
bool service_is_cancelled(const struct service_call *);

/* "user_id", "device_id", "request_id"; false: unknown. */
bool service_caller(
    const struct service_call *, const char *fact, struct service_text *);

/* Arguments by position, 0 first. false: absent, or another type. */
uint32_t service_arg_count(const struct service_call *);
bool service_arg_text(
    const struct service_call *, uint32_t, struct service_text *);
bool service_arg_i64(const struct service_call *, uint32_t, int64_t *);
bool service_arg_f64(const struct service_call *, uint32_t, double *);
bool service_arg_bool(const struct service_call *, uint32_t, bool *);
bool service_arg_is_null(const struct service_call *, uint32_t);

/* A field of an argument that is a map. */
bool service_field_text(const struct service_call *, uint32_t, const char *key,
    struct service_text *);
bool service_field_i64(
    const struct service_call *, uint32_t, const char *key, int64_t *);

/* The result, value by value: a container's head, then what is in it. */
void service_put_null(struct service_call *);
void service_put_bool(struct service_call *, bool);
void service_put_i64(struct service_call *, int64_t);
void service_put_f64(struct service_call *, double);
void service_put_text(struct service_call *, const char *, uint32_t len);
void service_put_string(struct service_call *, const char *);
void service_put_array(struct service_call *, uint32_t count);
void service_put_map(struct service_call *, uint32_t count);
/* key and value of a map in one step */
void service_put_field(struct service_call *, const char *key, const char *);
/* an argument as it came */
void service_put_arg(struct service_call *, uint32_t);

/*
 * service_chunk sends what was put since the last one as the next part of a
 * stream. false: nothing was kept; either there is no credit (put it again in
 * on_room) or nobody waits any more (on_cancel comes). One part may be larger
 * than the credit that is left; the next one waits then.
 */
bool service_chunk(struct service_call *);

/* Bytes of parts that may be sent now; 0: return, and go on in on_room. After
 * more than 0 the next service_chunk has its place, unless a cancel comes. */
uint32_t service_credit(struct service_call *);

/*
 * The end of every call: one of the two. No value put is null; in a stream,
 * values put are its last part. `code` and `text` are for operators: clients
 * read "Internal server error" unless their gateway's settings say
 * request.detail_error.
 */
void service_done(struct service_call *);
void service_fail(struct service_call *, const char *code, const char *text);

/* service_give_up ends the call; for on_cancel. */
void service_give_up(struct service_call *, void *ctx);

/* ---- calls that outlast their handler ---- */

/*
 * service_state is memory of the call's own: zeroed when first asked for, the
 * same each time after, gone when the call ends.
 */
void *service_state(struct service_call *, size_t bytes);

/*
 * service_later runs `run` with the call and its function's ctx in so many
 * milliseconds; a second one replaces the first, and a call that has ended
 * runs none.
 */
void service_later(struct service_call *, uint32_t ms,
    void (*run)(struct service_call *, void *ctx));

#ifdef __cplusplus
}
#endif

#endif /* BANYAN_SERVICE_H */
