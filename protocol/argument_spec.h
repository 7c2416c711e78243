// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_ARGUMENT_SPEC_H
#define PROTOCOL_ARGUMENT_SPEC_H

/*
 * argument_spec - one declared argument, and the check of one value against
 * it. The inside of arguments.[ch]; nobody else includes it.
 *
 * Trust:  specs come from services (bounded by function_check), values from
 *         clients.
 * Owner:  all memory is the arena's of arguments_compile.
 */

#include "protocol/arguments.h"

enum argument_type {
	ARGUMENT_STRING,
	ARGUMENT_NUM,
	ARGUMENT_BOOLEAN,
	ARGUMENT_DATETIME,
	ARGUMENT_NAIVE_DATETIME,
	ARGUMENT_UUID,
	ARGUMENT_LIST,
	ARGUMENT_LIST_STRING,
	ARGUMENT_LIST_NUM,
	ARGUMENT_LIST_UUID,
	ARGUMENT_LIST_MAP,
	ARGUMENT_MAP,
	ARGUMENT_ANY,
	ARGUMENT_TYPES
};

struct argument_spec {
	struct text name;
	enum argument_type type;
	bool is_nil_allowed;
	bool is_plain;           /* a bare word: a map's values are unchecked */
	uint32_t max_bytes;      /* string */
	uint32_t max_items;      /* lists, map */
	uint32_t max_item_bytes; /* list_string */
	struct text *required;   /* map */
	uint32_t required_count;
	struct text *accept; /* map; none: any key */
	uint32_t accept_count;
	struct text fallback; /* the default, converted; len 0: none */
	struct text value;    /* scratch: what this call brought */
};

struct arguments {
	struct text request_type; /* for error texts */
	struct argument_limits limits;
	struct argument_spec *specs;
	uint32_t count;
	bool is_positional; /* else one map, or the one value */
	uint32_t *order;    /* positional: index into specs */
	struct text fixed;  /* the packed items of mfa.args, without head */
	uint32_t fixed_count;
};

const char *argument_type_name(enum argument_type);

/* argument_spec_read fills a spec; false when its form is not accepted. */
bool argument_spec_read(struct text name, struct text span,
    const struct arguments *, struct arena *, struct argument_spec *);

/*
 * argument_write checks a value that is present and packs it converted. False
 * with a text in `error`.
 */
bool argument_write(const struct arguments *, const struct argument_spec *,
    struct text span, struct packer *out, struct argument_error *error);

/* argument_refuse fills the error (inspect_format's letters); gives false. */
bool argument_refuse(struct argument_error *, const char *fmt, ...);

#endif /* PROTOCOL_ARGUMENT_SPEC_H */
