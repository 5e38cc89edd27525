/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_inline_rig.h"
#include <arpa/inet.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct leat_flow_inline *meter;
struct leat_flow ended[FLOWS_MAX];
uint32_t ended_count, ended_room;
struct leat_flow_application application;
struct leat_flow_packet_list packet_list;
uint64_t listed, unlike;

static int sender,
    receiver;           /* frames go into lt-b, and datagrams come out of the stack behind lt-a */
static uint8_t mac[6];  /* of lt-a */
static uint32_t copies; /* of a record */

static bool keep(void *ctx, const struct leat_flow *flow) {
    (void)ctx;
    if (ended_count == ended_room)
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

void run(const char *command) {
    if (system(command) != 0)
        fail_msg("%s", command);
}

int set_up(void **state) {
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
    ended_room = FLOWS_MAX;
    return 0;
}

int tear_down(void **state) {
    (void)state;
    leat_flow_inline_close(meter);
    meter = NULL;
    close(sender);
    close(receiver);
    run("ip link del lt-a");
    return 0;
}

void open_meter(struct leat_flow_inline_opts opts) {
    opts.ended = keep;
    copies = opts.copy_packets;
    if (leat_flow_inline_open(&meter, "lt-a", &opts) < 0)
        fail_msg("%s", leat_error());
}

void make_udp(uint8_t frame[FRAME_BYTES], uint16_t source, uint16_t destination) {
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

void send_frame(const uint8_t *frame, uint32_t bytes) {
    assert_int_equal(send(sender, frame, bytes, 0), bytes);
}

void send_udp(uint16_t source, uint16_t destination) {
    uint8_t frame[FRAME_BYTES];
    make_udp(frame, source, destination);
    send_frame(frame, sizeof(frame));
}

struct leat_flow_meter_stats stats(void) {
    struct leat_flow_meter_stats now;
    leat_flow_inline_stats(meter, &now);
    return now;
}

void await_frames(uint64_t frames) {
    for (uint32_t i = 0; i < 1000000 && stats().frames < frames; i++)
        sched_yield();
    assert_int_equal(stats().frames, frames);
}

uint32_t received(void) {
    uint8_t datagram[64];
    uint32_t count = 0;
    while (recv(receiver, datagram, sizeof(datagram), 0) > 0)
        count++;
    return count;
}

uint64_t packets_of_ended(void) {
    uint64_t packets = 0;
    for (uint32_t i = 0; i < ended_count; i++)
        packets += ended[i].side[0].packets + ended[i].side[1].packets;
    return packets;
}

static void *send_many(void *ctx) {
    uint32_t count = *(uint32_t *)ctx;
    for (uint32_t i = 0; i < count; i++)
        send_udp((uint16_t)(1000 + i % 50), 7777);
    return NULL;
}

void cut_flows(struct leat_flow_inline_opts opts) {
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

void answer(uint32_t bytes, int cut) {
    static uint8_t payload[4096];
    struct sockaddr_in there = { .sin_family = AF_INET,
                                 .sin_port = htons(5000),
                                 .sin_addr.s_addr = htonl(0xc0000202) };
    assert_int_equal(setsockopt(receiver, SOL_UDP, UDP_SEGMENT, &cut, sizeof(cut)), 0);
    assert_int_equal(sendto(receiver, payload, bytes, 0, (struct sockaddr *)&there, sizeof(there)),
                     bytes);
}

bool flow_inline_rig_enter(void) {
    if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
        return true;
    puts("needs root, for a network namespace");
    return false;
}
