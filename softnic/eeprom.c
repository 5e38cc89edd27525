/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EEPROM: its contents, reads by EERD and by hand on the SPI pins of EEC (datasheet 3.5, 6 and
 * 8.2.3.2), and the semaphores beside it.
 */
#include "model.h"

enum {
    WORD_CHECKSUM = 0x3f,
    WORD_FIRMWARE = 0x0f,
    WORD_PBA_FLAG = 0x15,
    WORD_PBA_POINTER = 0x16,
    WORD_ALTERNATE_MAC = 0x27,
    WORD_SAN_MAC = 0x28,
    WORD_SFP_INIT = 0x2b,
    WORD_CAPABILITIES = 0x2c,
    CHECKSUM = 0xbaba,
    /* Where the blocks lie is ours to choose. */
    AT_PBA = 0x100,
    AT_FIRMWARE = 0x110,
    AT_FIRMWARE_PATCH = 0x120,
    AT_SFP_INIT = 0x130,
    AT_SFP_DIRECT_ATTACH = 0x140,
    AT_SFP_OPTICAL = 0x148,
};

/* The module list: a length word, then pairs of module kind and block (3 direct attach, 5 optical);
 * each block a length word, values for CORECTL, an end mark. */
static void fill_sfp_list(uint16_t *w) {
    static const uint16_t list[] = { 4, 3, AT_SFP_DIRECT_ATTACH, 5, AT_SFP_OPTICAL, 0xffff };
    static const uint16_t block[] = { 2, 0x0004, 0x0013, 0xffff };
    w[WORD_SFP_INIT] = AT_SFP_INIT;
    memcpy(w + AT_SFP_INIT, list, sizeof(list));
    memcpy(w + AT_SFP_DIRECT_ATTACH, block, sizeof(block));
    memcpy(w + AT_SFP_OPTICAL, block, sizeof(block));
}

/* Drivers refuse firmware older than 6 on fibre: pre-production parts. */
static void fill_firmware(uint16_t *w) {
    w[WORD_FIRMWARE] = AT_FIRMWARE;
    w[AT_FIRMWARE + 2] = 0; /* no link establishment state machine */
    w[AT_FIRMWARE + 4] = AT_FIRMWARE_PATCH;
    w[AT_FIRMWARE_PATCH + 7] = 6;
}

static void fill_board(uint16_t *w, const uint8_t mac[6]) {
    static const uint16_t pba[] = {
        6, 'L' << 8 | 'E', 'A' << 8 | 'T', '8' << 8 | '2', '5' << 8 | '9', '9' << 8
    };
    w[WORD_PBA_FLAG] = 0xfafa; /* the PBA number is a string, at the pointer */
    w[WORD_PBA_POINTER] = AT_PBA;
    memcpy(w + AT_PBA, pba, sizeof(pba));
    w[WORD_ALTERNATE_MAC] = w[WORD_SAN_MAC] = 0xffff;
    w[WORD_CAPABILITIES] = 1; /* any SFP+ module */
    for (uint32_t i = 0; i < 3; i++)
        w[i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
}

void eeprom_init(struct nic *nic) {
    uint16_t *w = nic->eeprom.words;
    fill_board(w, nic->config.mac);
    fill_firmware(w);
    fill_sfp_list(w);
    /* Words 0 to 0x3e and the blocks that 3 to 0xe point to (here none) sum up with the checksum to
     * 0xbaba (6.3.9). */
    uint16_t sum = 0;
    for (uint32_t i = 0; i < WORD_CHECKSUM; i++)
        sum = (uint16_t)(sum + w[i]);
    w[WORD_CHECKSUM] = (uint16_t)(CHECKSUM - sum);
}

void eeprom_read_word(struct nic *nic, const struct access *a) {
    if (!(a->value & EERD_START)) {
        nic_put(nic, a->offset, a->value & ~EERD_DONE);
        return;
    }
    uint32_t word = (a->value >> EERD_ADDRESS_SHIFT) & 0x3fff;
    uint16_t data = word < EEPROM_WORDS ? nic->eeprom.words[word] : 0xffff;
    nic_put(nic, a->offset,
            (uint32_t)data << EERD_DATA_SHIFT | word << EERD_ADDRESS_SHIFT | EERD_DONE);
}

uint32_t eeprom_control_read(struct nic *nic, const struct access *a) {
    (void)a;
    const struct eeprom *e = &nic->eeprom;
    uint32_t value = e->control | EEC_PRESENT | EEC_AUTO_READ_DONE | EEC_ADDRESS_16 |
                     5u << EEC_SIZE_SHIFT; /* 2,048 words */
    if (e->control & EEC_REQUEST)
        value |= EEC_GRANT;
    if (e->shift_out & BIT(7))
        value |= EEC_DATA_OUT;
    return value;
}

static uint8_t next_byte(struct eeprom *e) {
    uint16_t word = e->words[e->address / 2 % EEPROM_WORDS];
    return (uint8_t)(e->address++ & 1 ? word >> 8 : word);
}

/* The EEPROM takes a bit when the clock rises: opcode, 16-bit byte address. */
static void clock_rises(struct eeprom *e, bool data) {
    enum { OPCODE_READ = 3 };
    e->shift_in = e->shift_in << 1 | data;
    if (++e->bits != 24)
        return;
    e->reading = (e->shift_in >> 16 & 0xff) == OPCODE_READ;
    e->address = e->shift_in & 0xffff;
}

/* It gives one when the clock falls: bytes from the address on, low byte of a word first. The
 * status register, which opcode 5 asks for, always reads 0: not busy. */
static void clock_falls(struct eeprom *e) {
    e->shift_out <<= 1;
    if (e->reading && e->bits % 8 == 0)
        e->shift_out = next_byte(e);
}

void eeprom_control_write(struct nic *nic, const struct access *a) {
    struct eeprom *e = &nic->eeprom;
    uint32_t before = e->control;
    e->control = a->value & (EEC_CLOCK | EEC_SELECT | EEC_DATA_IN | EEC_REQUEST);
    if (!(e->control & EEC_REQUEST) || e->control & EEC_SELECT) {
        e->bits = e->shift_in = e->shift_out = 0;
        e->reading = false;
        return;
    }
    if (e->control & ~before & EEC_CLOCK)
        clock_rises(e, e->control & EEC_DATA_IN);
    else if (before & ~e->control & EEC_CLOCK)
        clock_falls(e);
}

/* Reading takes the semaphore: who reads 0 has it (8.2.3.4.15). */
uint32_t eeprom_semaphore_read(struct nic *nic, const struct access *a) {
    uint32_t value = nic_get(nic, a->offset);
    nic_put(nic, a->offset, value | SWSM_SMBI);
    return value;
}
