/* SPDX-License-Identifier: BSD-2-Clause */
/* Metering of live traffic: frames that another end sends are counted in their flows, exactly, and
 * reach the kernel's stack all the same. On a veth pair in a namespace of this test's own. */
#include "lib/flow/inline.h"
#include <arpa/inet.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <leat/port.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAME_BYTES   60
#define PAYLOAD_BYTES 10
#define FLOWS_MAX     4096

static struct leat_flow_inline *meter;
static int sender,
    receiver;          /* frames go into lt-b, and datagrams come out of the stack behind lt-a */
static uint8_t mac[6]; /* of lt-a */
static struct leat_flow ended[FLOWS_MAX];
static struct leat_flow_application application; /* of the last one */
static struct leat_flow_packet_list packet_list;
static uint64_t listed, unlike; /* packets in the lists of all, and records that lack some */
static uint32_t copies;         /* of a record */
static uint32_t ended_count, room;

static bool keep(void *ctx, const struct leat_flow *flow) {
    (void)ctx;
    if (ended_count == room)
        return false;
    ended[ended_count++] = *flow;
    if (flow->parts.application)
        application = *flow->parts.application;
    if (flow->parts.packets) {
        packet_list = *flow->parts.packets;
        listed += packet_list.count;
        uint64_t packets = flow->side[0].packets;
        unlike += packet_list.count != (packets < copies ? packets : copies);
    }
    return true;
}

static void run(const char *command) {
    if (system(command) != 0)
        fail_msg("%s", command);
}

static int set_up(void **state) {
    (void)state;
    run("sysctl -q net.ipv6.conf.default.disable_ipv6=1 && " /* nothing but the test's frames */
        "ip link add lt-a type veth peer name lt-b && ip addr add 192.0.2.1/24 dev lt-a && "
        "ip link set lt-a up && ip link set lt-b up && "
        "sysctl -q net.ipv4.conf.lt-a.rp_filter=0 net.ipv4.conf.all.rp_filter=0");
    struct ifreq request = { .ifr_name = "lt-a" };
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_ifindex = (int)if_nametoindex("lt-b") };
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(7777) };
    sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(ioctl(receiver, SIOCGIFHWADDR, &request), 0);
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    assert_int_equal(bind(sender, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&here, sizeof(here)), 0);
    ended_count = 0;
    listed = unlike = 0;
    room = FLOWS_MAX;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    leat_flow_inline_close(meter);
    meter = NULL;
    close(sender);
    close(receiver);
    run("ip link del lt-a");
    return 0;
}

static void open_meter(struct leat_flow_inline_opts opts) {
    opts.ended = keep;
    copies = opts.copy_packets;
    if (leat_flow_inline_open(&meter, "lt-a", &opts) < 0)
        fail_msg("%s", leat_error());
}

/* A datagram from 192.0.2.2 to lt-a. */
static void make_udp(uint8_t frame[FRAME_BYTES], uint16_t source, uint16_t destination) {
    memset(frame, 0, FRAME_BYTES);
    memcpy(frame, mac, 6);
    frame[6] = 2;
    leat_put_be16(frame + 12, LEAT_ETHER_IP4);
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    leat_put_be16(ip + 2, 20 + 8 + PAYLOAD_BYTES);
    ip[8] = 61;
    ip[9] = LEAT_PROTO_UDP;
    leat_put_be32(ip + 12, 0xc0000202);
    leat_put_be32(ip + 16, 0xc0000201);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 20; i += 2)
        sum += leat_be16(ip + i);
    leat_put_be16(ip + 10, ~(sum % 0xffff) & 0xffff);
    leat_put_be16(ip + 20, source);
    leat_put_be16(ip + 22, destination);
    leat_put_be16(ip + 24, 8 + PAYLOAD_BYTES);
}

static void send_frame(const uint8_t *frame, uint32_t bytes) {
    assert_int_equal(send(sender, frame, bytes, 0), bytes);
}

static void send_udp(uint16_t source, uint16_t destination) {
    uint8_t frame[FRAME_BYTES];
    make_udp(frame, source, destination);
    send_frame(frame, sizeof(frame));
}

static struct leat_flow_meter_stats stats(void) {
    struct leat_flow_meter_stats now;
    leat_flow_inline_stats(meter, &now);
    return now;
}

