/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --top: the biggest flows of all workers. The table asks, each worker answers between
 * two batches, and what they say is sorted here. */
#include "clock.h"
#include "probe.h"
#include "screen.h"
#include <lib/flow/record_text.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_NS (NS_PER_S / 2)
/* Columns before a flow's ends, and the least that an end has. */
#define BEFORE_ENDS 40
#define END_MIN     12
/* Without so many rows for flows, queues have none. */
#define ROWS_LEFT 12

static uint64_t octets(const struct leat_flow *flow) {
    return leat_flow_top_measure(flow, LEAT_FLOW_TOP_OCTETS);
}

static uint64_t packets(const struct leat_flow *flow) {
    return leat_flow_top_measure(flow, LEAT_FLOW_TOP_PACKETS);
}

static int biggest_first(const void *a, const void *b, void *by) {
    uint64_t first = leat_flow_top_measure(a, *(enum leat_flow_top *)by);
    uint64_t second = leat_flow_top_measure(b, *(enum leat_flow_top *)by);
    return (second > first) - (second < first);
}

/* The worker's part: its queues' flows, the biggest ones of which stay. */
void probe_top_answer(struct probe_lane *lane) {
    struct probe_top *top = &lane->top;
    uint32_t wanted = __atomic_load_n(&top->wanted, __ATOMIC_ACQUIRE);
    if (!wanted)
        return;
    struct leat_flow flows[2 * PROBE_TOP_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < lane->count; i++) {
        count += probe_queue_top(lane->queues[i], &flows[count], wanted, top->by);
        // cppcheck-suppress uninitvar ; the first `count` are
        qsort_r(flows, count, sizeof(*flows), biggest_first, &top->by);
        if (count > wanted)
            count = wanted;
    }
    // cppcheck-suppress uninitvar
    memcpy(top->flows, flows, count * sizeof(*flows));
    top->count = count;
    __atomic_store_n(&top->wanted, 0, __ATOMIC_RELEASE);
}

/* The record's, which is that of its counts. */
static double age(const struct leat_flow *flow) {
    uint64_t before_ns = flow->side[0].first_ns - flow->start_ns;
    return (double)(leat_flow_duration_ns(flow) - before_ns) / NS_PER_S;
}

/* 999, 1.2k, 345M */
static const char *scaled(char text[16], double number) {
    static const char units[] = " kMGTP";
    uint32_t unit = 0;
    for (; number >= 999.5 && unit < sizeof(units) - 2; unit++)
        number /= 1000;
    snprintf(text, 16, "%.*f%.1s", unit && number < 9.95, number, unit ? &units[unit] : "");
    return text;
}

/* Since the table before, of which a flow may be that has begun a new record meanwhile; or, of one
 * that was not there, since it began. */
static void print_rates(FILE *to, const struct probe *probe, const struct leat_flow *flow,
                        double seconds) {
    const struct probe_top_shown none = { 0 }, *before = NULL;
    char bits[16], pps[16];
    for (uint32_t i = 0; i < probe->shown_count && !before; i++)
        if (probe->shown[i].id == flow->id)
            before = &probe->shown[i];
    double since = seconds - probe->shown_seconds;
    if (!before && age(flow) > since)
        since = age(flow);
    if (!before || before->packets > packets(flow) || before->octets > octets(flow))
        before = &none;
    fprintf(to, "%7s %9s", scaled(bits, (double)(octets(flow) - before->octets) * 8 / since),
            scaled(pps, (double)(packets(flow) - before->packets) / since));
}

/* An end within `width` columns: of a long address the middle is left out, since it ends in the
 * port. */
static void print_end(FILE *to, const struct leat_flow *flow, uint32_t side, int width) {
    struct leat_text end = { 0 };
    leat_record_end_point(&end, flow, side);
    int n = (int)end.n, head = (width - 2) / 2, tail = width - 2 - head;
    if (n <= width)
        fprintf(to, "  %-*.*s", side ? n : width, n, end.failed ? "" : end.bytes);
    else
        fprintf(to, "  %.*s..%.*s", head, end.bytes, tail, end.bytes + n - tail);
    leat_text_free(&end);
}

