/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SFP+ module in the cage: an I2C slave at 0xa0, driven bit by bit through I2CCTL (8.2.3.1.5),
 * with the identification bytes of SFF-8472.
 */
#include "model.h"

enum { MODULE_ADDRESS = 0xa0 >> 1 };

static void put_text(uint8_t *to, size_t bytes, const char *text) {
    memset(to, ' ', bytes);
    memcpy(to, text, strlen(text));
}

static uint8_t checksum(const uint8_t *bytes, size_t count) {
    uint8_t sum = 0;
    while (count--)
        sum = (uint8_t)(sum + *bytes++);
    return sum;
}

void sfp_init(struct nic *nic) {
    uint8_t *b = nic->sfp.bytes;
    b[0] = 3;    /* SFP or SFP+ */
    b[1] = 4;    /* defined by its two-wire interface */
    b[2] = 7;    /* LC connector */
    b[3] = 0x10; /* 10GBASE-SR */
    b[11] = 6;   /* 64B/66B */
    b[12] = 103; /* 10.3 Gb/s */
    put_text(b + 20, 16, "LEAT SOFTNIC");
    memcpy(b + 37, "\x00\x1b\x21", 3); /* Intel's, which its drivers accept */
    put_text(b + 40, 16, "SOFT-SR");
    put_text(b + 56, 4, "A");
    put_text(b + 68, 16, nic->config.port ? "1" : "0");
    put_text(b + 84, 8, "261101");
    b[63] = checksum(b, 63);
    b[95] = checksum(b + 64, 31);
    nic->sfp.clock = nic->sfp.data = true;
}

static void send_next(struct sfp *s) {
    s->shift = s->bytes[s->pointer++];
    s->bits = 0;
    s->state = I2C_SEND;
    s->drive_low = !(s->shift & 0x80);
}

/* The address byte first, then the pointer; what is written after that is ignored: read-only. */
static void byte_received(struct sfp *s) {
    if (s->received == 0) {
        s->reading = s->shift & 1;
        if ((s->shift & 0xff) >> 1 != MODULE_ADDRESS) {
            s->state = I2C_IDLE;
            return;
        }
    } else if (s->received == 1) {
        s->pointer = (uint8_t)s->shift;
    }
    s->received++;
    s->drive_low = true;
    s->state = I2C_ACKNOWLEDGE;
}

static void clock_rises(struct sfp *s, bool data) {
    if (s->state == I2C_RECEIVE) {
        s->shift = s->shift << 1 | data;
        s->bits++;
    } else if (s->state == I2C_AWAIT) {
        s->acknowledged = !data;
    }
}

static void clock_falls(struct sfp *s) {
    switch (s->state) {
    case I2C_IDLE:
        break;
    case I2C_RECEIVE:
        if (s->bits == 8)
            byte_received(s);
        break;
    case I2C_ACKNOWLEDGE:
        s->drive_low = false;
        s->bits = s->shift = 0;
        s->state = I2C_RECEIVE;
        if (s->reading)
            send_next(s);
        break;
    case I2C_SEND:
        s->bits++;
        s->drive_low = s->bits < 8 && !(s->shift << s->bits & 0x80);
        if (s->bits == 8)
            s->state = I2C_AWAIT;
        break;
    case I2C_AWAIT:
        if (s->acknowledged)
            send_next(s);
        else
            s->state = I2C_IDLE;
        break;
    }
}

uint32_t sfp_read(struct nic *nic, const struct access *a) {
    (void)a;
    const struct sfp *s = &nic->sfp;
    uint32_t value = 0;
    if (s->clock)
        value |= I2C_CLOCK_OUT | I2C_CLOCK_IN;
    if (s->data)
        value |= I2C_DATA_OUT;
    if (s->data && !s->drive_low)
        value |= I2C_DATA_IN;
    return value;
}

void sfp_write(struct nic *nic, const struct access *a) {
    struct sfp *s = &nic->sfp;
    bool clock = a->value & I2C_CLOCK_OUT, data = a->value & I2C_DATA_OUT;
    bool was_clock = s->clock, was_data = s->data;
    s->clock = clock;
    s->data = data;
    if (nic->config.sfp_absent)
        return;
    if (was_clock && clock && was_data != data) { /* START when data falls, STOP when it rises */
        s->state = data ? I2C_IDLE : I2C_RECEIVE;
        s->bits = s->shift = s->received = 0;
        s->drive_low = false;
    } else if (!was_clock && clock) {
        clock_rises(s, data);
    } else if (was_clock && !clock) {
        clock_falls(s);
    }
}

/* The cage pulls SDP2 up when a module is in. */
uint32_t sfp_pins_read(struct nic *nic, const struct access *a) {
    uint32_t pins = nic_get(nic, a->offset);
    return nic->config.sfp_absent ? pins & ~ESDP_SDP2 : pins | ESDP_SDP2;
}