/* veth hands a frame over in a softirq, which may run after send() has returned. */
static void await_frames(uint64_t frames) {
    for (uint32_t i = 0; i < 1000000 && stats().frames < frames; i++)
        sched_yield();
    assert_int_equal(stats().frames, frames);
}

static uint32_t received(void) {
    uint8_t datagram[64];
    uint32_t count = 0;
    while (recv(receiver, datagram, sizeof(datagram), 0) > 0)
        count++;
    return count;
}

static uint64_t packets_of_ended(void) {
    uint64_t packets = 0;
    for (uint32_t i = 0; i < ended_count; i++)
        packets += ended[i].side[0].packets + ended[i].side[1].packets;
    return packets;
}

static void frames_are_counted_and_passed_on(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 1 });
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(100);
    assert_int_equal(received(), 100);
    assert_int_equal(stats().selected, 100);
    assert_int_equal(stats().cache.flows, 1);
    assert_int_equal(stats().cache.octets, 100 * (28 + PAYLOAD_BYTES));
    assert_string_equal(leat_flow_inline_mode(meter), "native");
    assert_int_equal(leat_flow_inline_sweep(meter), 0);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    const struct leat_flow *flow = &ended[0];
    assert_int_equal(flow->version, 4);
    assert_int_equal(flow->protocol, LEAT_PROTO_UDP);
    assert_int_equal(flow->end, LEAT_FLOW_END_FORCED);
    assert_int_equal(flow->port[0], 5000);
    assert_int_equal(flow->port[1], 7777);
    assert_memory_equal(flow->address[0], "\xc0\x00\x02\x02", 4);
    assert_memory_equal(flow->address[1], "\xc0\x00\x02\x01", 4);
    assert_int_equal(flow->side[0].packets, 100);
    assert_int_equal(flow->side[0].octets, 100 * (28 + PAYLOAD_BYTES));
    assert_int_equal(flow->side[0].frame_octets, 100 * FRAME_BYTES);
    assert_int_equal(flow->side[0].payload_octets, 100 * PAYLOAD_BYTES);
    assert_int_equal(flow->side[0].ttl_min, 61);
    assert_int_equal(flow->side[0].ttl_max, 61);
    assert_true(flow->side[0].first_ns <= flow->side[0].last_ns);
    assert_int_equal(flow->side[1].packets, 0);
    assert_int_equal(flow->scope.interface, if_nametoindex("lt-a"));
    assert_int_equal(stats().cache.flows, 0);
}

static void what_is_no_flow_is_counted_by_reason(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES];
    open_meter((struct leat_flow_inline_opts){ .seed = 2 });
    make_udp(frame, 1, 7777);
    leat_put_be16(frame + 12, 0x88b5); /* for experiments */
    send_frame(frame, sizeof(frame));
    make_udp(frame, 1, 7777);
    leat_put_be16(frame + 14 + 24, 4); /* UDP length below its header */
    send_frame(frame, sizeof(frame));
    make_udp(frame, 1, 7777);
    send_frame(frame, 14 + 24); /* ends inside the UDP header */
    await_frames(3);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_NOT_IP], 1);
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_MALFORMED], 1);
    assert_int_equal(now.skipped[LEAT_FLOW_SKIP_TRUNCATED], 1);
    assert_int_equal(now.ignored_octets, FRAME_BYTES + 14 + 24);
    assert_int_equal(now.selected, 0);
    assert_int_equal(now.cache.flows, 0);
}

static void a_full_table_is_told(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 3, .flows = 16 });
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 500; i++) {
        send_udp((uint16_t)(1000 + i), 7777);
        passed += received();
    }
    await_frames(500);
    struct leat_flow_meter_stats now = stats();
    assert_true(now.skipped[LEAT_FLOW_SKIP_NO_ROOM] > 0 && now.selected >= 16);
    assert_int_equal(now.selected + now.skipped[LEAT_FLOW_SKIP_NO_ROOM], 500);
    assert_int_equal(now.ignored_octets, FRAME_BYTES * now.skipped[LEAT_FLOW_SKIP_NO_ROOM]);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(packets_of_ended(), now.selected);
    assert_int_equal(ended_count, now.selected);
    assert_int_equal(passed + received(), 500);
}

