/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics that the model really counts, 8.2.3.23. Others are declared and stay zero. */
#ifndef SOFTNIC_COUNTERS_H
#define SOFTNIC_COUNTERS_H

#include <stdint.h>

enum counter {
    COUNT_NONE, /* of registers for events that cannot happen here */
    COUNT_CRCERRS,
    COUNT_RLEC,
    COUNT_RXMPC,
    COUNT_PRC64, /* the six size classes are consecutive */
    COUNT_PRC1522 = COUNT_PRC64 + 5,
    COUNT_GPRC,
    COUNT_BPRC,
    COUNT_MPRC,
    COUNT_GORC,
    COUNT_RUC,
    COUNT_ROC,
    COUNT_RJC,
    COUNT_TOR,
    COUNT_TPR,
    COUNT_GPTC,
    COUNT_GOTC,
    COUNT_TPT,
    COUNT_PTC64,
    COUNT_PTC1522 = COUNT_PTC64 + 5,
    COUNT_MPTC,
    COUNT_BPTC,
    COUNT_RXNFGPC,
    COUNT_RXNFGBC,
    COUNT_RXDGPC,
    COUNT_RXDGBC,
    COUNT_TXDGPC,
    COUNT_TXDGBC,
    COUNT_SSVPC,
    COUNT_QPRC, /* 16 of each, chosen by RQSMR and TQSM */
    COUNT_QBRC = COUNT_QPRC + 16,
    COUNT_QPRDC = COUNT_QBRC + 16,
    COUNT_QPTC = COUNT_QPRDC + 16,
    COUNT_QBTC = COUNT_QPTC + 16,
    COUNTERS = COUNT_QBTC + 16
};

/* Frames of one direction since the last fold: the hot path touches these few only. */
struct tally {
    uint64_t bytes; /* with frame check sequence */
    uint64_t multicast, broadcast;
    uint64_t sizes[6]; /* frames, by size */
};

#endif
