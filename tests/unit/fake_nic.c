/* SPDX-License-Identifier: BSD-2-Clause */
/* The NIC and the clocks that tests of wires link instead of the model and the machine's. */
#include "fake_nic.h"
#include "softnic/clock.h"
#include <stdlib.h>
#include <string.h>

const uint8_t fake_nic_mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };
uint64_t fake_clock_ns = 1;

uint64_t clock_monotonic_ns(void) {
    return fake_clock_ns;
}

uint64_t clock_realtime_ns(void) {
    return fake_clock_ns;
}

/* Twice as much as is needed, whenever there is not enough. */
static void *grown(void *memory, size_t *room, size_t needed) {
    if (needed <= *room)
        return memory;
    *room = 2 * needed;
    memory = realloc(memory, *room);
    assert_non_null(memory);
    return memory;
}

static void keep(struct nic *nic, const uint8_t *frame, uint32_t bytes) {
    size_t start = nic->delivered ? nic->ends[nic->delivered - 1] : 0;
    nic->bytes = grown(nic->bytes, &nic->bytes_room, start + bytes);
    nic->ends = grown(nic->ends, &nic->ends_room, (nic->delivered + 1) * sizeof *nic->ends);
    memcpy(nic->bytes + start, frame, bytes);
    nic->ends[nic->delivered] = start + bytes;
}

enum nic_deliver nic_deliver(struct nic *nic, const uint8_t *frame, uint32_t bytes) {
    if (!nic->room)
        return NIC_FULL;
    nic->room--;
    if (nic->keeps_frames)
        keep(nic, frame, bytes);
    nic->delivered++;
    return NIC_DELIVERED;
}

void nic_missed(struct nic *nic) {
    nic->missed++;
}

void nic_deliver_done(struct nic *nic) {
    nic->deliver_dones++;
}

bool nic_link_up(const struct nic *nic) {
    return !nic->not_ready;
}

/* Receive enable, queue 0 enable, and the station address; all else is 0. */
uint32_t nic_read(struct nic *nic, uint32_t offset) {
    const uint8_t *mac = fake_nic_mac;
    (void)nic;
    switch (offset) {
    case 0x3000:
        return 1;
    case 0x1028:
        return 1u << 25;
    case 0xa200:
        return mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24;
    case 0xa204:
        return mac[4] | mac[5] << 8 | 1u << 31;
    default:
        return 0;
    }
}

const uint8_t *fake_nic_frame(const struct nic *nic, uint64_t index, size_t *bytes) {
    assert_true(index < nic->delivered);
    size_t start = index ? nic->ends[index - 1] : 0;
    *bytes = nic->ends[index] - start;
    return nic->bytes + start;
}

void fake_nic_forget(struct nic *nic) {
    free(nic->bytes);
    free(nic->ends);
    nic->bytes = NULL;
    nic->ends = NULL;
    nic->bytes_room = nic->ends_room = 0;
    nic->delivered = 0;
}

struct wire *fake_nic_wire(struct nic *nic, const char *spec) {
    struct wire *wire = NULL;
    if (wire_open(&wire, spec, nic, NULL))
        fail_msg("%s", softnic_error());
    return wire;
}

void fake_nic_no_wire(const char *spec, const char *says) {
    struct nic nic = { 0 };
    struct wire *wire = NULL;
    int err = wire_open(&wire, spec, &nic, NULL);
    if (!err)
        fail_msg("'%s' opened", spec);
    if (!strstr(softnic_error(), says))
        fail_msg("'%s' said '%s', not '%s'", spec, softnic_error(), says);
}

struct wire_stats fake_nic_wire_stats(const struct wire *wire) {
    struct wire_stats stats;
    wire_stats(wire, &stats);
    return stats;
}
