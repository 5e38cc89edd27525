/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs translated filters on frames, and compares them with libpcap's interpreter. */
#include "match_rig.h"
#include "classic.h"
#include "frames.h"
#include "lib/bpf/assembler.h"
#include "lib/bpf/permission.h"
#include "lib/drivers/capture.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <leat/error.h>
#include <leat/parse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_BYTES 9000 /* of several buffers */
#define SHORTEST   14   /* that a test run takes */
#define SKB_BYTES  3000 /* at most, likewise */

static bool perfmon; /* with it there are two translations */
struct sample samples[FRAMES_MAX];
uint32_t sample_count;

static void add_sample(const uint8_t *data, uint32_t bytes) {
    assert_true(sample_count < FRAMES_MAX);
    struct sample *sample = &samples[sample_count++];
    sample->bytes = bytes;
    sample->data = malloc(bytes);
    assert_non_null(sample->data);
    memcpy(sample->data, data, bytes);
}

/* A frame of the capture, with random bytes behind it. */
static void add_long(const struct sample *from, uint32_t bytes) {
    static uint8_t data[LONG_BYTES];
    random_bytes(data, bytes);
    memcpy(data, from->data, from->bytes < bytes ? from->bytes : bytes);
    add_sample(data, bytes);
}

int read_samples(void **state) {
    (void)state;
    struct capture_reader reader;
    const struct capture_frame *captured;
    uint32_t built;
    const struct frame *all = frames(&built);
    seed_random();
    perfmon = leat_permission_perfmon();
    for (uint32_t i = 0; i < built; i++)
        add_sample(all[i].bytes, all[i].len);
    assert_int_equal(capture_reader_open(&reader, CAPTURES "protocols.pcap"), 0);
    for (; capture_peek(&reader, &captured) == 1; capture_next(&reader))
        add_sample(captured->data, captured->captured);
    capture_reader_close(&reader);
    for (uint32_t i = 0, short_ones = sample_count; i < 16; i++)
        add_long(&samples[random_below(short_ones)], 2000 + random_below(LONG_BYTES - 2000));
    add_long(&samples[0], LONG_BYTES);
    return 0;
}

int free_samples(void **state) {
    (void)state;
    while (sample_count > 0)
        free(samples[--sample_count].data);
    return 0;
}

/* Puts the tag whose numbers are the packet's mark beside the frame. */
static void emit_push_tag(struct code *code) {
    emit(code, load(BPF_W, R2, R6, offsetof(struct __sk_buff, mark)));
    uint32_t none = emit(code, jump_if(BPF_JEQ, R2, 0));
    emit(code, mov_reg(R1, R6));
    emit(code, mov_reg(R3, R2));
    emit(code, alu(BPF_RSH, R2, 16));
    emit(code, alu(BPF_AND, R3, 0xffff));
    emit(code, call(BPF_FUNC_skb_vlan_push));
    land(code, none);
}

static int load_program(bool skb, const struct code *code) {
    static char log[1 << 16];
    enum bpf_prog_type type = skb ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_XDP;
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = skb ? 0 : BPF_F_XDP_HAS_FRAGS,
                .log_buf = log, .log_size = sizeof(log));
    int fd = bpf_prog_load(type, "match", "GPL", code->insns, code->count, &opts);
    if (fd >= 0)
        return fd;
    int err = errno;
    opts.log_level = 1;
    bpf_prog_load(type, "match", "GPL", code->insns, code->count, &opts);
    fail_msg("%s: %s", strerror(err), log);
    return -1;
}

/* return match(ctx) ? 1 : 0; */
int load_match(const struct sock_filter *filter, uint32_t count, enum leat_match_context context,
               bool variable) {
    static struct bpf_insn insns[ROOM];
    struct code code = { insns, 0, ROOM };
    bool skb = context == LEAT_MATCH_SKB;
    emit(&code, mov_reg(R6, R1));
    if (skb)
        emit_push_tag(&code);
    emit(&code, load(BPF_W, R7, R6,
                     skb ? offsetof(struct __sk_buff, data) : offsetof(struct xdp_md, data)));
    emit(&code,
         load(BPF_W, R8, R6,
              skb ? offsetof(struct __sk_buff, data_end) : offsetof(struct xdp_md, data_end)));
    int written =
        leat_match_translate(insns + code.count, ROOM - 20, filter, count, context, variable);
    if (written < 0)
        fail_msg("%s", leat_error());
    code.count += (uint32_t)written;
    uint32_t unmatched = emit(&code, jump_if(BPF_JEQ, R0, 0));
    emit(&code, mov(R0, 1));
    land(&code, unmatched);
    emit(&code, leave());
    return load_program(skb, &code);
}