static void *send_many(void *ctx) {
    uint32_t count = *(uint32_t *)ctx;
    for (uint32_t i = 0; i < count; i++)
        send_udp((uint16_t)(1000 + i % 50), 7777);
    return NULL;
}

/* Flows that are cut all the time, while their packets arrive. */
static void cut_flows(struct leat_flow_inline_opts opts) {
    uint32_t count = 100000;
    pthread_t thread;
    opts.active_ns = 1;
    open_meter(opts);
    assert_int_equal(pthread_create(&thread, NULL, send_many, &count), 0);
    uint64_t sum = 0;
    uint32_t cut = 0;
    while (stats().frames < count) {
        int n = leat_flow_inline_sweep(meter);
        assert_true(n >= 0);
        received();
        sum += packets_of_ended();
        cut += ended_count;
        ended_count = 0;
    }
    pthread_join(thread, NULL);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    sum += packets_of_ended();
    assert_int_equal(stats().selected, count);
    assert_int_equal(sum, count);
    assert_true(cut > 50);
}

static void counts_stay_exact_while_flows_end(void **state) {
    (void)state;
    cut_flows((struct leat_flow_inline_opts){ .seed = 4 });
}

struct stream {
    uint32_t sent;
    bool enough;
};

static void *send_on(void *ctx) {
    struct stream *stream = ctx;
    while (!__atomic_load_n(&stream->enough, __ATOMIC_RELAXED)) {
        send_udp((uint16_t)(1000 + stream->sent % 50), 7777);
        __atomic_fetch_add(&stream->sent, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void await_more(const struct stream *stream, uint32_t frames) {
    uint32_t before = __atomic_load_n(&stream->sent, __ATOMIC_RELAXED);
    while (__atomic_load_n(&stream->sent, __ATOMIC_RELAXED) - before < frames)
        sched_yield();
}

/* Of frames that come before, while and after it ends, each is in a record or not counted at all.
 */
static void a_stopped_meter_has_told_all_it_counted(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        struct stream stream = { 0 };
        pthread_t thread;
        ended_count = 0;
        open_meter((struct leat_flow_inline_opts){ .seed = 17 + round });
        const char *unsent = leat_flow_inline_unsent(meter);
        assert_int_equal(pthread_create(&thread, NULL, send_on, &stream), 0);
        await_more(&stream, 50 * round);
        int stopped = leat_flow_inline_stop(meter);
        int left = leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED);
        await_more(&stream, 100);
        __atomic_store_n(&stream.enough, true, __ATOMIC_RELAXED);
        pthread_join(thread, NULL);
        received();
        struct leat_flow_meter_stats last = stats();
        assert_int_equal(stopped, 0);
        assert_int_equal(left, 0);
        assert_true(last.frames < stream.sent);
        assert_int_equal(last.frames, last.selected);
        assert_int_equal(packets_of_ended(), last.selected);
        assert_int_equal(last.cache.flows, 0);
        assert_ptr_equal(leat_flow_inline_unsent(meter), unsent);
        assert_string_equal(leat_flow_inline_mode(meter), "native");
        leat_flow_inline_close(meter);
        meter = NULL;
    }
}

/* Each copy is in the record that has counted its packet. */
static void copies_stay_with_their_records(void **state) {
    (void)state;
    cut_flows((struct leat_flow_inline_opts){
        .seed = 4, .copy_packets = 3, .features = LEAT_FLOW_PACKETS, .ring_bytes = 1 << 20 });
    assert_int_equal(listed, stats().copied);
    assert_true(listed > 50);
    assert_true(unlike <= stats().uncopied);
}

static void first_packets_are_looked_into(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){
        .seed = 7, .copy_packets = 4, .features = LEAT_FLOW_PACKETS });
    for (uint32_t i = 0; i < 4; i++)
        send_udp(5000, 7777);
    await_frames(4);
    assert_int_equal(leat_flow_inline_look(meter), 4);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].limited, 0); /* of these there were no more */
    assert_int_equal(packet_list.count, 4);
    assert_true(packet_list.time_ns[0] == ended[0].side[0].first_ns);
    assert_true(packet_list.time_ns[3] == ended[0].side[0].last_ns);
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(104);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 2);
    assert_int_equal(ended[1].side[0].packets, 100);
    assert_int_equal(ended[1].limited, LEAT_FLOW_PACKETS);
    assert_int_equal(packet_list.count, 4);
    assert_int_equal(packet_list.length[3], PAYLOAD_BYTES);
    assert_int_equal(stats().copied, 8);
    assert_int_equal(stats().uncopied, 0);
}