/* How long it lasts takes the place of how many packets it has where flows are sorted by it. */
static const char *frames_or_seconds(char text[16], const struct probe *probe,
                                     const struct leat_flow *flow) {
    if (probe->config.sort != LEAT_FLOW_TOP_DURATION)
        return scaled(text, (double)packets(flow));
    double seconds = (double)leat_flow_duration_ns(flow) / NS_PER_S;
    snprintf(text, 16, "%.*f", seconds < 99999 ? 1 : 0, seconds);
    return text;
}

static void print_flow(FILE *to, const struct probe *probe, const struct leat_flow *flow,
                       double seconds, int width) {
    char number[4], bytes[16], frames[16];
    print_rates(to, probe, flow, seconds);
    fprintf(to, " %7s %7s  %-5s", scaled(bytes, (double)octets(flow)),
            frames_or_seconds(frames, probe, flow), leat_record_protocol(flow->protocol, number));
    print_end(to, flow, 0, width);
    print_end(to, flow, 1, width);
    fputc('\n', to);
}

/* As wide as the widest end, as far as there is room for two. */
static int width_of_ends(const struct leat_flow *flows, uint32_t count) {
    int columns = (int)screen_columns(), widest = END_MIN;
    for (uint32_t i = 0; i < 2 * count; i++) {
        struct leat_text end = { 0 };
        leat_record_end_point(&end, &flows[i / 2], i % 2);
        widest = (int)end.n > widest ? (int)end.n : widest;
        leat_text_free(&end);
    }
    int room = (columns - BEFORE_ENDS) / 2 - 2;
    return !columns || widest <= room ? widest : room > END_MIN ? room : END_MIN;
}

static void print_table(FILE *to, struct probe *probe, const struct leat_flow *flows,
                        uint32_t count, double seconds) {
    int width = width_of_ends(flows, count);
    fprintf(to, "%7s %9s %7s %7s  %-5s  %-*s  %s\n", "bit/s", "packets/s", "octets",
            probe->config.sort == LEAT_FLOW_TOP_DURATION ? "seconds" : "packets", "proto", width,
            "from", "to");
    for (uint32_t i = 0; i < count; i++)
        print_flow(to, probe, &flows[i], seconds, width);
    for (uint32_t i = 0; i < count; i++)
        probe->shown[i] =
            (struct probe_top_shown){ flows[i].id, octets(&flows[i]), packets(&flows[i]) };
    probe->shown_count = count;
    probe->shown_seconds = seconds;
}

static bool answered(struct probe *probe) {
    for (uint32_t i = 0; i < probe->lane_count; i++)
        if (__atomic_load_n(&probe->lanes[i].top.wanted, __ATOMIC_ACQUIRE))
            return false;
    return true;
}

/* A worker that has ended does not answer, nor is asked twice. */
static bool ask(struct probe *probe) {
    const struct timespec pause = { .tv_nsec = 5000000 };
    if (!answered(probe))
        return false;
    for (uint32_t i = 0; i < probe->lane_count; i++) {
        struct probe_top *top = &probe->lanes[i].top;
        top->by = (enum leat_flow_top)probe->config.sort;
        __atomic_store_n(&top->wanted, probe->config.top, __ATOMIC_RELEASE);
    }
    for (uint64_t start = clock_ns(); !answered(probe) && clock_ns() - start < ANSWER_NS;)
        nanosleep(&pause, NULL);
    return answered(probe);
}

static void add_table(FILE *to, struct probe *probe, double seconds) {
    uint32_t wanted = probe->config.top, count = 0;
    enum leat_flow_top by = (enum leat_flow_top)probe->config.sort;
    struct leat_flow *flows = calloc((size_t)probe->lane_count * wanted, sizeof(*flows));
    for (uint32_t i = 0; flows && i < probe->lane_count; i++) {
        const struct probe_top *top = &probe->lanes[i].top;
        memcpy(&flows[count], top->flows, top->count * sizeof(*flows));
        count += top->count;
    }
    if (flows) {
        qsort_r(flows, count, sizeof(*flows), biggest_first, &by);
        print_table(to, probe, flows, count < wanted ? count : wanted, seconds);
    }
    free(flows);
}

void probe_top_show(struct probe *probe, double seconds) {
    char *page = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&page, &length);
    if (!to)
        return;
    uint32_t rows = screen_rows();
    probe_say_interval(probe, to, seconds, !rows || rows > probe->queue_count + ROWS_LEFT);
    if (ask(probe))
        add_table(to, probe, seconds);
    if (fclose(to) == 0)
        screen_show(page, length);
    free(page);
}
