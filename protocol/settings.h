// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_SETTINGS_H
#define PROTOCOL_SETTINGS_H

/*
 * settings - the validated settings as every process holds them: a sealed
 * memfd, mapped read-only, whose values are asked for by enum.
 *
 * It knows no YAML: libexec/banyan/settings (protocol/settings_read.h) is the
 * only writer. All values are there and in range: a reader has no error path.
 *
 * Trust:  the memfd comes from our parent; seals, size, table, offsets and
 *         checksum are checked once in settings_open.
 * Owner:  settings_open/settings_close own the mapping, the caller keeps the
 *         descriptor. Texts and spans borrow it until settings_close.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/base/err.h"
#include "protocol/base/text.h"
#include "protocol/handover.h"
#include "protocol/pack.h"
#include "protocol/role.h"
#include "protocol/tables/settings.h"

/* A top-level key `node` is SETTING_node; `gateway.port` SETTING_gateway_port.
 */
#define SETTING_ID_top(key)             SETTING_##key
#define SETTING_ID_log(key)             SETTING_log_##key
#define SETTING_ID_supervisor(key)      SETTING_supervisor_##key
#define SETTING_ID_gateway(key)         SETTING_gateway_##key
#define SETTING_ID_auth(key)            SETTING_auth_##key
#define SETTING_ID_puller(key)          SETTING_puller_##key
#define SETTING_ID_rate_limiter(key)    SETTING_rate_limiter_##key
#define SETTING_ID_pools(key)           SETTING_pools_##key
#define SETTING_ID_pools_lifecycle(key) SETTING_pools_lifecycle_##key
#define SETTING_ID_pools_recommendations(key) \
	SETTING_pools_recommendations_##key
#define SETTING_ID_relay(key)             SETTING_relay_##key
#define SETTING_ID_relay_audit(key)       SETTING_relay_audit_##key
#define SETTING_ID_request(key)           SETTING_request_##key
#define SETTING_ID_arguments(key)         SETTING_arguments_##key
#define SETTING_ID_history(key)           SETTING_history_##key
#define SETTING_ID_security(key)          SETTING_security_##key
#define SETTING_ID_health(key)            SETTING_health_##key
#define SETTING_ID_health_thresholds(key) SETTING_health_thresholds_##key
#define SETTING_ID_discovery(key)         SETTING_discovery_##key
#define SETTING_ID_tracer(key)            SETTING_tracer_##key
#define SETTING_ID_telemetry(key)         SETTING_telemetry_##key
#define SETTING_ID_telemetry_bus(key)     SETTING_telemetry_bus_##key
#define SETTING_ID_monitoring(key)        SETTING_monitoring_##key
#define SETTING_ID_prometheus(key)        SETTING_prometheus_##key

enum setting {
#define S(section, key, ...) SETTING_ID_##section(key),
	SETTINGS_TABLE(S)
#undef S
	SETTINGS,
	SETTING_none = SETTINGS
};

enum worker_setting {
#define P(key, ...) WORKER_##key,
	WORKER_SETTINGS_TABLE(P)
#undef P
	WORKER_SETTINGS
};

enum setting_type {
	SETTING_BOOL,
	SETTING_U64,
	SETTING_TEXT,
	SETTING_CHOICE,
	SETTING_TEXTS,
	SETTING_LIST,
	SETTING_MAPS,
	SETTING_ANY
};

/* A row of the table, for those who show, check or explain settings. */
struct setting_row {
	const char
	    *section; /* "" at the top; "workers.puller" is a role's own */
	const char *key;
	enum setting_type type;
	const char *fallback; /* the default, as written in a file */
	uint64_t min;
	uint64_t max;
	bool is_live;
	enum role role;       /* who uses it; ROLE_none: every process */
	enum setting inherit; /* roles' rows: SETTING_none or where from */
	const char *unit;
	const char *meaning;
};

extern const struct setting_row setting_rows[SETTINGS];
extern const struct setting_row worker_setting_rows[WORKER_SETTINGS];

enum {
	SETTINGS_BYTES = 16 << 20, /* the largest memfd accepted */
	SETTING_NAME = 96          /* "workers.rate_limiter.start_timeout_ms" */
};

struct settings;

/*
 * settings_open maps and checks. ERR_VERSION: written with another table;
 * ERR_MALFORMED: not sealed, cut off, checksum; ERR_SYSTEM.
 */
enum err settings_open(int fd, struct settings **) MUST_USE;
void settings_close(struct settings **);

uint64_t settings_u64(const struct settings *, enum setting);
bool settings_bool(const struct settings *, enum setting);

/* settings_text has a NUL behind it; settings_string is the same text. */
struct text settings_text(const struct settings *, enum setting);
const char *settings_string(const struct settings *, enum setting);

/* settings_choice counts the words of the row's unit from 0. */
uint32_t settings_choice(const struct settings *, enum setting);
const char *settings_choice_word(
    const struct settings *, enum setting, char *to, size_t size);

/*
 * settings_list gives a msgpack array: of texts (TEXTS), of maps with every
 * field of SETTINGS_ITEMS there and in range (LIST), of maps as they were
 * written (MAPS). It needs no pack_check.
 */
struct text settings_list(const struct settings *, enum setting);

/* The same for workers.<role>; what was not written is inherited already. */
uint64_t settings_worker_u64(
    const struct settings *, enum role, enum worker_setting);
bool settings_worker_bool(
    const struct settings *, enum role, enum worker_setting);
uint32_t settings_worker_choice(
    const struct settings *, enum role, enum worker_setting);

uint64_t settings_generation(const struct settings *);
uint64_t settings_checksum(const struct settings *); /* of the values only */

/* ---- what changed -------------------------------------------------------- */

struct settings_change {
	char name[SETTING_NAME]; /* "gateway.port" */
	bool is_live;
	enum role role; /* who applies it, or must be restarted; none: all */
};

/* settings_diff writes the first `size` changes and returns how many are. */
size_t settings_diff(const struct settings *old, const struct settings *next,
    struct settings_change *to, size_t size);

/* The settings a process has met. */
struct settings_lives {
	const struct settings *began; /* its life began with these … */
	const struct settings *old; /* … and took the live keys from these */
	const struct settings *next;
};

/*
 * settings_reload_result is how a process of `role` answers a reload whose
 * live keys it applied. The others wait for a restart for as long as `next`
 * differs from what the life began with; `keys` lists them.
 */
enum reload_result settings_reload_result(
    const struct settings_lives *, enum role, char *keys, size_t size);

/*
 * settings_pack writes a map {section: {key: value}} for `settings show`;
 * `section` NULL or "" means all, "workers.gateway" one role. ERR_NOT_FOUND.
 */
enum err settings_pack(
    const struct settings *, const char *section, struct packer *) MUST_USE;

/* ---- where things are when nothing says ---------------------------------- */

/*
 * settings_default_dirs: /run/banyan and /var/lib/banyan for root, else below
 * $XDG_RUNTIME_DIR and $XDG_STATE_HOME (or $HOME/.local/state). The command
 * line, $BANYAN_RUNTIME_DIR / $BANYAN_STATE_DIR and the file come before.
 */
enum err settings_default_runtime_dir(char *to, size_t size) MUST_USE;
enum err settings_default_state_dir(char *to, size_t size) MUST_USE;

#endif /* PROTOCOL_SETTINGS_H */
