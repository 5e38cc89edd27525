/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks of wires; tests link their own. */
#ifndef SOFTNIC_CLOCK_H
#define SOFTNIC_CLOCK_H

#include <stdint.h>

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);

#endif
