/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of IPFIX: keeps messages as the encoder sent them, reads them again with Leat's
 * reader, and makes records up. */
#ifndef TESTS_UNIT_IPFIX_RIG_H
#define TESTS_UNIT_IPFIX_RIG_H

#include "lib/flow/ipfix.h"
#include "lib/flow/reader.h"
#include <stddef.h>

#define RIG_MESSAGES  4096
#define RIG_RECORDS   4096
#define RIG_NOW_NS    UINT64_C(1763712000000000000)
#define RIG_SECOND_NS UINT64_C(1000000000)

struct rig_message {
    uint8_t *bytes;
    uint32_t n, records;
    bool templates;
};

struct rig_record {
    uint32_t domain;
    uint16_t template_id;
    uint32_t count, scope_count;
    struct leat_ipfix_value *values; /* point into copies */
};

struct rig {
    struct leat_ipfix *ipfix;
    struct leat_ipfix_opts opts;
    struct leat_fields fields;
    struct leat_ipfix_facts facts;
    int answer; /* to each message */
    struct rig_message messages[RIG_MESSAGES];
    uint32_t message_count;

    struct leat_ipfix_reader *reader;
    struct rig_record records[RIG_RECORDS];
    uint32_t record_count;
    uint32_t problem_count;
    char problem[512]; /* the last */
};

/* An encoder of these fields, with `opts` otherwise. */
void rig_open(struct rig *rig, const char *fields, const struct leat_ipfix_opts *opts);
void rig_close(struct rig *rig);
void rig_forget(struct rig *rig); /* the messages up to now */

/* Reads all messages, with a reader that knows nothing before; none may be wrong. */
void rig_read(struct rig *rig);
/* Reads one message without expecting it to be right. */
int rig_read_bytes(struct rig *rig, const uint8_t *bytes, uint32_t n);
void rig_reader(struct rig *rig); /* a new one */

/* Record i of those with scope (`options`) or without. */
const struct rig_record *rig_flow(const struct rig *rig, uint32_t i);
uint32_t rig_flow_count(const struct rig *rig);
/* Options record i that has that element. */
const struct rig_record *rig_options(const struct rig *rig, uint16_t id, uint32_t i);

/* The value of a field by its name, the n-th of that name. */
const struct leat_ipfix_value *rig_value(const struct rig_record *record, const char *name,
                                         uint32_t n);
uint64_t rig_number(const struct rig_record *record, const char *name);

uint32_t rig_sequence(const struct rig_message *message);
/* Start of set i of a message, NULL: no such one. */
const uint8_t *rig_set(const struct rig_message *message, uint32_t i);

/* A record of one TCP connection over IPv4, or IPv6, both sides. */
struct leat_flow rig_flow_made(uint8_t version);

#endif
