// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * A claim we do not use may stand there as often as it likes; one that we
 * use may not come twice: two readers could take two different ones for the
 * truth (RFC 7519, 4).
 *
 * Times are seconds with or without a fraction; a fraction is cut off, which
 * can only end a token earlier.
 */

#include "workers/gateway/jwt.h"

#include <string.h>

#include "protocol/json.h"
#include "workers/gateway/base64url.h"

enum {
	HEADER_BYTES = 2048,
	SIGNATURE_BYTES = JWKS_RSA_BITS_MOST / 8,
	NODES = 4096
};

/* 9999-12-31, as RFC 3339 can still write it */
#define LAST_SECOND UINT64_C(253402300799)

static const struct json_limits limits = {JWT_BYTES, 16, NODES};

struct header {
	struct text alg; /* at NULL: it does not say */
	struct text kid;
	bool has_crit;
};

/* What the payload says. */
struct claims {
	struct text user;
	struct text issuer;
	struct text token_id;
	struct text *roles;
	uint32_t role_count;
	uint64_t expires_s, not_before_s, issued_s;
	bool has_user, has_roles, has_issuer, has_audience, has_token_id;
	bool has_expires, has_not_before, has_issued;
	bool is_for_us;
};

/* Reading claims: where from, where to, by which rules. */
struct reading {
	struct json_reader json;
	struct arena *arena;
	const struct jwt_rules *rules;
	struct claims *to;
};

const char *
jwt_verdict_name(enum jwt_verdict v)
{
	static const char *const names[JWT_VERDICT_COUNT] = {
#define V(name, ...) [JWT_IS_##name] = #name,
	    JWT_VERDICTS(V)
#undef V
	};

	return names[v];
}

/* cut takes what stands before the first dot. */
static bool
cut(struct text *rest, struct text *head)
{
	int64_t dot = text_find(*rest, '.');

	if (dot < 0)
		return false;
	*head = (struct text){.at = rest->at, .len = (uint32_t)dot};
	rest->at += dot + 1;
	rest->len -= (uint32_t)dot + 1;
	return true;
}

/* decode gives the bytes behind a part of the token. */
static bool
decode(struct text part, struct arena *arena, uint32_t most, struct text *to)
{
	size_t size = (size_t)part.len * 6 / 8, bytes = 0;

	if (part.len == 0 || size > most)
		return false;
	uint8_t *at = arena_alloc(arena, size + 1);
	if (base64url_decode(part, at, size, &bytes) != OK)
		return false;
	*to = (struct text){.at = (const char *)at, .len = (uint32_t)bytes};
	return true;
}

/* text_once reads a string into `to` unless it holds one already. */
static enum err
text_once(struct json_reader *json, struct arena *arena, struct text *to)
{
	if (to->at != NULL)
		return ERR_EXISTS;
	return json_string(json, arena, to);
}

static enum err
read_header(struct text text, struct arena *arena, struct header *h)
{
	struct json_reader json;
	struct text key, ignored;
	bool more = true;
	enum err e = json_open(&json, text, limits);

	*h = (struct header){.has_crit = false};
	if (e == OK)
		e = json_object(&json);
	while (e == OK) {
		e = json_object_next(&json, arena, &key, &more);
		if (e != OK || !more)
			break;
		if (text_is(key, "alg")) {
			e = text_once(&json, arena, &h->alg);
		} else if (text_is(key, "kid")) {
			e = text_once(&json, arena, &h->kid);
		} else {
			h->has_crit |= text_is(key, "crit");
			e = json_skip(&json, &ignored);
		}
	}
	return e == OK ? json_close(&json) : e;
}

