// SPDX-License-Identifier: MIT
#include "workers/monitor/checks.h"

#include <stddef.h>
#include <string.h>

const char *
check_outcome_name(enum check_outcome outcome)
{
	switch (outcome) {
	case CHECK_PASS:
		return "pass";
	case CHECK_TIMEOUT:
		return "timeout";
	case CHECK_FAIL:
		break;
	}
	return "fail";
}

void
checks_add(struct checks *c, const struct check *check)
{
	struct check *to = &c->ring[c->added % CHECKS_KEPT];

	*to = *check;
	to->name[CHECK_NAME - 1] = '\0';
	to->component[CHECK_NAME - 1] = '\0';
	to->details[CHECK_TEXT - 1] = '\0';
	to->error[CHECK_TEXT - 1] = '\0';
	c->added++;
}

uint32_t
checks_count(const struct checks *c)
{
	return c->added < CHECKS_KEPT ? (uint32_t)c->added : CHECKS_KEPT;
}

const struct check *
checks_at(const struct checks *c, uint32_t index)
{
	return &c->ring[(c->added - 1 - index) % CHECKS_KEPT];
}

static bool
is_of(const struct check *check, const char *name, const char *component)
{
	return (name == NULL || strcmp(check->name, name) == 0) &&
	    (component == NULL || strcmp(check->component, component) == 0);
}

const struct check *
checks_last(const struct checks *c, const char *name, const char *component)
{
	for (uint32_t i = 0; i < checks_count(c); i++)
		if (is_of(checks_at(c, i), name, component))
			return checks_at(c, i);
	return NULL;
}

bool
checks_is_last(const struct checks *c, uint32_t index)
{
	const struct check *one = checks_at(c, index);

	return checks_last(c, one->name, one->component) == one;
}
