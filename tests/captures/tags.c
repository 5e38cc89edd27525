/* SPDX-License-Identifier: BSD-2-Clause */
/* TC programs that stand in for 802.1Q interfaces: tags on everything that leaves, none on what
 * arrives. Helper numbers are those of the kernel's uapi/linux/bpf.h. */
#include <stdint.h>

enum { TC_ACT_OK = 0, TC_ACT_SHOT = 2 };

struct __sk_buff;
static long (*const vlan_push)(struct __sk_buff *, uint16_t protocol, uint16_t tci) = (void *)18;
static long (*const vlan_pop)(struct __sk_buff *) = (void *)19;

#define PROGRAM(name) __attribute__((section(name), used)) int

static int verdict(long err) {
    return err ? TC_ACT_SHOT : TC_ACT_OK;
}

static uint16_t network_order(uint16_t value) {
    return __builtin_bswap16(value);
}

PROGRAM("push-vlan") push_vlan(struct __sk_buff *skb) {
    return verdict(vlan_push(skb, network_order(0x8100), 5 << 13 | 100));
}

PROGRAM("pop-vlan") pop_vlan(struct __sk_buff *skb) {
    return verdict(vlan_pop(skb));
}

PROGRAM("push-qinq") push_qinq(struct __sk_buff *skb) {
    if (vlan_push(skb, network_order(0x8100), 4094))
        return TC_ACT_SHOT;
    return verdict(vlan_push(skb, network_order(0x88a8), 3 << 13 | 7));
}

PROGRAM("pop-qinq") pop_qinq(struct __sk_buff *skb) {
    if (vlan_pop(skb))
        return TC_ACT_SHOT;
    return verdict(vlan_pop(skb));
}

__attribute__((section("license"), used)) char terms[] = "Dual BSD/GPL";