static enum err
read_seconds(struct reading *r, bool *has, uint64_t *to)
{
	struct text raw;
	uint64_t whole = 0;
	uint32_t digits = 0;

	if (*has)
		return ERR_EXISTS;
	*has = true;
	if (json_peek(&r->json) != JSON_NUMBER)
		return ERR_TYPE;
	enum err e = json_skip(&r->json, &raw);
	if (e != OK)
		return e;
	/* valid JSON, so a leading digit is a whole part; exponents are
	   nobody's way to write a date */
	while (digits < raw.len && raw.at[digits] >= '0' &&
	    raw.at[digits] <= '9') {
		whole = whole * 10 + (uint64_t)(raw.at[digits] - '0');
		if (whole > LAST_SECOND)
			return ERR_RANGE;
		digits++;
	}
	if (digits == 0 || text_find(raw, 'e') >= 0 || text_find(raw, 'E') >= 0)
		return ERR_RANGE;
	*to = whole;
	return OK;
}

/* read_user takes a string, or an integer by its digits. */
static enum err
read_user(struct reading *r)
{
	struct claims *to = r->to;
	enum err e;

	if (to->has_user)
		return ERR_EXISTS;
	to->has_user = true;
	if (json_peek(&r->json) == JSON_NUMBER) {
		e = json_skip(&r->json, &to->user);
		for (uint32_t i = 0; e == OK && i < to->user.len; i++) {
			char c = to->user.at[i];

			if ((c < '0' || c > '9') && (i > 0 || c != '-'))
				e = ERR_TYPE;
		}
	} else {
		e = json_string(&r->json, r->arena, &to->user);
	}
	return e == OK && !identity_is_user(to->user) ? ERR_RANGE : e;
}

static enum err
add_role(struct reading *r, struct text role)
{
	struct claims *to = r->to;

	if (role.len == 0)
		return OK;
	if (role.len > IDENTITY_ROLE_BYTES || to->role_count >= IDENTITY_ROLES)
		return ERR_TOO_BIG;
	to->roles[to->role_count++] = role;
	return OK;
}

/* add_words takes the words of OAuth's `scope`: one string, blanks between. */
static enum err
add_words(struct reading *r, struct text words)
{
	enum err e = OK;

	while (e == OK && words.len > 0) {
		int64_t blank = text_find(words, ' ');
		uint32_t len = blank < 0 ? words.len : (uint32_t)blank;

		e = add_role(r, (struct text){.at = words.at, .len = len});
		if (blank >= 0)
			len++;
		words.at += len;
		words.len -= len;
	}
	return e;
}

static enum err
read_roles(struct reading *r)
{
	struct text one;
	bool more = true;

	if (r->to->has_roles)
		return ERR_EXISTS;
	r->to->has_roles = true;
	r->to->roles = ARENA_ARRAY(r->arena, struct text, IDENTITY_ROLES);
	if (json_peek(&r->json) == JSON_NULL)
		return json_null(&r->json);
	if (json_peek(&r->json) == JSON_STRING) {
		enum err e = json_string(&r->json, r->arena, &one);

		return e == OK ? add_words(r, one) : e;
	}
	enum err e = json_array(&r->json);
	while (
	    e == OK && (e = json_array_next(&r->json, &more)) == OK && more) {
		e = json_string(&r->json, r->arena, &one);
		if (e == OK)
			e = add_role(r, one);
	}
	return e;
}

/*
 * read_roles_at takes the roles if `key` is their claim; with dots in its
 * name also from inside objects: `realm_access.roles`. What else stands
 * there is stepped over.
 */
static enum err
read_roles_at(struct reading *r, struct text path, struct text key)
{
	struct text ignored, inner;
	bool more = true;

	if (path.len > 0 && text_eq(key, path))
		return read_roles(r);
	if (path.len < key.len + 2 || !text_starts_with(path, key) ||
	    path.at[key.len] != '.' || json_peek(&r->json) != JSON_OBJECT)
		return json_skip(&r->json, &ignored);
	path.at += key.len + 1;
	path.len -= key.len + 1;
	enum err e = json_object(&r->json);
	while (e == OK) {
		e = json_object_next(&r->json, r->arena, &inner, &more);
		if (e != OK || !more)
			break;
		e = read_roles_at(r, path, inner);
	}
	return e;
}

