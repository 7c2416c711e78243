// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_FUNCTION_H
#define PROTOCOL_FUNCTION_H

/*
 * function - one function a client can call: the FunConfig.
 *
 * Read from a msgpack map in the encoding of protocol/FUNCTION.md, with the
 * documented defaults for what is absent. Reading never fails on a wrong
 * value: it leaves an INVALID mark that function_check turns into the text a
 * person reads, so that one look shows everything that is wrong.
 *
 * Trust:  the map comes from services and operators and has passed pack_check.
 *         A function that passed function_check may be compiled and stored.
 * Owner:  texts borrow the map they were read from; lists are the arena's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/arena.h"
#include "protocol/base/err.h"
#include "protocol/base/text.h"

struct packer;

enum {
	FUNCTION_TIMEOUT_MIN_MS = 100,
	FUNCTION_TIMEOUT_MAX_MS = 300000,
	FUNCTION_HOOK_TIMEOUT_MS = 5000,
	/* names become a key of the store together: 511 bytes at most */
	FUNCTION_NAME_BYTES = 160,
	FUNCTION_VERSION_BYTES = 64,
	FUNCTION_POOL_BYTES = 64,
	FUNCTION_ARGUMENTS = 128, /* declared arguments */
	FUNCTION_NODES = 256,
};

/* timeout_ms of a function that may take for ever, and of one whose map names
 * none: `gateway.infinite_timeout_ms` and `gateway.default_timeout_ms` hold. */
#define FUNCTION_NO_TIMEOUT      UINT32_MAX
#define FUNCTION_DEFAULT_TIMEOUT (UINT32_MAX - 1)

enum function_nodes {
	FUNCTION_NODES_INVALID,
	FUNCTION_NODES_LIST, /* names or URLs */
	FUNCTION_NODES_LOCAL,
	FUNCTION_NODES_RESOLVER, /* {resolver: target} */
};

enum function_choose {
	FUNCTION_CHOOSE_INVALID,
	FUNCTION_CHOOSE_RANDOM,
	FUNCTION_CHOOSE_ROUND_ROBIN,
	FUNCTION_CHOOSE_HASH,     /* by request_id */
	FUNCTION_CHOOSE_HASH_KEY, /* by args[key], else the request's field */
	FUNCTION_CHOOSE_STICKY,
	FUNCTION_CHOOSE_CUSTOM,
};

enum function_response {
	FUNCTION_RESPONSE_INVALID,
	FUNCTION_SYNC,
	FUNCTION_ASYNC,
	FUNCTION_STREAM,
	FUNCTION_NONE,
};

enum function_permission {
	FUNCTION_PERMISSION_INVALID,
	FUNCTION_PERMISSION_FALSE, /* no check */
	FUNCTION_PERMISSION_AUTHENTICATED,
	FUNCTION_PERMISSION_ARG,
	FUNCTION_PERMISSION_ROLE,
};

enum function_orders {
	FUNCTION_ORDERS_INVALID,
	FUNCTION_ORDERS_NULL, /* explicitly null */
	FUNCTION_ORDERS_MAP,  /* "map" */
	FUNCTION_ORDERS_LIST, /* maybe empty */
};

/* Something that may be absent, there and well formed, or there and not. */
enum function_option {
	FUNCTION_ABSENT,
	FUNCTION_GIVEN,
	FUNCTION_BROKEN,
};

/* Which nodes another attempt goes to. */
enum function_retry {
	FUNCTION_RETRY_ALL_NODES, /* chosen anew */
	FUNCTION_RETRY_SAME_NODE, /* in the order of the first attempt */
};

/* {module, function, args}: what runs on the service. */
struct function_target {
	struct text module;
	struct text function;
	struct text args;   /* span of the array; empty: [] */
	uint32_t arg_count; /* items in `args` */
	bool is_valid;
};

/*
 * A hook a function names: by the name it is registered under (`hooks:` in the
 * YAML), or by the module and function that are registered under some name.
 * What runs is never said here.
 */
struct function_hook {
	enum function_option option;
	struct text name;              /* len 0: named by its target */
	struct function_target target; /* `args` are its extras in any case */
};

struct function {
	struct text request_type; /* len 0: invalid */
	struct text service;      /* len 0: invalid */
	struct text version;      /* len 0: none */
	bool is_version_valid;

	enum function_nodes nodes_kind;
	struct text *nodes;
	uint32_t node_count;
	struct text pool; /* LOCAL: which pool; len 0: worker_pool chooses */
	bool is_pool_valid;

	enum function_choose choose;
	struct text choose_key;          /* HASH_KEY, STICKY */
	struct function_target resolver; /* RESOLVER */
	struct function_target chooser;  /* CUSTOM */

	uint32_t timeout_ms;           /* 0: invalid; or one of the two above */
	struct function_target target; /* "mfa" */

	struct text arg_types; /* span of the map; empty: null or absent */
	bool is_arg_types_valid;
	enum function_orders orders_kind;
	struct text *orders;
	uint32_t order_count;

	enum function_response response;
	bool request_info;
	bool is_request_info_valid;
	bool disabled;   /* as sent; operators' overrides are the store's */
	bool idempotent; /* may be run again after it was dispatched */

	enum function_permission permission;
	struct text permission_arg;   /* ARG: the name */
	struct text permission_roles; /* ROLE: span of the list */
	enum function_option permission_callback;
	struct function_target callback; /* permission_callback GIVEN */
	enum function_option retry;
	enum function_retry retry_mode; /* retry GIVEN */
	uint32_t retry_count;           /* attempts after the first; may be 0 */
	struct function_hook before_execute;
	struct function_hook after_execute;
	struct function_hook result_encoder;
	uint32_t hook_timeout_ms; /* 0: invalid */

	struct text span; /* the map it was read from */
};

/*
 * function_read fills `f` from a span that is a map. ERR_TYPE when it is no
 * map, ERR_MALFORMED when it is no msgpack: only then `f` is unusable.
 */
enum err function_read(
    struct text span, struct arena *, struct function *) MUST_USE;

/*
 * function_normalise_version does what pull and push do before checking: "",
 * "0.0.0" and anything that is not text become "no version".
 */
void function_normalise_version(struct function *);

/*
 * function_write packs a function as a map in one fixed order with every
 * default spelled out: equal functions have equal bytes. `f` was checked.
 */
void function_write(struct packer *, const struct function *);

/*
 * function_is_own: it runs code of this very tree (`nodes: local`, the node
 * `relay`, a resolver, a custom chooser), which only an operator may ask for.
 */
bool function_is_own(const struct function *);

/* function_is_own_node: "local" or "relay", names no service can have. */
bool function_is_own_node(struct text name);

/* The words of the encoding: "round_robin", "sync", … */
const char *function_choose_name(enum function_choose);
const char *function_response_name(enum function_response);

#endif /* PROTOCOL_FUNCTION_H */
