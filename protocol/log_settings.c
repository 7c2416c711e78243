// SPDX-License-Identifier: MIT
/* log_settings - the log of this process as its settings want it. */

#include "protocol/log_settings.h"

#include <string.h>

#include "protocol/base/buffer.h"
#include "protocol/log_rules.h"
#include "protocol/mask.h"
#include "protocol/unpack.h"

/* The words of security.masked_keys, kept: lines are written until the very
 * end, when the settings are gone. */
static struct {
	struct mask mask;
	struct buffer words;
} kept;

static void
hide(char fields[LOG_FIELDS_BYTES])
{
	struct buffer masked;

	buffer_init(&masked, 2 * LOG_FIELDS_BYTES);
	if (mask_text(&kept.mask, text_of(fields), &masked) != OK)
		buffer_truncate(&masked, 0); /* rather nothing than a secret */
	struct text t = buffer_text(&masked);
	if (t.len >= LOG_FIELDS_BYTES)
		t.len = LOG_FIELDS_BYTES - 1;
	if (t.len > 0)
		memcpy(fields, t.at, t.len);
	fields[t.len] = '\0';
	buffer_finish(&masked);
}

static void
keep_words(const struct settings *s)
{
	struct text words = settings_list(s, SETTING_security_masked_keys);

	buffer_finish(&kept.words);
	buffer_init(&kept.words, words.len + 1);
	kept.mask.count = 0;
	if (buffer_append_text(&kept.words, words) == OK)
		mask_read(&kept.mask, buffer_text(&kept.words));
	log_hide(hide);
}

static uint64_t
scopes_of(const struct settings *s)
{
	struct unpacker u;
	uint64_t mask = log_rules_environment();
	uint32_t count = 0;

	unpack_init(&u, settings_list(s, SETTING_log_debug_scopes));
	if (unpack_array(&u, &count) != OK)
		return mask;
	for (uint32_t i = 0; i < count; i++) {
		struct text name;

		if (unpack_text(&u, &name) == OK)
			mask |= log_scope_mask(name);
	}
	return mask;
}

void
log_settings_take(const struct settings *s, enum role role)
{
	struct log_choice choice = {
	    .level = (enum log_level)settings_choice(s, SETTING_log_level),
	    .scopes = scopes_of(s),
	    .is_boxed = true,
	    .tells_actions = true,
	    .tells_health = true};

	if (role != ROLE_none && (int)role < ROLE_WORKERS_END) {
		choice.level = (enum log_level)settings_worker_choice(
		    s, role, WORKER_log_level);
		choice.is_boxed =
		    settings_worker_bool(s, role, WORKER_log_terminal);
		choice.tells_actions =
		    settings_worker_bool(s, role, WORKER_log_actions);
		choice.tells_health =
		    settings_worker_bool(s, role, WORKER_log_health);
	}
	log_set_format((enum log_format)settings_choice(s, SETTING_log_format));
	log_set_colour((enum log_colour)settings_choice(s, SETTING_log_color));
	log_set_folding((uint32_t)settings_u64(s, SETTING_log_fold_ms));
	keep_words(s);
	log_rules_set(&choice);
}
