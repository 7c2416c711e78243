// SPDX-License-Identifier: MIT
/*
 * Design notes
 *
 * Reading. Digits gather in 64 bits. A float of at most 2^53 in its digits and
 * a power of ten up to 22 is one exact multiplication or division (Clinger);
 * the rest goes to strtod, which rounds right and is slow.
 *
 * Printing. The shortest digits that read back the same. For a float that is
 * an integer of up to 15 digits over a power of ten, as nearly all that people
 * write are, that power is found by trying: the product is off by less than
 * half while it stays below 10^15, and the division back is exact. The rest
 * asks printf for 17, 16, 15 … digits.
 */

#include "protocol/json_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EXACT_POWER = 22, /* 10^22 is the last power that is exact */
	SURE_DIGITS = 15,
	PLAIN_FROM = -5, /* exponents printed without an e */
	PLAIN_TO = 17,
};

static const double powers[EXACT_POWER + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
    1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22};

/* A number as it is being read. */
struct digits {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t value;    /* of all digits, without the dot */
	int64_t fraction;  /* digits behind the dot */
	int64_t exponent;  /* what stands behind the e */
	bool is_overflown; /* `value` is not to be used */
};

static bool
is_digit(const struct digits *d)
{
	return d->at < d->end && (unsigned)*d->at - '0' < 10;
}

/* gather reads digits, at least one. */
static enum err
gather(struct digits *d)
{
	if (!is_digit(d))
		return ERR_MALFORMED;
	for (; is_digit(d); d->at++) {
		uint64_t digit = (uint64_t)*d->at - '0';

		/* below 10^18 nothing can overflow: the common case */
		if (d->value < 1000000000000000000ull)
			d->value = d->value * 10 + digit;
		else if (__builtin_mul_overflow(d->value, 10, &d->value) ||
		    __builtin_add_overflow(d->value, digit, &d->value))
			d->is_overflown = true;
	}
	return OK;
}

static enum err
read_exponent(struct digits *d)
{
	bool is_below = false;

	d->at++;
	if (d->at < d->end && (*d->at == '+' || *d->at == '-')) {
		is_below = *d->at == '-';
		d->at++;
	}
	if (!is_digit(d))
		return ERR_MALFORMED;
	for (; is_digit(d); d->at++)
		if (d->exponent < 100000) /* far past any float */
			d->exponent = d->exponent * 10 + (*d->at - '0');
	if (is_below)
		d->exponent = -d->exponent;
	return OK;
}

/* from_text lets strtod round what the exact way cannot. */
static enum err
from_text(const uint8_t *from, const uint8_t *to, double *value)
{
	char copy[JSON_NUMBER_MOST + 1];
	size_t bytes = (size_t)(to - from);

	if (bytes > JSON_NUMBER_MOST)
		return ERR_TOO_BIG;
	memcpy(copy, from, bytes);
	copy[bytes] = '\0';
	*value = strtod(copy, NULL);
	return isinf(*value) ? ERR_RANGE : OK;
}

static enum err
to_float(const struct digits *d, const uint8_t *from, double *value)
{
	int64_t power = d->exponent - d->fraction;

	if (d->is_overflown || d->value > 1ull << 53 || power < -EXACT_POWER ||
	    power > EXACT_POWER)
		return from_text(from, d->at, value);
	*value = power < 0 ? (double)d->value / powers[-power]
			   : (double)d->value * powers[power];
	if (*from == '-')
		*value = -*value;
	return OK;
}

/* read_tail reads what makes a number a float. */
static enum err
read_tail(struct digits *d)
{
	enum err e = OK;

	if (*d->at == '.') {
		const uint8_t *dot = d->at++;

		e = gather(d);
		d->fraction = d->at - dot - 1;
	}
	if (e == OK && d->at < d->end && (*d->at == 'e' || *d->at == 'E'))
		e = read_exponent(d);
	return e;
}

/* finish turns digits into the value; `from` is where the number starts. */
static enum err
finish(const struct digits *d, const uint8_t *from, bool is_float,
    struct json_number *n)
{
	const uint64_t lowest = 1ull << 63; /* as a magnitude */

	if (d->at - from > JSON_NUMBER_MOST)
		return ERR_TOO_BIG;
	if (!is_float && !d->is_overflown && *from != '-') {
		n->kind = JSON_UNSIGNED;
		n->u = d->value;
		return OK;
	}
	if (!is_float && !d->is_overflown && d->value <= lowest) {
		n->kind = d->value == 0 ? JSON_UNSIGNED : JSON_SIGNED;
		n->u = 0 - d->value;
		return OK;
	}
	n->kind = JSON_FLOAT;
	return to_float(d, from, &n->f);
}

