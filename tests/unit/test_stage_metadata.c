/* SPDX-License-Identifier: BSD-2-Clause */
/* What a veth's driver knows of a frame, told to a port by the program that stands alone. */
#include "lib/bpf/assembler.h"
#include "stage_rig.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/port.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TCX_EGRESS 47     /* BPF_TCX_EGRESS, Linux 6.6 */
#define TAG        0x6123 /* priority 3, VLAN 291 */
#define PATIENCE   10000  /* ms */

static struct leat_pool *pool;
static struct leat_cache *cache;

/* bpf_skb_vlan_push(skb, 802.1Q, TAG); return TCX_PASS; the tag stays outside the frame's bytes. */
static int push_tags(const char *interface) {
    struct bpf_insn insns[] = {
        mov(R2, htons(0x8100)), mov(R3, TAG), call(BPF_FUNC_skb_vlan_push), mov(R0, 0), leave(),
    };
    int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tag", "GPL", insns, 5, NULL);
    assert_true(program >= 0);
    int link = bpf_link_create(program, (int)if_nametoindex(interface),
                               (enum bpf_attach_type)TCX_EGRESS, NULL);
    close(program);
    return link;
}

/* A UDP datagram over IPv4, which a veth hashes by its addresses and ports. */
static void send_datagram(const char *interface) {
    uint8_t frame[60] = { 2, 0, 0,  0,  0, 1, 2,   0, 0, 0, 0,   2, 8, 0, 0x45, 0, 0, 46, 0, 0,
                          0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 4,    0, 8, 0,  0, 26 };
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(0x0800),
                                   .sll_ifindex = (int)if_nametoindex(interface) };
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    assert_int_equal(
        sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&address, sizeof(address)),
        sizeof(frame));
    close(fd);
}

static struct leat_pkt receive(struct leat_queue **queues) {
    struct leat_pkt pkt;
    for (int i = 0; i < PATIENCE; i++) {
        for (int q = 0; q < 2; q++) {
            int got = leat_rx(queues[q], &pkt, 1);
            assert_in_range(got, 0, 1);
            if (got == 1)
                return pkt;
        }
        poll(NULL, 0, 1);
    }
    fail_msg("no frame came");
    return pkt;
}

static struct leat_port *open_port(const char *name, struct leat_queue **queues) {
    struct leat_port *port;
    if (leat_port_open(&port, name, pool, NULL) < 0)
        fail_msg("%s", leat_error());
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(leat_port_queue(port, i, cache, &queues[i]), 0);
    return port;
}

static int set_up(void **state) {
    (void)state;
    struct leat_pool_opts opts = { .size = sizeof(opts), .buffers = 16384, .pages = LEAT_PAGES_4K };
    stage_rig_add_veth();
    assert_int_equal(leat_pool_create(&pool, &opts), 0);
    return leat_cache_open(&cache, pool);
}

static int tear_down(void **state) {
    (void)state;
    leat_cache_close(cache);
    stage_rig_delete_veth();
    return leat_pool_destroy(pool);
}

static void tells_hash_and_tag(void **state) {
    (void)state;
    struct leat_queue *queues[2];
    struct leat_port *port = open_port("xdp:lt-a,rx-metadata=hash+vlan", queues);
    send_datagram("lt-b");
    struct leat_pkt first = receive(queues);
    assert_int_equal(first.len, 60);
    assert_true(first.flags & LEAT_PKT_HASH);
    assert_false(first.flags & LEAT_PKT_VLAN); /* the frame has none */
    assert_int_not_equal(first.hash, 0);

    int link = push_tags("lt-b");
    if (link >= 0) {
        send_datagram("lt-b");
        struct leat_pkt tagged = receive(queues);
        const struct leat_meta *meta = leat_pkt_meta(pool, &tagged);
        assert_int_equal(tagged.flags, LEAT_PKT_HASH | LEAT_PKT_META | LEAT_PKT_VLAN);
        assert_int_equal(meta->vlan_tci[0], TAG);
        assert_int_equal(meta->vlan_proto[0], 0x8100);
        assert_int_equal(meta->vlan_proto[1], 0);
        assert_int_equal(tagged.len, 60);
        assert_memory_equal(tagged.data, first.data, 60);
        leat_free(cache, &tagged, 1);
        close(link);
    }
    leat_free(cache, &first, 1);
    leat_port_close(port, NULL);
    assert_int_equal(program_on_interface(), 0);
}

static void tells_only_what_was_asked_for(void **state) {
    (void)state;
    struct leat_queue *queues[2];
    struct leat_port *port = open_port("xdp:lt-a,rx-metadata=vlan,match=udp", queues);
    send_datagram("lt-b");
    struct leat_pkt pkt = receive(queues);
    assert_int_equal(pkt.flags, 0);
    leat_free(cache, &pkt, 1);
    leat_port_close(port, NULL);
}

static void stands_alone(void **state) {
    (void)state;
    struct leat_stage_opts opts = { .metadata = LEAT_XDP_META_HASH, .queues = 2 };
    struct leat_stage *stage, *alone;
    assert_int_equal(leat_stage_open(&alone, "xdp:lt-a", ifindex, &opts), 0);
    assert_int_equal(leat_stage_metadata(alone), LEAT_XDP_META_HASH);
    assert_int_equal(leat_stage_mode(alone), LEAT_XDP_NATIVE);
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), -EBUSY);
    opts.metadata = 0;
    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), -EBUSY);
    if (!strstr(leat_error(), "with rx-metadata=, which none can join"))
        fail_msg("%s", leat_error());
    leat_stage_close(alone);

    assert_int_equal(leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts), 0);
    opts.metadata = LEAT_XDP_META_VLAN;
    assert_int_equal(leat_stage_open(&alone, "xdp:lt-a", ifindex, &opts), -EBUSY);
    assert_non_null(strstr(leat_error(), "stands alone, and another Leat program is"));
    leat_stage_close(stage);
    opts.mode = LEAT_XDP_GENERIC;
    assert_int_equal(leat_stage_open(&alone, "xdp:lt-a", ifindex, &opts), -ENOTSUP);
    assert_int_equal(leat_stage_open(&alone, "xdp:lo", if_nametoindex("lo"), &opts), -ENOTSUP);
    opts.mode = LEAT_XDP_AUTO;
    assert_int_equal(leat_stage_open(&alone, "xdp:lo", if_nametoindex("lo"), &opts), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "driver has none of it"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_hash_and_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_only_what_was_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stands_alone, set_up, tear_down),
    };
    struct leat_stage_opts opts = { .metadata = LEAT_XDP_META_HASH, .queues = 2 };
    struct leat_stage *stage;
    if (!stage_rig_enter())
        return 77;
    stage_rig_add_veth();
    int err = leat_stage_open(&stage, "xdp:lt-a", ifindex, &opts);
    leat_stage_close(stage);
    stage_rig_delete_veth();
    if (err == -ENOTSUP) {
        printf("%s\n", leat_error());
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
