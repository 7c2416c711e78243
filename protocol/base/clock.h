// SPDX-License-Identifier: MIT
#ifndef PROTOCOL_BASE_CLOCK_H
#define PROTOCOL_BASE_CLOCK_H

/*
 * clock - the only place that asks the kernel for the time.
 *
 * Deadlines, windows and rests use the monotonic clock; wall time is for
 * people to read and never decides anything.
 *
 * Trust:  the kernel's clocks; nobody outside is asked.
 * Owner:  no memory. Any thread.
 */

#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
uint64_t clock_wall_ms(void); /* since 1970, UTC */
uint64_t clock_wall_us(void);
uint64_t clock_cpu_us(void); /* what the calling thread has used so far */

#endif /* PROTOCOL_BASE_CLOCK_H */
