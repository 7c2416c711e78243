// SPDX-License-Identifier: MIT
#include "protocol/base/clock.h"

#include <time.h>

static uint64_t
read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t
clock_mono_us(void)
{
	return clock_mono_ns() / 1000;
}

uint64_t
clock_mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

uint64_t
clock_wall_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

uint64_t
clock_wall_us(void)
{
	return read_ns(CLOCK_REALTIME) / 1000;
}

uint64_t
clock_cpu_us(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID) / 1000;
}
