/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file `layout` of a spool: by which version of its layout the others were written, as text,
 * "leat spool 2". What another version has left is refused by name, and not touched.
 */
#ifndef LEAT_FLOW_SPOOL_LAYOUT_H
#define LEAT_FLOW_SPOOL_LAYOUT_H

#include <stdbool.h>

/* Grows when the notes, the position or what segments mean change. */
#define LEAT_SPOOL_LAYOUT 2u

/* Of the spool in `directory`, which the caller has locked. An `empty` one becomes this version's:
 * it holds neither segments nor a position. 0, -EPROTO: another version's, or errors of the disk.
 */
int leat_spool_check_layout(int directory, bool empty);

#endif
