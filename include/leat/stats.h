/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics. Each queue's owner counts without locks; anybody may read at any time. Every packet
 * that a port or a program loses is counted once, under one of these reasons, the same for all.
 */
#ifndef LEAT_STATS_H
#define LEAT_STATS_H

#include <stdint.h>

/* Reason, name as in reports and JSON, and what it means. */
#define LEAT_DROP_REASONS(X)                                                                      \
    X(RX_MISSED, "rx_missed", "the device had no free descriptor or room for it")                 \
    X(RX_NO_BUFFER, "rx_no_buffer", "the pool had no free buffer")                                \
    X(RX_CRC, "rx_crc", "wrong frame check sequence or symbol errors on the wire")                \
    X(RX_LENGTH, "rx_length", "shorter or longer than the port accepts")                          \
    X(RX_BAD_DESCRIPTOR, "rx_bad_descriptor", "the device wrote nonsense into a descriptor")      \
    X(RX_TRUNCATED, "rx_truncated", "only part of it was captured or fitted")                     \
    X(TX_FULL, "tx_full", "the sending port's ring was full and the program did not wait")        \
    X(TX_LENGTH, "tx_length", "shorter or longer than the port can send, or of too many buffers") \
    X(TX_OFFLOAD, "tx_offload", "asked for an offload that neither device nor software can do")   \
    X(TX_REFUSED, "tx_refused", "the kernel or the device would not take it")                     \
    X(TX_ABORTED, "tx_aborted", "the port was closed or its device vanished before it was sent")  \
    X(BY_PROGRAM, "by_program", "the program or its filter did not want it")

enum leat_drop {
#define LEAT_DROP_ENUM(id, name, meaning) LEAT_DROP_##id,
    LEAT_DROP_REASONS(LEAT_DROP_ENUM)
#undef LEAT_DROP_ENUM
        LEAT_DROP_COUNT
};

/* Bytes are those of the frames, without frame check sequence. */
struct leat_stats {
    uint64_t rx_packets; /* frames given to the program */
    uint64_t rx_bytes;
    uint64_t tx_packets; /* frames whose sending the device completed */
    uint64_t tx_bytes;
    uint64_t drops[LEAT_DROP_COUNT];
};

/* "rx_missed" and so on; NULL beyond the last reason. Static storage. */
const char *leat_drop_name(enum leat_drop reason);

/* What the reason means, half a sentence; NULL beyond the last reason. Static storage. */
const char *leat_drop_meaning(enum leat_drop reason);

/* to += from, field by field. */
void leat_stats_add(struct leat_stats *to, const struct leat_stats *from);

#endif
