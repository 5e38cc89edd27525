/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went out over UDP last, by the first octets of each message (its header, so a sequence
 * number is among them): an ICMP error quotes the datagram that nobody took.
 */
#ifndef LEAT_FLOW_HISTORY_H
#define LEAT_FLOW_HISTORY_H

#include "tally.h"

#define LEAT_HISTORY_MESSAGES 1024
#define LEAT_HISTORY_OCTETS   20 /* as long as the headers of IPFIX with a set, and NetFlow 9 */

struct leat_history {
    struct {
        uint64_t print;
        struct leat_tally tally;
    } message[LEAT_HISTORY_MESSAGES];
    uint32_t next;
};

/* FNV-1a; 0: there is too little of it, as of routers that quote 8 octets (RFC 792). */
static inline uint64_t leat_history_print(const uint8_t *message, uint32_t n) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < LEAT_HISTORY_OCTETS && n >= LEAT_HISTORY_OCTETS; i++)
        hash = (hash ^ message[i]) * UINT64_C(0x100000001b3);
    return n < LEAT_HISTORY_OCTETS ? 0 : hash;
}

static inline void leat_history_add(struct leat_history *history, uint64_t print,
                                    const struct leat_tally *tally) {
    const uint32_t i = history->next++ % LEAT_HISTORY_MESSAGES;
    history->message[i].print = print;
    history->message[i].tally = *tally;
}

/* What was in the message of that print; nothing, if it is not known any more. Only once. */
static inline struct leat_tally leat_history_take(struct leat_history *history, uint64_t print) {
    for (uint32_t i = 0; print && i < LEAT_HISTORY_MESSAGES; i++) {
        if (history->message[i].print != print)
            continue;
        history->message[i].print = 0;
        return history->message[i].tally;
    }
    return (struct leat_tally){ 0 };
}

#endif
