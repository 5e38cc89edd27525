/* SPDX-License-Identifier: BSD-2-Clause */
/* Which frames the device takes, and to which queue: addresses (7.1.1.1), multicast (7.1.1.2), RSS
 * (7.1.2.8). Filters only change while the receive path is stopped (8.2.3.7.1). */
#include "ixgbe.h"
#include <errno.h>
#include <string.h>

/* The key that the definition of RSS verifies its implementations with, as everybody uses. */
static const uint8_t rss_key[40] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* A key that repeats every 16 bits, of which addresses and ports are multiples: to exchange them
 * changes nothing (Woo and Park, "Scalable TCP Session Monitoring with Symmetric Receive-side
 * Scaling", 2012). */
static const uint8_t symmetric_key[2] = { 0x6d, 0x5a };

static void write_key(struct ixgbe *nic, const uint8_t *key, uint32_t bytes) {
    for (uint32_t i = 0; i < sizeof(rss_key) / 4; i++) {
        uint8_t word[4];
        for (uint32_t j = 0; j < 4; j++)
            word[j] = key[(4 * i + j) % bytes];
        uint32_t value;
        memcpy(&value, word, 4);
        reg_write(nic, REG_RSSRK(i), value);
    }
}

void ixgbe_set_up_rss(struct ixgbe *nic) {
    uint32_t queues = nic->port->opts.queues;
    queues = queues < nic->model->rss_queues ? queues : nic->model->rss_queues;
    if (nic->port->opts.rss == LEAT_RSS_DEFAULT)
        write_key(nic, rss_key, sizeof(rss_key));
    else
        write_key(nic, symmetric_key, sizeof(symmetric_key));
    for (uint32_t i = 0; i < RETA_ENTRIES; i += 4)
        reg_write(nic, REG_RETA(i / 4),
                  i % queues | (i + 1) % queues << 8 | (i + 2) % queues << 16 |
                      (i + 3) % queues << 24);
    reg_change(nic, REG_RXCSUM, 0, RXCSUM_PCSD);
    reg_write(nic, REG_MRQC,
              MRQC_RSS | MRQC_IPV4 | MRQC_IPV4_TCP | MRQC_IPV4_UDP | MRQC_IPV6 | MRQC_IPV6_TCP |
                  MRQC_IPV6_UDP);
}

static void write_address(struct ixgbe *nic, uint32_t entry, const uint8_t mac[6]) {
    uint32_t low = 0, high = 0;
    memcpy(&low, mac, 4);
    memcpy(&high, mac + 4, 2);
    reg_write(nic, REG_RAL(entry), low);
    reg_write(nic, REG_RAH(entry), high | RAH_AV);
}

int ixgbe_set_mac(struct leat_port *port, const uint8_t mac[6]) {
    static const uint8_t none[6];
    struct ixgbe *nic = port->data;
    if (mac[0] & 1 || memcmp(mac, none, sizeof(none)) == 0)
        return leat_fail(EINVAL, "%s: cannot set the address: it must be a unicast address",
                         port->name);
    int err = ixgbe_receive_path(nic, false);
    write_address(nic, 0, mac);
    memcpy(nic->mac, mac, sizeof(nic->mac));
    return err ? err : ixgbe_receive_path(nic, true);
}

/* Entries 1 to 127 hold groups exactly; the rest share a hash table, by address bits 47:36. */
int ixgbe_set_multicast(struct leat_port *port, const uint8_t (*groups)[6], uint32_t n) {
    struct ixgbe *nic = port->data;
    uint32_t table[MTA_REGISTERS] = { 0 }, exact = n < RAR_ENTRIES - 1 ? n : RAR_ENTRIES - 1;
    for (uint32_t i = 0; i < n; i++)
        if (!(groups[i][0] & 1))
            return leat_fail(EINVAL, "%s: cannot receive group %u: not a multicast address",
                             port->name, i);
    int err = ixgbe_receive_path(nic, false);
    for (uint32_t i = 0; i < exact; i++)
        write_address(nic, 1 + i, groups[i]);
    for (uint32_t i = exact; i < nic->groups; i++)
        reg_write(nic, REG_RAH(1 + i), 0);
    nic->groups = exact;
    for (uint32_t i = exact; i < n; i++) {
        uint32_t hash = (uint32_t)groups[i][4] >> 4 | (uint32_t)groups[i][5] << 4;
        table[hash / 32] |= 1u << hash % 32;
    }
    for (uint32_t i = 0; i < MTA_REGISTERS && n > exact; i++)
        reg_write(nic, REG_MTA(i), table[i]);
    reg_write(nic, REG_MCSTCTRL, n > exact ? MCSTCTRL_MFE : 0);
    return err ? err : ixgbe_receive_path(nic, true);
}
