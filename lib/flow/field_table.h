/* SPDX-License-Identifier: BSD-2-Clause */
/* The rest of the table of fields: what a record is not exported with by itself. */
#ifndef LEAT_FLOW_FIELD_TABLE_H
#define LEAT_FLOW_FIELD_TABLE_H

#include "field.h"

/* What lists are made of. */
const struct leat_field *leat_field_table_elements(uint32_t *count);

/* What only options records have. */
const struct leat_field *leat_field_table_options(uint32_t *count);

#endif
