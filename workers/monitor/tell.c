// SPDX-License-Identifier: MIT
#include "workers/monitor/tell.h"

/* rounded: what is told fits an integer by far, so no libm is needed. */
static double
rounded(double value, double step)
{
	double scaled = value * step;

	if (scaled > 9e15 || scaled < -9e15)
		return value;
	return (double)(int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5)) / step;
}

void
tell_number(struct packer *p, const char *key, double value)
{
	pack_string(p, key);
	pack_f64(p, rounded(value, 100));
}

void
tell_ms(struct packer *p, const char *key, double value)
{
	pack_string(p, key);
	pack_f64(p, rounded(value, 1000));
}

void
tell_score(struct packer *p, const char *key, double value)
{
	pack_string(p, key);
	pack_f64(p, rounded(value, 10000));
}

void
tell_nil(struct packer *p, const char *key)
{
	pack_string(p, key);
	pack_nil(p);
}

void
tell_seconds(struct packer *p, const char *key, uint64_t wall_ms)
{
	pack_string(p, key);
	if (wall_ms == 0)
		pack_nil(p);
	else
		pack_f64(p, (double)wall_ms / 1000);
}

void
tell_time(struct packer *p, const char *key, uint64_t wall_ms)
{
	pack_string(p, key);
	if (wall_ms == 0)
		pack_nil(p);
	else
		pack_timestamp(p, (int64_t)(wall_ms / 1000),
		    (uint32_t)(wall_ms % 1000) * 1000000);
}
