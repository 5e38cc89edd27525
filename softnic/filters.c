/* SPDX-License-Identifier: BSD-2-Clause */
/* Which frames get in: addresses, hash tables, VLAN (datasheet 7.1.1). */
#include "model.h"
#include <arpa/inet.h>

#define ADDRESS_MASK 0xffffffffffffull

/* The valid ones of the 128 receive addresses, packed. */
void filters_address(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value);
    nic->address_count = 0;
    for (uint32_t i = 0; i < 128; i++) {
        uint32_t high = nic_get(nic, R_RAH + 8 * i);
        if (high & RAH_VALID)
            nic->addresses[nic->address_count++] =
                nic_get(nic, R_RAL + 8 * i) | (uint64_t)(high & 0xffff) << 32;
    }
}

static bool exact_match(const struct nic *nic, const uint8_t *frame) {
    uint64_t address;
    memcpy(&address, frame, sizeof(address));
    address &= ADDRESS_MASK; /* little-endian, as the registers are */
    for (uint32_t i = 0; i < nic->address_count; i++)
        if (nic->addresses[i] == address)
            return true;
    return false;
}

/* Twelve bits of the address's last 16, which of them MCSTCTRL.MO says (8.2.3.7.3). */
static bool hash_match(const struct nic *nic, const uint8_t *frame, uint32_t table) {
    static const uint32_t shift[] = { 4, 3, 2, 0 };
    uint32_t last = frame[4] | (uint32_t)frame[5] << 8;
    uint32_t bit = last >> shift[nic_get(nic, R_MCSTCTRL) & MCSTCTRL_OFFSET] & 0xfff;
    return nic_get(nic, table + 4 * (bit >> 5)) >> (bit & 31) & 1;
}

static bool address_accepted(const struct nic *nic, const uint8_t *frame, bool *inexact) {
    uint32_t control = nic_get(nic, R_FCTRL);
    if (memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6) == 0)
        return control & FCTRL_BROADCAST || exact_match(nic, frame);
    if (exact_match(nic, frame))
        return true;
    *inexact = true;
    bool hashed = nic_get(nic, R_MCSTCTRL) & MCSTCTRL_FILTER;
    if (frame[0] & 1)
        return control & FCTRL_MULTICAST_ALL || (hashed && hash_match(nic, frame, R_MTA));
    return control & FCTRL_UNICAST_ALL || (hashed && hash_match(nic, frame, R_UTA));
}

/* What chooses a queue by protocol, flow or virtual machine is remembered only. */
void filters_unknown(struct nic *nic, const struct access *a) {
    if (a->value & a->reg->enable)
        register_violate(nic, a, "this model does not know what that enables");
    nic_put(nic, a->offset, a->value);
}

void filters_vlan(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value);
    nic->vlan_type = htons((uint16_t)a->value);
    nic->vlan_filter = a->value & VLNCTRL_FILTER;
}

static bool vlan_accepted(const struct nic *nic, const uint8_t *frame) {
    uint32_t control = nic_get(nic, R_VLNCTRL);
    if (!nic->vlan_filter || !is_tagged(nic, frame))
        return true;
    uint32_t tag = (uint32_t)frame[14] << 8 | frame[15];
    if (control & VLNCTRL_CFI_FILTER && !(tag & 0x1000) != !(control & VLNCTRL_CFI))
        return false;
    uint32_t id = tag & 0xfff;
    return nic_get(nic, R_VFTA + 4 * (id >> 5)) >> (id & 31) & 1;
}

bool filters_accept(const struct nic *nic, const uint8_t *frame, bool *inexact) {
    *inexact = false;
    return address_accepted(nic, frame, inexact) && vlan_accepted(nic, frame);
}
