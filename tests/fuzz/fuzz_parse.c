/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever the bytes, what parsing finds lies inside them and in order; checksums never read more.
 */
#include <leat/checksum.h>
#include <leat/parse.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

static void check(const uint8_t *data, uint32_t bytes, const struct leat_headers *h) {
    require(h->problem < LEAT_PROBLEM_COUNT);
    require(h->vlan_count <= LEAT_TAGS_MAX);
    require(h->l2 <= h->l3);
    if (h->problem)
        return;
    require(h->l3 <= h->payload && h->payload <= bytes && h->payload <= h->end);
    require(!h->l4 || (h->l3 < h->l4 && h->l4 <= h->payload));
    require(!(h->flags & LEAT_HEADERS_BEYOND) == (h->end <= bytes));
    require(!(h->flags & LEAT_HEADERS_LATER) || !h->l4);
    require(!h->fragment || (h->l3 + 40 <= h->fragment && h->fragment + 8 <= h->payload));
    if (h->flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6))
        require(!h->destination || (h->l3 < h->destination && h->destination + 4 <= h->payload));
    if (h->flags & LEAT_HEADERS_L4)
        require(h->l4 + 8 <= h->payload);
    for (uint32_t i = 0; i < h->vlan_count; i++)
        require(h->vlan_tci[i] == leat_be16(data + h->l2 + 14 + 4 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    struct leat_headers h;
    if (bytes > UINT16_MAX)
        return 0;
    leat_parse(data, data + bytes, &h);
    for (int depth = 0; depth < 4; depth++) {
        struct leat_pkt pkt = { .data = (uint8_t *)data, .len = (uint16_t)bytes };
        uint32_t checksum;
        check(data, (uint32_t)bytes, &h);
        if (leat_l4_checksum(&pkt, 1, &h, &checksum) == 0)
            require(!(h.flags & LEAT_HEADERS_BEYOND) || h.protocol == LEAT_PROTO_UDP);
        if (h.problem || h.next >= LEAT_NEXT_DATA)
            break;
        leat_parse_at(data, data + bytes, h.payload, (enum leat_next)h.next, &h);
    }
    return 0;
}