/* A query for "a.leat.test". */
static void names_come_from_copies(void **state) {
    (void)state;
    static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                   "\x01"
                                   "a\x04leat\x04test\x00\x00\x01\x00\x01";
    uint8_t frame[42 + sizeof(query) - 1];
    make_udp(frame, 5000, 53);
    leat_put_be16(frame + 16, sizeof(frame) - 14);
    leat_put_be16(frame + 24,
                  0); /* nobody verifies the sum: it is for a socket that is not there */
    leat_put_be16(frame + 38, sizeof(frame) - 34);
    memcpy(frame + 42, query, sizeof(query) - 1);
    open_meter((struct leat_flow_inline_opts){
        .seed = 8, .copy_packets = 16, .features = LEAT_FLOW_APPLICATION });
    send_frame(frame, sizeof(frame));
    await_frames(1);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(application.kind, LEAT_FLOW_APPLICATION_DNS);
    assert_string_equal(application.name, "a.leat.test");
    assert_int_equal(application.dns_type, 1);
}

/* Nobody looks, and then the ring is full. */
static void a_full_ring_costs_copies_only(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 9,
                                               .copy_packets = 1000,
                                               .features = LEAT_FLOW_PACKETS,
                                               .ring_bytes = (uint32_t)sysconf(_SC_PAGESIZE) });
    uint32_t passed = 0;
    for (uint32_t i = 0; i < 200; i++) {
        send_udp(5000, 7777);
        passed += received();
    }
    await_frames(200);
    assert_int_equal(stats().selected, 200);
    assert_int_equal(passed + received(), 200);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended[0].side[0].packets, 200);
    assert_int_equal(ended[0].limited, LEAT_FLOW_PACKETS);
    assert_true(stats().copied > 10 && stats().uncopied > 10);
    assert_int_equal(stats().copied + stats().uncopied, 200);
}

/* A tag is the packet's that made the record. */
static void tags_are_told(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES + 4];
    open_meter((struct leat_flow_inline_opts){ .seed = 10 });
    make_udp(frame, 5000, 7777);
    memmove(frame + 16, frame + 12, FRAME_BYTES - 12);
    leat_put_be16(frame + 12, LEAT_ETHER_VLAN);
    leat_put_be16(frame + 14, 3 << 13 | 42);
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(2);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].side[0].packets, 2);
    assert_int_equal(ended[0].scope.vlan_count, 1);
    assert_int_equal(ended[0].scope.vlan_tci[0], 3 << 13 | 42);
}

static void one_record_a_direction(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES];
    open_meter((struct leat_flow_inline_opts){ .seed = 11, .uniflow = true });
    make_udp(frame, 7777, 5000); /* as if it were the answer */
    leat_put_be32(frame + 26, 0xc0000201);
    leat_put_be32(frame + 30, 0xc0000202);
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(2);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 2);
    assert_int_equal(ended[0].side[0].packets, 1);
    assert_int_equal(ended[1].side[0].packets, 1);
    assert_false(ended[0].biflow || ended[1].biflow);
}

static void what_finds_no_room_is_kept(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){ .seed = 5 });
    for (uint32_t i = 0; i < 10; i++)
        send_udp((uint16_t)(1000 + i), 7777);
    await_frames(10);
    room = 4;
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 6);
    assert_int_equal(ended_count, 4);
    send_udp(1000, 7777); /* of a flow that is on its way out: a new one */
    await_frames(11);
    room = FLOWS_MAX;
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 11);
    assert_int_equal(packets_of_ended(), 11);
}

