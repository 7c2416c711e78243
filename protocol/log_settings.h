// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_LOG_SETTINGS_H
#define PROTOCOL_LOG_SETTINGS_H

/*
 * log_settings - the log of this process as its settings want it: level,
 * format, colour, folding, scopes, and the switches of its component.
 *
 * Trust:  settings are validated. Owner: no memory.
 */

#include "protocol/role.h"
#include "protocol/settings.h"

/* Guard and supervisor have no switches of their own: log.level is theirs. */
void log_settings_take(const struct settings *, enum role);

#endif /* PROTOCOL_LOG_SETTINGS_H */
