/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as messages of Protocol Buffers, of the kind leat.Flow (leat_flow.proto). */
#ifndef LEAT_FLOW_RECORD_PROTOBUF_H
#define LEAT_FLOW_RECORD_PROTOBUF_H

#include "field.h"
#include "text.h"

/* The number that a field has in leat.Flow: IANA's, with these added. */
#define LEAT_PROTOBUF_REVERSE 50000
#define LEAT_PROTOBUF_OWN     100000

static inline uint32_t leat_protobuf_number(const struct leat_field *field, uint32_t side) {
    return field->id + (side ? LEAT_PROTOBUF_REVERSE : 0u) + (field->pen ? LEAT_PROTOBUF_OWN : 0u);
}

struct leat_protobuf;
int leat_protobuf_create(struct leat_protobuf **protobuf, const struct leat_fields *fields);
void leat_protobuf_destroy(struct leat_protobuf *protobuf); /* NULL is allowed */

/* Appends a message. Fields that the record has not, and empty strings, are left out. */
void leat_protobuf_record(struct leat_protobuf *protobuf, struct leat_text *text,
                          const struct leat_flow *flow);

#endif