/* A stage behind it still gets its frames. */
static void other_stages_go_on(void **state) {
    (void)state;
    struct leat_pool_opts pool_opts = { .size = sizeof(pool_opts), .buffers = 4096 };
    struct leat_pool *pool;
    struct leat_cache *cache;
    struct leat_port *port;
    struct leat_queue *queue;
    open_meter((struct leat_flow_inline_opts){ .seed = 6 });
    assert_int_equal(leat_pool_create(&pool, &pool_opts), 0);
    assert_int_equal(leat_cache_open(&cache, pool), 0);
    if (leat_port_open(&port, "xdp:lt-a,match='udp port 8888'", pool, NULL) < 0)
        fail_msg("%s", leat_error());
    assert_int_equal(leat_port_queue(port, 0, cache, &queue), 0);
    for (uint32_t i = 0; i < 10; i++) {
        send_udp(1, 7777);
        send_udp(1, 8888);
    }
    await_frames(20);
    assert_int_equal(stats().selected, 20);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < 1000000 && taken < 10; i++) {
        struct leat_pkt pkts[16];
        int n = leat_rx(queue, pkts, 16);
        assert_true(n >= 0);
        leat_free(cache, pkts, (uint32_t)n);
        taken += (uint32_t)n;
        sched_yield();
    }
    assert_int_equal(taken, 10);
    assert_int_equal(received(), 10);
    leat_port_close(port, NULL);
    leat_cache_close(cache);
    assert_int_equal(leat_pool_destroy(pool), 0);
}

/* A datagram of `bytes` of payload from lt-a, whose stack cuts it every `cut` bytes if that is not
 * 0.
 */
static void answer(uint32_t bytes, int cut) {
    static uint8_t payload[4096];
    struct sockaddr_in there = { .sin_family = AF_INET,
                                 .sin_port = htons(5000),
                                 .sin_addr.s_addr = htonl(0xc0000202) };
    assert_int_equal(setsockopt(receiver, SOL_UDP, UDP_SEGMENT, &cut, sizeof(cut)), 0);
    assert_int_equal(sendto(receiver, payload, bytes, 0, (struct sockaddr *)&there, sizeof(there)),
                     bytes);
}

/* What is cut after it was seen counts as the frames that it becomes. */
static void both_directions_are_one_record(void **state) {
    (void)state;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    open_meter((struct leat_flow_inline_opts){
        .seed = 12, .copy_packets = 8, .features = LEAT_FLOW_PACKETS });
    if (leat_flow_inline_unsent(meter)) {
        puts(leat_flow_inline_unsent(meter));
        skip();
    }
    for (uint32_t i = 0; i < 5; i++)
        send_udp(5000, 7777);
    await_frames(5); /* the other side is the source */
    for (uint32_t i = 0; i < 3; i++)
        answer(20, 0);
    answer(1050, 100);
    await_frames(5 + 3 + 11);
    assert_int_equal(stats().selected, 19);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 1);
    assert_int_equal(ended[0].port[0], 5000);
    assert_int_equal(ended[0].side[0].packets, 5);
    const struct leat_flow_side *back = &ended[0].side[1];
    assert_int_equal(back->packets, 3 + 11);
    assert_int_equal(back->payload_octets, 3 * 20 + 1050);
    assert_int_equal(back->octets, 3 * 20 + 1050 + 14 * 28);
    assert_int_equal(back->frame_octets, 3 * 20 + 1050 + 14 * 42);
    assert_int_equal(back->ttl_max, 64);
    assert_int_equal(packet_list.count, 8);
    assert_memory_equal(packet_list.side, "\0\0\0\0\0\1\1\1", 8);
    assert_int_equal(ended[0].limited, LEAT_FLOW_PACKETS);
}

static void what_is_sent_may_be_left_out(void **state) {
    (void)state;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    open_meter((struct leat_flow_inline_opts){ .seed = 13, .received_only = true });
    assert_non_null(leat_flow_inline_unsent(meter));
    answer(20, 0);
    send_udp(5000, 7777);
    await_frames(1);
    assert_int_equal(stats().selected, 1);
}