static bool run_program(int program, const uint8_t *frame, uint32_t bytes,
                        const struct __sk_buff *skb) {
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = bytes, .repeat = 1,
                .ctx_in = skb, .ctx_size_in = skb ? sizeof(*skb) : 0);
    assert_int_equal(bpf_prog_test_run_opts(program, &opts), 0);
    assert_in_range(opts.retval, 0, 1);
    return opts.retval;
}

bool run_match(int program, const uint8_t *frame, uint32_t bytes) {
    return run_program(program, frame, bytes, NULL);
}

/* A customer's or a service tag, hardly ever of priority 0, often of VLAN 100. */
static uint32_t random_tag(void) {
    uint32_t id = random_below(2) ? 100 : random_below(4096);
    return (uint32_t)htons(random_below(2) ? 0x8100 : 0x88a8) << 16 | random_below(16) << 12 | id;
}

static bool run_tagged(int program, const struct sample *sample, uint32_t bytes, uint32_t tag) {
    struct __sk_buff skb = { .mark = tag };
    return run_program(program, sample->data, bytes, &skb);
}

/* As it will be on the wire. */
static bool classic_tagged(const struct sock_filter *filter, const struct sample *sample,
                           uint32_t bytes, uint32_t tag) {
    uint8_t frame[SKB_BYTES + 4];
    memcpy(frame, sample->data, 12);
    leat_put_be16(frame + 12, ntohs((uint16_t)(tag >> 16)));
    leat_put_be16(frame + 14, tag & 0xffff);
    memcpy(frame + 16, sample->data + 12, bytes - 12);
    return classic_matches(filter, frame, bytes + 4);
}

static void print_program(const struct sock_filter *filter, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        printf("{ 0x%02x, %u, %u, 0x%08x },\n", filter[i].code, filter[i].jt, filter[i].jf,
               filter[i].k);
}

enum { XDP, XDP_VARIABLE, SKB, SKB_VARIABLE, PROGRAMS };

/* What the kernel takes for a test run. */
static bool can_be_skb(const struct sample *sample, uint32_t bytes) {
    uint16_t type = leat_be16(sample->data + 12);
    uint32_t least = type == LEAT_ETHER_IP6 ? 54 : type == LEAT_ETHER_IP4 ? 34 : SHORTEST + 1;
    return bytes >= least && bytes <= SKB_BYTES;
}

/* What programs say of the first bytes of a sample; returns whether it matched. */
static bool compare_sample(const char *what, const struct sock_filter *filter, uint32_t count,
                           const int programs[PROGRAMS], uint32_t number, uint32_t bytes) {
    const struct sample *sample = &samples[number];
    bool expected = classic_matches(filter, sample->data, bytes);
    bool fits = can_be_skb(sample, bytes);
    uint32_t tag = random_tag();
    bool expected_tagged = fits && classic_tagged(filter, sample, bytes, tag);
    for (int i = 0; i < PROGRAMS; i++) {
        bool skb = i >= SKB, wrong = false, wrong_tagged = false;
        if (!skb || fits)
            wrong = run_match(programs[i], sample->data, bytes) != expected;
        if (skb && fits)
            wrong_tagged = run_tagged(programs[i], sample, bytes, tag) != expected_tagged;
        if (!wrong && !wrong_tagged)
            continue;
        print_program(filter, count);
        fail_msg("%s: program %d, sample %u, %u bytes, tag %08x: libpcap says %d", what, i, number,
                 bytes, wrong ? 0 : tag, wrong ? expected : expected_tagged);
    }
    return expected;
}

uint32_t compare(const char *what, const struct sock_filter *filter, uint32_t count,
                 uint32_t every) {
    const int programs[PROGRAMS] = {
        [XDP] = load_match(filter, count, LEAT_MATCH_XDP, false),
        [XDP_VARIABLE] = load_match(filter, count, LEAT_MATCH_XDP, perfmon),
        [SKB] = load_match(filter, count, LEAT_MATCH_SKB, false),
        [SKB_VARIABLE] = load_match(filter, count, LEAT_MATCH_SKB, perfmon),
    };
    uint32_t matches = 0;
    for (uint32_t i = random_below(every); i < sample_count; i += 1 + random_below(2 * every - 1)) {
        uint32_t cut = SHORTEST + random_below(samples[i].bytes - SHORTEST + 1);
        matches += compare_sample(what, filter, count, programs, i, samples[i].bytes);
        matches += compare_sample(what, filter, count, programs, i, cut);
    }
    for (int i = 0; i < PROGRAMS; i++)
        close(programs[i]);
    return matches;
}

uint32_t compare_expression(const char *expression, uint32_t every) {
    struct sock_filter *filter;
    int count = leat_match_parse(&filter, expression);
    if (count < 0)
        fail_msg("%s", leat_error());
    uint32_t matches = compare(expression, filter, (uint32_t)count, every);
    free(filter);
    return matches;
}
