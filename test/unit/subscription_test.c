// SPDX-License-Identifier: MIT
/* subscription - the last event says how a group is; errors are counted and
 * the last one stays. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "workers/relay/groups.h"

static void
assert_status(const struct subscription *s, const char *name)
{
	assert_string_equal(
	    subscription_status_name(subscription_status_of(s)), name);
}

static void
the_last_event_says_the_status(void **state)
{
	static const struct {
		enum subscription_event event;
		const char *name, *status;
	} rows[] = {
	    {SUBSCRIPTION_EVENT_registration_started, "registration_started",
		"registering"},
	    {SUBSCRIPTION_EVENT_registration_success, "registration_success",
		"healthy"},
	    {SUBSCRIPTION_EVENT_event_delivery_failed, "event_delivery_failed",
		"degraded"},
	    {SUBSCRIPTION_EVENT_proxy_crashed, "proxy_crashed", "failed"},
	    {SUBSCRIPTION_EVENT_event_delivery_success,
		"event_delivery_success", "healthy"},
	    {SUBSCRIPTION_EVENT_proxy_stopped, "proxy_stopped", "failed"},
	};
	struct subscription s = {.seen_ms = 0};

	(void)state;
	assert_status(&s, "unknown");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		subscription_note(&s, rows[i].event, 100 + i, "why");
		assert_status(&s, rows[i].status);
		assert_string_equal(
		    subscription_event_name(s.last_event), rows[i].name);
		assert_int_equal(s.event_count, i + 1);
		assert_int_equal(s.seen_ms, 100 + i);
	}
}

static void
errors_are_counted_and_the_last_one_stays(void **state)
{
	struct subscription s = {.seen_ms = 0};

	(void)state;
	subscription_note(
	    &s, SUBSCRIPTION_EVENT_event_delivery_failed, 1, "slow");
	subscription_note(&s, SUBSCRIPTION_EVENT_proxy_crashed, 2, "gone");
	subscription_note(
	    &s, SUBSCRIPTION_EVENT_event_delivery_success, 3, "not an error");
	assert_int_equal(s.error_count, 2);
	assert_string_equal(s.last_error, "gone");
	assert_status(&s, "healthy");
}

static struct actor
who(const char *user, uint64_t gateway)
{
	return (struct actor){.user = text_of(user),
	    .at = {
		.gateway = gateway, .client = (uint64_t)user[0], .channel = 1}};
}

static void
groups_register_and_fail_with_the_gateway_of_a_member(void **state)
{
	const struct groups_limits limits = {
	    .groups = 4, .members = 6, .memberships = 3, .grace_ms = 1000};
	const struct groups_watch nobody = {.ctx = NULL};
	struct actor first = who("ann", 1), second = who("bob", 2);
	enum member_status became;
	struct groups *gs;

	(void)state;
	groups_create_table(&gs, &limits, &nobody, (struct hash_seed){1, 2});
	groups_at(gs, (struct groups_now){.mono_ms = 100, .wall_ms = 7000});
	assert_int_equal(
	    groups_keep(gs, TEXT("kept"), GROUP_PUBLIC, TEXT("")), GROUPS_done);
	assert_status(&groups_find(gs, TEXT("kept"))->health, "registering");
	assert_int_equal(
	    groups_create(gs, TEXT("g"), GROUP_PRIVATE, &first), GROUPS_done);
	const struct subscription *s = &groups_find(gs, TEXT("g"))->health;
	assert_status(s, "healthy");
	assert_int_equal(
	    groups_join(gs, TEXT("g"), &second, &became), GROUPS_done);
	assert_status(s, "healthy"); /* who waits takes nothing from others */

	groups_note_gateway(gs, 3, SUBSCRIPTION_EVENT_proxy_crashed, "gone");
	assert_status(s, "healthy");
	groups_note_gateway(gs, 2, SUBSCRIPTION_EVENT_proxy_crashed, "gone");
	assert_status(s, "healthy"); /* it carried nothing for this group */
	groups_note_gateway(gs, 1, SUBSCRIPTION_EVENT_proxy_crashed, "gone");
	assert_status(s, "failed");
	assert_int_equal(s->error_count, 1);
	assert_int_equal(s->seen_ms, 7000);
	groups_destroy_table(&gs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_last_event_says_the_status),
	    cmocka_unit_test(errors_are_counted_and_the_last_one_stays),
	    cmocka_unit_test(
		groups_register_and_fail_with_the_gateway_of_a_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
