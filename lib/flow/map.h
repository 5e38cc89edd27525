/* SPDX-License-Identifier: BSD-2-Clause */
/* Large arrays of which perhaps little is used: zeroed, and no memory behind a page until it is
 * written. */
#ifndef LEAT_FLOW_MAP_H
#define LEAT_FLOW_MAP_H

#include <stddef.h>

/* NULL: no address space. On huge pages where the system has them transparently. */
void *leat_map_lazily(size_t bytes);
void leat_unmap(void *start, size_t bytes); /* NULL is allowed */

#endif