static void keys_may_have_more(void **state) {
    (void)state;
    uint8_t frame[FRAME_BYTES + 4];
    open_meter((struct leat_flow_inline_opts){ .seed = 14,
                                               .key = LEAT_FLOW_KEY_VLAN | LEAT_FLOW_KEY_TOS });
    make_udp(frame, 5000, 7777);
    frame[15] = 0x20; /* another ToS */
    send_frame(frame, FRAME_BYTES);
    make_udp(frame, 5000, 7777);
    memmove(frame + 16, frame + 12, FRAME_BYTES - 12);
    leat_put_be16(frame + 12, LEAT_ETHER_VLAN);
    for (uint16_t id = 1; id < 4; id++) {
        leat_put_be16(frame + 14, id);
        send_frame(frame, sizeof(frame));
    }
    leat_put_be16(frame + 14, 5 << 13 | 3); /* a priority makes no difference */
    send_frame(frame, sizeof(frame));
    send_udp(5000, 7777);
    await_frames(6);
    struct leat_flow top[2];
    assert_int_equal(leat_flow_inline_top(meter, top, 2, LEAT_FLOW_TOP_OCTETS), 2);
    assert_int_equal(top[0].side[0].packets, 2);
    assert_int_equal(top[0].scope.vlan_tci[0], 3);
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(ended_count, 5);
    assert_int_equal(packets_of_ended(), 6);
}

static void packets_are_sampled(void **state) {
    (void)state;
    open_meter((struct leat_flow_inline_opts){
        .seed = 15,
        .sampling = { .kind = LEAT_FLOW_SAMPLING_UNIFORM, .size = 1, .population = 4 } });
    for (uint32_t i = 0; i < 4000; i++)
        send_udp(5000, 7777);
    await_frames(4000);
    struct leat_flow_meter_stats now = stats();
    assert_int_equal(now.selected + now.unsampled, 4000);
    assert_in_range(now.selected, 800, 1200); /* 7 standard deviations */
    assert_int_equal(leat_flow_inline_flush(meter, LEAT_FLOW_END_FORCED), 0);
    assert_int_equal(packets_of_ended(), now.selected);
}

/* Each core counts for itself, so this one stays on one. */
static void packets_are_sampled_by_count(void **state) {
    (void)state;
    cpu_set_t all, one;
    run("ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev lt-a");
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    open_meter((struct leat_flow_inline_opts){
        .seed = 16, .sampling = { .kind = LEAT_FLOW_SAMPLING_COUNT, .interval = 2, .space = 8 } });
    for (uint32_t i = 0; i < 100; i++)
        send_udp(5000, 7777);
    await_frames(100);
    uint32_t sent = leat_flow_inline_unsent(meter) ? 0 : 50;
    for (uint32_t i = 0; i < sent; i++)
        answer(20, 0);
    await_frames(100 + sent);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
    assert_int_equal(stats().selected, 20 + sent / 5);
    assert_int_equal(stats().unsampled, 80 + sent - sent / 5);
    assert_int_equal(stats().ignored_octets, 0);
}

static void what_cannot_be_had_is_refused(void **state) {
    (void)state;
    struct leat_flow_inline *none;
    struct leat_flow_inline_opts opts = { .ended = keep, .key = LEAT_FLOW_KEY_TUNNEL };
    assert_int_equal(leat_flow_inline_open(&none, "lt-a", &opts), -ENOTSUP);
    opts = (struct leat_flow_inline_opts){
        .ended = keep, .sampling = { .kind = LEAT_FLOW_SAMPLING_HASH, .size = 1, .population = 2 }
    };
    assert_int_equal(leat_flow_inline_open(&none, "lt-a", &opts), -ENOTSUP);
    assert_null(none);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(frames_are_counted_and_passed_on),
        CASE(what_is_no_flow_is_counted_by_reason),
        CASE(a_full_table_is_told),
        CASE(counts_stay_exact_while_flows_end),
        CASE(a_stopped_meter_has_told_all_it_counted),
        CASE(copies_stay_with_their_records),
        CASE(first_packets_are_looked_into),
        CASE(names_come_from_copies),
        CASE(a_full_ring_costs_copies_only),
        CASE(tags_are_told),
        CASE(one_record_a_direction),
        CASE(both_directions_are_one_record),
        CASE(what_is_sent_may_be_left_out),
        CASE(keys_may_have_more),
        CASE(packets_are_sampled),
        CASE(packets_are_sampled_by_count),
        CASE(what_cannot_be_had_is_refused),
        CASE(what_finds_no_room_is_kept),
        CASE(other_stages_go_on),
    };
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
        puts("needs root, for a network namespace");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
