// SPDX-License-Identifier: MIT
#include "protocol/argument_time.h"

#include <string.h>

/* digits reads exactly `n` of them at the front, or gives -1. */
static int
digits(struct text *t, uint32_t n)
{
	int value = 0;

	if (t->len < n)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		if (t->at[i] < '0' || t->at[i] > '9')
			return -1;
		value = value * 10 + (t->at[i] - '0');
	}
	t->at += n;
	t->len -= n;
	return value;
}

static bool
take_one_of(struct text *t, const char *any)
{
	if (t->len == 0 || *t->at == '\0' || strchr(any, *t->at) == NULL)
		return false;
	t->at++;
	t->len--;
	return true;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* days_since_1970 counts in 400-year eras that begin in March. */
static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year =
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

	return era * 146097 + days - 719468;
}

static const char *
read_date(struct text *t, int64_t *days)
{
	int year = digits(t, 4);
	bool is_shaped = year >= 0 && take_one_of(t, "-");
	int month = is_shaped ? digits(t, 2) : -1;
	is_shaped = month >= 0 && take_one_of(t, "-");
	int day = is_shaped ? digits(t, 2) : -1;

	if (day < 0)
		return "invalid_format";
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month))
		return "invalid_date";
	*days = days_since_1970(year, month, day);
	return NULL;
}

static bool
read_fraction(struct text *t, uint32_t *nanoseconds)
{
	uint32_t scale = 100000000, seen = 0;

	*nanoseconds = 0;
	if (!take_one_of(t, ".,"))
		return true;
	for (; t->len > 0 && *t->at >= '0' && *t->at <= '9'; seen++) {
		*nanoseconds += (uint32_t)(*t->at - '0') * scale;
		scale /= 10;
		t->at++;
		t->len--;
	}
	return seen > 0;
}

static const char *
read_time(struct text *t, int64_t *seconds, uint32_t *nanoseconds)
{
	int hour = digits(t, 2);
	bool is_shaped = hour >= 0 && take_one_of(t, ":");
	int minute = is_shaped ? digits(t, 2) : -1;
	is_shaped = minute >= 0 && take_one_of(t, ":");
	int second = is_shaped ? digits(t, 2) : -1;

	if (second < 0 || !read_fraction(t, nanoseconds))
		return "invalid_format";
	if (hour > 23 || minute > 59 || second > 59)
		return "invalid_time";
	*seconds = (int64_t)hour * 3600 + minute * 60 + second;
	return NULL;
}

static const char *
read_offset(struct text *t, int64_t *offset, bool *has_offset)
{
	bool is_west = t->len > 0 && *t->at == '-';

	*offset = 0;
	*has_offset = t->len > 0;
	if (!*has_offset || take_one_of(t, "Zz"))
		return NULL;
	if (!take_one_of(t, "+-"))
		return "invalid_format";
	int hours = digits(t, 2), minutes = 0;

	if (hours < 0)
		return "invalid_format";
	if (t->len > 0) {
		take_one_of(t, ":");
		minutes = digits(t, 2);
	}
	if (minutes < 0)
		return "invalid_format";
	if (hours > 23 || minutes > 59)
		return "invalid_time";
	*offset = (hours * 60 + minutes) * 60 * (is_west ? -1 : 1);
	return NULL;
}

const char *
argument_time_read(struct text t, struct argument_time *to)
{
	int64_t days, seconds, offset;
	const char *wrong = read_date(&t, &days);

	if (wrong == NULL && !take_one_of(&t, "Tt "))
		wrong = "invalid_format";
	if (wrong == NULL)
		wrong = read_time(&t, &seconds, &to->nanoseconds);
	if (wrong == NULL)
		wrong = read_offset(&t, &offset, &to->has_offset);
	if (wrong == NULL && t.len > 0)
		wrong = "invalid_format";
	if (wrong == NULL)
		to->seconds = days * 86400 + seconds - offset;
	return wrong;
}

/* read_hex takes 32 hex digits, with dashes at 8-4-4-4-12 or none at all. */
static bool
read_hex(struct text t, uint8_t bytes[16])
{
	bool has_dashes = t.len == 36;
	uint32_t at = 0;

	for (uint32_t i = 0; i < 32; i++) {
		bool is_dash_due = i == 8 || i == 12 || i == 16 || i == 20;

		if (has_dashes && is_dash_due && t.at[at++] != '-')
			return false;
		int nibble = text_hex_digit(t.at[at++]);

		if (nibble < 0)
			return false;
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | nibble);
	}
	return true;
}

static int
base64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* read_slug takes 22 letters: 128 bits and four zero bits. */
static bool
read_slug(struct text t, uint8_t bytes[16])
{
	uint32_t bits = 0, held = 0, n = 0;

	for (uint32_t i = 0; i < t.len; i++) {
		int six = base64(t.at[i]);

		if (six < 0)
			return false;
		bits = (bits << 6 | (uint32_t)six) & 0xffff;
		held += 6;
		if (held >= 8 && n < 16) {
			held -= 8;
			bytes[n++] = (uint8_t)(bits >> held);
		}
	}
	return (bits & 0xf) == 0;
}

bool
argument_is_uuid(struct text t)
{
	static const uint8_t nil[16];
	uint8_t bytes[16] = {0};

	if (text_starts_with(t, TEXT("urn:uuid:"))) {
		t.at += 9;
		t.len -= 9;
		if (t.len != 36)
			return false;
	}
	if (t.len == 16)
		memcpy(bytes, t.at, 16);
	else if (t.len == 36 || t.len == 32) {
		if (!read_hex(t, bytes))
			return false;
	} else if (t.len != 22 || !read_slug(t, bytes)) {
		return false;
	}
	unsigned version = bytes[6] >> 4;

	return version == 1 || (version >= 3 && version <= 8) ||
	    memcmp(bytes, nil, sizeof(nil)) == 0;
}