static bool
is_ours(const struct jwt_rules *rules, struct text audience)
{
	for (uint32_t i = 0; i < rules->audience_count; i++) {
		if (text_eq(rules->audiences[i], audience))
			return true;
	}
	return rules->audience_count == 0;
}

static enum err
read_audience(struct reading *r)
{
	struct text one;
	bool more = true;

	if (r->to->has_audience)
		return ERR_EXISTS;
	r->to->has_audience = true;
	if (json_peek(&r->json) == JSON_STRING) {
		enum err e = json_string(&r->json, r->arena, &one);

		r->to->is_for_us = e == OK && is_ours(r->rules, one);
		return e;
	}
	enum err e = json_array(&r->json);
	while (
	    e == OK && (e = json_array_next(&r->json, &more)) == OK && more) {
		e = json_string(&r->json, r->arena, &one);
		r->to->is_for_us |= e == OK && is_ours(r->rules, one);
	}
	return e;
}

/* A claim may serve twice: `sub` as the user, and as what it is. */
static enum err
read_claim(struct reading *r, struct text key)
{
	struct claims *to = r->to;

	if (text_eq(key, r->rules->user_claim)) {
		enum err e = read_user(r);

		if (e == OK && text_is(key, "jti"))
			to->token_id = to->user;
		if (e == OK && text_is(key, "iss"))
			to->issuer = to->user;
		return e;
	}
	if (text_is(key, "exp"))
		return read_seconds(r, &to->has_expires, &to->expires_s);
	if (text_is(key, "nbf"))
		return read_seconds(r, &to->has_not_before, &to->not_before_s);
	if (text_is(key, "iat"))
		return read_seconds(r, &to->has_issued, &to->issued_s);
	if (text_is(key, "iss"))
		return text_once(&r->json, r->arena, &to->issuer);
	if (text_is(key, "jti"))
		return text_once(&r->json, r->arena, &to->token_id);
	if (text_is(key, "aud"))
		return read_audience(r);
	return read_roles_at(r, r->rules->roles_claim, key);
}

/* read_claims: ERR_MALFORMED and the like for no JSON, else for a claim. */
static enum err
read_claims(struct reading *r, struct text text, bool *is_json)
{
	struct text key;
	bool more = true;
	enum err e = json_open(&r->json, text, limits);

	*is_json = false;
	if (e == OK)
		e = json_object(&r->json);
	while (e == OK) {
		e = json_object_next(&r->json, r->arena, &key, &more);
		if (e != OK)
			return e;
		if (!more)
			break;
		e = read_claim(r, key);
	}
	*is_json = true;
	if (e != OK)
		return e;
	*is_json = json_close(&r->json) == OK;
	return *is_json ? OK : ERR_MALFORMED;
}

static enum jwt_verdict
judge(const struct jwt_rules *rules, const struct claims *c, uint64_t now_ms)
{
	uint64_t early_ms = now_ms + rules->leeway_ms;

	if (!c->has_user || c->token_id.len > IDENTITY_TOKEN_BYTES ||
	    (rules->needs_expiry && !c->has_expires))
		return JWT_IS_claims;
	if (c->has_expires && now_ms >= c->expires_s * 1000 + rules->leeway_ms)
		return JWT_IS_expired;
	if ((c->has_not_before && early_ms < c->not_before_s * 1000) ||
	    (c->has_issued && early_ms < c->issued_s * 1000))
		return JWT_IS_early;
	if (rules->issuer.len > 0 && !text_eq(rules->issuer, c->issuer))
		return JWT_IS_issuer;
	if (rules->audience_count > 0 && !c->is_for_us)
		return JWT_IS_audience;
	return JWT_IS_good;
}

