// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_ORIGIN_H
#define WORKERS_GATEWAY_ORIGIN_H

/*
 * origin - whose web pages may open a socket here.
 *
 * A rule is a whole origin ("https://app.example"), one with any scheme
 * ("//app.example"), and its host may open with "*." for every name below.
 * Without a rule only pages of our own host are let in.
 *
 * Trust:  origin and host are a stranger's words; they are only compared.
 * Owner:  no memory.
 */

#include <stdbool.h>

#include "workers/gateway/http.h"

bool origin_is_welcome(
    const struct http_rules *, struct text origin, struct text host);

#endif /* WORKERS_GATEWAY_ORIGIN_H */