enum err
json_number_read(const uint8_t **at, const uint8_t *end, struct json_number *n)
{
	const uint8_t *from = *at;
	struct digits d = {.at = from, .end = end};
	bool is_float = false;
	enum err e;

	if (d.at < end && *d.at == '-')
		d.at++;
	const uint8_t *first = d.at;

	e = gather(&d);
	if (e == OK && *first == '0' && d.at - first > 1) {
		d.at = first + 1;
		e = ERR_MALFORMED; /* 01 */
	}
	if (e == OK && d.at < end &&
	    (*d.at == '.' || *d.at == 'e' || *d.at == 'E')) {
		is_float = true;
		e = read_tail(&d);
	}
	if (e == OK)
		e = finish(&d, from, is_float, n);
	*at = d.at;
	return e;
}

size_t
json_number_put_u64(char to[JSON_NUMBER_ROOM], uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	memcpy(to, digits + at, sizeof digits - at);
	return sizeof digits - at;
}

/* Digits and the place of the dot: 0.DIGITS × 10^point. */
struct shortest {
	char digits[24];
	int count;
	int point;
};

/* by_trying finds the power of ten that makes an integer of the value. */
static bool
by_trying(double value, struct shortest *s)
{
	if (value >= 1e15 || value < 1e-5)
		return false;
	for (int power = 0; power <= EXACT_POWER; power++) {
		double scaled = value * powers[power];

		if (scaled >= 1e15)
			return false;
		uint64_t whole = (uint64_t)(scaled + 0.5);

		if ((double)whole / powers[power] != value)
			continue;
		char digits[JSON_NUMBER_ROOM];

		s->count = (int)json_number_put_u64(digits, whole);
		memcpy(s->digits, digits, (size_t)s->count);
		s->point = s->count - power;
		return true;
	}
	return false;
}

/* try_digits prints with `count` digits; false when it reads back otherwise. */
static bool
try_digits(double value, int count, char text[40])
{
	snprintf(text, 40, "%.*e", count - 1, value);
	return strtod(text, NULL) == value;
}

static void
by_printing(double value, struct shortest *s)
{
	char text[40], shorter[40];
	int count = SURE_DIGITS;

	while (!try_digits(value, count, text))
		count++; /* 17 always do */
	while (count > 1 && count <= SURE_DIGITS &&
	    try_digits(value, count - 1, shorter)) {
		memcpy(text, shorter, sizeof text);
		count--;
	}
	/* "d.ddde±xx": take the digits, then the exponent */
	s->count = 0;
	const char *at = text;

	for (; *at != 'e'; at++)
		if (*at != '.')
			s->digits[s->count++] = *at;
	s->point = (int)strtol(at + 1, NULL, 10) + 1;
}

/* put_plain writes 0.00ddd, dd.dd or ddd00.0. */
static size_t
put_plain(char *to, const struct shortest *s)
{
	char *at = to;
	int i = 0;

	if (s->point <= 0) {
		memcpy(at, "0.", 2);
		at += 2;
		for (int zeros = s->point; zeros < 0; zeros++)
			*at++ = '0';
	}
	for (; i < s->count; i++) {
		if (i > 0 && i == s->point)
			*at++ = '.';
		*at++ = s->digits[i];
	}
	for (; i < s->point; i++)
		*at++ = '0';
	if (s->point >= s->count) {
		memcpy(at, ".0", 2);
		at += 2;
	}
	return (size_t)(at - to);
}

/* put_scientific writes d.dde±x, and d.0e±x for a single digit. */
static size_t
put_scientific(char *to, const struct shortest *s)
{
	char *at = to;
	int exponent = s->point - 1;

	*at++ = s->digits[0];
	*at++ = '.';
	if (s->count == 1)
		*at++ = '0';
	memcpy(at, s->digits + 1, (size_t)s->count - 1);
	at += s->count - 1;
	*at++ = 'e';
	if (exponent < 0)
		*at++ = '-';
	at += json_number_put_u64(
	    at, (uint64_t)(exponent < 0 ? -exponent : exponent));
	return (size_t)(at - to);
}

size_t
json_number_put_f64(char to[JSON_NUMBER_ROOM], double finite)
{
	struct shortest s;
	size_t sign = signbit(finite) ? 1 : 0;
	double value = fabs(finite);

	to[0] = '-'; /* overwritten when there is no sign */
	to += sign;
	if (value == 0.0) {
		memcpy(to, "0.0", 3);
		return sign + 3;
	}
	if (!by_trying(value, &s))
		by_printing(value, &s);
	while (s.count > 1 && s.digits[s.count - 1] == '0')
		s.count--;
	if (s.point - 1 < PLAIN_FROM || s.point - 1 >= PLAIN_TO)
		return sign + put_scientific(to, &s);
	return sign + put_plain(to, &s);
}