static enum jwt_verdict
take_claims(const struct jwt_rules *rules, struct text payload, uint64_t now_ms,
    struct arena *arena, struct identity *facts)
{
	struct claims claims = {.has_user = false};
	struct reading r = {.arena = arena, .rules = rules, .to = &claims};
	bool is_json;

	if (read_claims(&r, payload, &is_json) != OK)
		return is_json ? JWT_IS_claims : JWT_IS_malformed;
	enum jwt_verdict v = judge(rules, &claims, now_ms);
	*facts = (struct identity){
	    .user_id = claims.user,
	    .roles = claims.roles,
	    .role_count = claims.role_count,
	    .expires_ms = claims.has_expires
		? claims.expires_s * 1000 + rules->leeway_ms
		: 0,
	    .issued_ms = claims.has_issued ? claims.issued_s * 1000 : 0,
	    .token_id = claims.token_id,
	};
	return v;
}

/* is_candidate: the key's kid is the token's, or one of them has none. */
static bool
is_candidate(
    const struct jwk *k, enum jwt_algorithm algorithm, const struct header *h)
{
	return k->algorithm == algorithm &&
	    (h->kid.at == NULL || k->kid.len == 0 || text_eq(k->kid, h->kid));
}

/* has_key tells a wrong algorithm from an unknown key. */
static bool
has_kid(const struct jwks *keys, const struct header *h)
{
	for (uint32_t i = 0; i < keys->count; i++) {
		if (h->kid.at != NULL && text_eq(keys->keys[i].kid, h->kid))
			return true;
	}
	return false;
}

static enum jwt_verdict
check_signature(const struct jwks *keys, const struct header *h,
    struct text bytes, struct text signature, uint32_t *signatures)
{
	enum jwt_algorithm algorithm;
	uint32_t candidates = 0;

	if (h->has_crit || h->alg.at == NULL ||
	    jwt_algorithm_by_name(h->alg, &algorithm) != OK)
		return JWT_IS_algorithm;
	for (uint32_t i = 0; i < keys->count; i++)
		candidates += is_candidate(&keys->keys[i], algorithm, h);
	if (candidates == 0)
		return has_kid(keys, h) ? JWT_IS_algorithm : JWT_IS_no_key;
	if (candidates > JWT_TRIES)
		return JWT_IS_ambiguous;
	for (uint32_t i = 0; i < keys->count; i++) {
		if (!is_candidate(&keys->keys[i], algorithm, h))
			continue;
		(*signatures)++;
		if (jwk_verify(&keys->keys[i], bytes,
			(const uint8_t *)signature.at, signature.len))
			return JWT_IS_good;
	}
	return JWT_IS_signature;
}

enum jwt_verdict
jwt_verify(const struct jwks *keys, const struct jwt_rules *rules,
    struct text token, uint64_t now_ms, struct arena *arena,
    struct identity *facts, uint32_t *signatures)
{
	struct text rest = token, head, body, bytes, signature, payload;
	struct header h;

	if (token.len > JWT_BYTES || !cut(&rest, &head) || !cut(&rest, &body))
		return JWT_IS_malformed;
	struct text signed_part = {
	    .at = token.at, .len = token.len - rest.len - 1};
	if (!decode(head, arena, HEADER_BYTES, &bytes) ||
	    read_header(bytes, arena, &h) != OK)
		return JWT_IS_malformed;
	/* `alg: none` has no signature: say what it is, not what it lacks */
	if (rest.len == 0)
		signature = (struct text){.at = "", .len = 0};
	else if (!decode(rest, arena, SIGNATURE_BYTES, &signature))
		return JWT_IS_malformed;
	enum jwt_verdict v =
	    check_signature(keys, &h, signed_part, signature, signatures);
	if (v != JWT_IS_good)
		return v;
	if (!decode(body, arena, JWT_BYTES, &payload))
		return JWT_IS_malformed;
	return take_claims(rules, payload, now_ms, arena, facts);
}
