// SPDX-License-Identifier: MIT
#ifndef WORKERS_GATEWAY_IDENTITY_H
#define WORKERS_GATEWAY_IDENTITY_H

/*
 * identity - who a session is, once somebody we trust has said so: a token
 * that verified, or the function that decides at connect.
 *
 * One identity may serve many sessions (the same token again), so it is
 * counted and never changed: a refresh puts another one in its place.
 *
 * Trust:  made only from verified facts; texts in it were bounded by whoever
 *         verified them. What a payload says of its user never comes here.
 * Owner:  counted: each holder releases its own hold. Texts live as long.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/base/text.h"

struct client;

enum {
	IDENTITY_USER_BYTES = 255,
	IDENTITY_ROLES = 64,
	IDENTITY_ROLE_BYTES = 128,
	IDENTITY_TOKEN_BYTES = 128, /* of a jti */
	IDENTITY_GUEST_BYTES = 64   /* of a guest's name, its NUL included */
};

struct identity {
	struct text user_id; /* never empty */
	struct text *roles;
	uint32_t role_count;
	uint64_t expires_ms;  /* wall clock; 0: never */
	uint64_t issued_ms;   /* wall clock; 0: unknown */
	struct text token_id; /* the token's jti; may be empty */
	uint32_t holds;
};

/*
 * identity_is_user: may a verified user be called so? Not empty, bounded, no
 * control letters, and no guest's name.
 */
bool identity_is_user(struct text);

/*
 * identity_create copies what `facts` says (its holds are ignored) and gives
 * it with one hold.
 */
struct identity *identity_create(const struct identity *facts);
struct identity *identity_hold(struct identity *);

/* identity_release takes NULL and leaves NULL. */
void identity_release(struct identity **);

bool identity_has_role(const struct identity *, struct text role);

/* identity_guest writes the name of an unverified session. */
void identity_guest(char to[IDENTITY_GUEST_BYTES], uint32_t instance,
    uint64_t life, uint64_t serial);

/*
 * identity_user_of names the user behind a session towards relay and pools:
 * the verified one, or `guest:<instance>-<life>-<serial>`, which no verified
 * user can be called.
 */
struct text identity_user_of(const struct client *);

#endif /* WORKERS_GATEWAY_IDENTITY_H */
