/* SPDX-License-Identifier: BSD-2-Clause */
/* What table_bpf.c and test_table_bpf.c tell each other. */
#ifndef LEAT_TABLE_BPF_H
#define LEAT_TABLE_BPF_H

#include <stdint.h>

struct table_key {
    uint32_t words[5];
};

struct table_entry {
    struct table_key key;
    uint32_t unused;
    uint64_t packets;
    uint64_t more[4];
};

enum { TABLE_FIND, TABLE_INSERT };

struct table_message {
    uint8_t ethernet[16];
    struct table_key key;
    uint32_t what; /* TABLE_* */
    uint32_t index, made;
    uint64_t hash;
};

#endif
