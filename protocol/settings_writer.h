// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SETTINGS_WRITER_H
#define PROTOCOL_SETTINGS_WRITER_H

/*
 * settings_writer - what the parts of settings_read share: which node of the
 * file each setting has, and the values made from them.
 *
 * The steps: gather (keys), take (types, ranges, items), rules (what only
 * several settings together can get wrong), seal. A slip in one value hides
 * none of another: the rules pass over what is_wrong says was told, and an
 * item of a list that was refused stands as nil among the others.
 *
 * Trust:  nodes come from settings_yaml, bounded there.
 * Owner:  the struct is settings_read's; nodes and texts are its arena's.
 */

#include "protocol/base/arena.h"
#include "protocol/base/buffer.h"
#include "protocol/function_rules.h"
#include "protocol/settings_blob.h"
#include "protocol/settings_yaml.h"

struct settings_writer {
	struct arena arena;
	struct settings_problems *problems;
	/* what the file or the command line says; NULL: nothing */
	const struct yaml_node *nodes[SETTINGS_VALUES];
	struct settings_value values[SETTINGS_VALUES];
	bool is_wrong[SETTINGS_VALUES]; /* told already; of a list: an item */
	struct buffer bytes;            /* of texts and lists */
	struct text runtime_dir;        /* for ${runtime_dir} */
	struct text state_dir;
};

/* A field of an item of a LIST. */
struct settings_field {
	const char *list; /* "gateway_channels" */
	struct setting_row row;
	bool is_required;
};

extern const struct settings_field settings_fields[];
extern const size_t settings_field_count;

/* settings_gather finds each key's setting, or says what it may have meant. */
void settings_gather(struct settings_writer *, const struct yaml_node *root);

/* settings_override takes one "gateway.port=0" of the command line. */
void settings_override(struct settings_writer *, struct text assignment);

/* settings_unknown says a key is unknown, and which one is near. */
void settings_unknown(struct settings_writer *, const char *section,
    const struct yaml_item *, const char *const *candidates, size_t count);

/* settings_take turns every node, or default, into a value. */
void settings_take(struct settings_writer *);

/* settings_take_list takes TEXTS, LIST and MAPS. */
void settings_take_list(
    struct settings_writer *, uint32_t value, const struct yaml_node *);

/* What one scalar says, once its type and range are right. */
struct settings_scalar {
	uint64_t number;
	struct text text;
};

/*
 * settings_take_scalar checks a node against a row; false: the problem is
 * noted under `name`.
 */
bool settings_take_scalar(struct settings_writer *, const struct setting_row *,
    const char *name, const struct yaml_node *, struct settings_scalar *);

/* settings_default_node is the node of a row's default. */
const struct yaml_node *settings_default_node(
    struct settings_writer *, const struct setting_row *);

/* settings_rules checks settings against each other and the world. */
void settings_rules(struct settings_writer *);

/* settings_pools checks the items of pools.list with protocol/pool_spec. */
void settings_pools(struct settings_writer *);

/* settings_text_of borrows a text or list from the bytes, which must no
 * longer grow. */
struct text settings_text_of(const struct settings_writer *, uint32_t value);

/* settings_url_problem is NULL for an address nng and the link can dial. */
const char *settings_url_problem(struct text url);

/* settings_is_node: `nodes` has this name. */
bool settings_is_node(const struct settings_writer *, struct text name);

/* settings_rules_auth is the part of settings_rules for the section auth. */
void settings_rules_auth(struct settings_writer *);

/* settings_rules_telemetry: the same for the section telemetry. */
void settings_rules_telemetry(struct settings_writer *);

/* settings_function_rules reads what functions may call, and which hooks they
 * may name. */
struct function_rules settings_function_rules(struct settings_writer *);

/* settings_rules_security: the same for the section security. */
void settings_rules_security(struct settings_writer *);

#endif /* PROTOCOL_SETTINGS_WRITER_H */
