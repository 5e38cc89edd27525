/* SPDX-License-Identifier: BSD-2-Clause */
/* The Ethernet frame check sequence, IEEE 802.3 clause 3.2.9; a table look-up a byte. */
#include "model.h"
#include <pthread.h>

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void build_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (uint32_t bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        table[i] = crc;
    }
}

uint32_t frame_check(const uint8_t *frame, uint32_t bytes) {
    pthread_once(&table_once, build_table);
    uint32_t crc = 0xffffffff;
    for (uint32_t i = 0; i < bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ frame[i]) & 0xff];
    return ~crc;
}
