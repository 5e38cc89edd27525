/* SPDX-License-Identifier: BSD-2-Clause */
/* clickhouse: rows as JSON, a batch an INSERT over HTTP, by libcurl without ever waiting for it. */
#include "clock.h"
#include "sink_kinds.h"

#include "lib/core/error.h"
#include "record_text.h"
#include "tally.h"
#include "uniflow.h"
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH_BYTES = 1 << 20, /* an INSERT; many small ones are what ClickHouse does not like */
    WAITING_BYTES = 64 << 20,
    ANSWER_BYTES = 200,
    TIMEOUT_MS = 30000,
    POLL_MS = 100,
    OPEN_MS = 3000,
};

#define BATCH_NS 1000000000ull
#define RETRY_NS 1000000000ull

/* Two batches: one on its way, one that is filled. The second grows while the first is away. */
struct clickhouse {
    struct leat_flow_sink sink;
    struct leat_fields fields;
    bool uniflow, asking, troubled;
    bool unreachable; /* at the last time, or not asked yet */
    CURLM *multi;
    CURL *request;
    struct leat_text rows, sent; /* `sent` is empty: no row is on its way */
    struct leat_tally waiting, underway, delivered, lost;
    char answer[ANSWER_BYTES]; /* of the server, as far as it is worth telling */
    size_t answer_bytes;
    uint64_t now_ns, batch_ns, retry_ns, taken, octets, messages, failures;
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

static void tell(const struct clickhouse *house, const char *what, const char *why) {
    char sentence[LEAT_SENTENCE_BYTES];
    snprintf(sentence, sizeof(sentence), "%s: %s%s%.200s", house->sink.name, what, why ? ": " : "",
             why ? why : "");
    if (house->told)
        house->told(house->told_ctx, sentence);
}

static void trouble(struct clickhouse *house, const char *what, const char *why) {
    house->failures++;
    if (!house->troubled)
        tell(house, what, why);
    house->troubled = true;
}

static size_t take_answer(char *bytes, size_t size, size_t n, void *ctx) {
    struct clickhouse *house = ctx;
    size_t room = ANSWER_BYTES - 1 - house->answer_bytes, some = size * n < room ? size * n : room;
    for (size_t i = 0; i < some; i++)
        house->answer[house->answer_bytes++] = isprint((unsigned char)bytes[i]) ? bytes[i] : ' ';
    house->answer[house->answer_bytes] = '\0';
    return size * n;
}

static void begin_request(struct clickhouse *house) {
    house->answer_bytes = 0;
    house->answer[0] = '\0';
    curl_easy_setopt(house->request, CURLOPT_POSTFIELDS, house->sent.n ? house->sent.bytes : "");
    curl_easy_setopt(house->request, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)house->sent.n);
    house->asking = curl_multi_add_handle(house->multi, house->request) == CURLM_OK;
}

static void begin_batch(struct clickhouse *house) {
    struct leat_text empty = house->sent;
    house->sent = house->rows;
    house->rows = empty;
    house->rows.n = 0;
    house->underway = house->waiting;
    house->waiting = (struct leat_tally){ 0 };
    begin_request(house);
}

static void end_batch(struct clickhouse *house, struct leat_tally *where) {
    leat_tally_add(where, &house->underway);
    house->underway = (struct leat_tally){ 0 };
    house->sent.n = 0;
}

/* What the server refuses (4xx, as an unknown column) it would refuse again; all else is tried
 * until it goes through, without rows, too: so that it is known when the server is back. */
static void answered(struct clickhouse *house, CURLcode code) {
    long status = 0;
    curl_easy_getinfo(house->request, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(house->multi, house->request);
    house->asking = false;
    house->unreachable = false;
    if (code == CURLE_OK && status == 200) {
        house->octets += house->sent.n;
        house->messages += house->sent.n > 0;
        end_batch(house, &house->delivered);
        if (house->troubled)
            tell(house, "takes records again", NULL);
        house->troubled = false;
    } else if (code == CURLE_OK && status >= 400 && status < 500) {
        trouble(house, "the server refuses records, which are lost", house->answer);
        end_batch(house, &house->lost);
    } else {
        trouble(house, "cannot insert, and tries again",
                code == CURLE_OK ? house->answer : curl_easy_strerror(code));
        house->unreachable = true;
        house->retry_ns = house->now_ns + RETRY_NS;
    }
}

static void move_on(struct clickhouse *house) {
    int running, left;
    CURLMsg *message;
    curl_multi_perform(house->multi, &running);
    while ((message = curl_multi_info_read(house->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            answered(house, message->data.result);
    if (house->asking || house->now_ns < house->retry_ns)
        return;
    bool due = house->rows.n >= BATCH_BYTES || house->now_ns >= house->batch_ns + BATCH_NS;
    if (house->sent.n == 0 && house->rows.n > 0 && due)
        begin_batch(house);
    else if (house->sent.n > 0 || house->unreachable)
        begin_request(house);
}

static void add_row(struct clickhouse *house, const struct leat_flow *flow) {
    struct leat_text *rows = &house->rows;
    const struct leat_tally tally = leat_tally_of(flow);
    size_t before = rows->n;
    house->taken++;
    if (before == 0)
        house->batch_ns = house->now_ns;
    if (before < WAITING_BYTES) {
        leat_record_json(rows, &house->fields, flow, LEAT_RECORD_TIMES_NUMBERS);
        leat_text_char(rows, '\n');
    }
    if (before >= WAITING_BYTES || rows->failed) {
        trouble(house, "records are lost", "too many wait for the server");
        leat_tally_add(&house->lost, &tally);
        rows->n = before;
        rows->failed = false;
        return;
    }
    leat_tally_add(&house->waiting, &tally);
    if (before < BATCH_BYTES && rows->n >= BATCH_BYTES)
        move_on(house);
}

static void clickhouse_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct clickhouse *house = (struct clickhouse *)sink;
    if (!house->uniflow) {
        add_row(house, flow);
        return;
    }
    struct leat_uniflows uniflows;
    uint32_t n = leat_uniflows(flow, &uniflows);
    for (uint32_t i = 0; i < n; i++)
        add_row(house, &uniflows.flow[i]);
}

static void clickhouse_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    struct clickhouse *house = (struct clickhouse *)sink;
    house->now_ns = now_ns;
    move_on(house);
}

static void clickhouse_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct clickhouse *house = (const struct clickhouse *)sink;
    *stats = (struct leat_flow_sink_stats){
        .taken = house->taken,
        .records = house->delivered.records,
        .octets = house->octets,
        .messages = house->messages,
        .held = house->waiting.records + house->underway.records,
        .failures = house->failures,
    };
    leat_tally_lost(&house->lost, stats);
    snprintf(stats->state, sizeof(stats->state), "%s", house->troubled ? "in trouble" : "sending");
}

static bool is_away(const struct leat_flow_sink *sink) {
    return ((const struct clickhouse *)sink)->unreachable;
}

static void destroy(struct clickhouse *house) {
    if (house->asking)
        curl_multi_remove_handle(house->multi, house->request);
    curl_easy_cleanup(house->request);
    curl_multi_cleanup(house->multi);
    leat_text_free(&house->rows);
    leat_text_free(&house->sent);
    free(house);
}

static void clickhouse_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                             struct leat_flow_sink_stats *final) {
    struct clickhouse *house = (struct clickhouse *)sink;
    uint64_t end_ns = leat_flow_clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ull;
    while (house->rows.n + house->sent.n > 0 && leat_flow_clock_ns(CLOCK_MONOTONIC) < end_ns) {
        house->now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
        house->batch_ns = 0;
        move_on(house);
        curl_multi_poll(house->multi, NULL, 0, POLL_MS, NULL);
    }
    if (house->rows.n + house->sent.n > 0)
        trouble(house, "records are lost", "the server did not take them in time");
    leat_tally_add(&house->lost, &house->underway);
    leat_tally_add(&house->lost, &house->waiting);
    house->underway = house->waiting = (struct leat_tally){ 0 };
    if (final)
        clickhouse_stats(sink, final);
    if (final && !house->troubled)
        strcpy(final->state, "closed");
    destroy(house);
}

static const struct leat_flow_sink_ops clickhouse_ops = {
    .record = clickhouse_record,
    .tick = clickhouse_tick,
    .stats = clickhouse_stats,
    .close = clickhouse_close,
    .away = is_away,
};

/* A moment for a first INSERT, of nothing: so that a short run, too, knows whether the server is
 * there and has the table. */
static void ask(struct clickhouse *house) {
    uint64_t end_ns = leat_flow_clock_ns(CLOCK_MONOTONIC) + OPEN_MS * UINT64_C(1000000);
    house->unreachable = true;
    begin_request(house);
    while (house->asking && leat_flow_clock_ns(CLOCK_MONOTONIC) < end_ns) {
        curl_multi_poll(house->multi, NULL, 0, POLL_MS, NULL);
        house->now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
        move_on(house);
    }
}

/* A table, or database.table: it goes into the query as it is. */
static bool is_table(const char *name) {
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
            return false;
    return *name != '\0';
}

static int set_up(struct clickhouse *house, const char *rest, const char *table) {
    char host[256], port[32], url[700];
    int err = leat_flow_sink_address(house->sink.name, rest, "8123", host, port);
    if (err)
        return err;
    house->multi = curl_multi_init();
    house->request = curl_easy_init();
    if (!house->multi || !house->request)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", house->sink.name);
    /* Columns that the table lacks are no error, so that its owner chooses what to keep. */
    snprintf(url, sizeof(url),
             "http://%s%s%s:%s/?input_format_skip_unknown_fields=1&query=INSERT%%20INTO%%20%s"
             "%%20FORMAT%%20JSONEachRow",
             strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", port, table);
    curl_easy_setopt(house->request, CURLOPT_URL, url);
    curl_easy_setopt(house->request, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(house->request, CURLOPT_WRITEDATA, house);
    curl_easy_setopt(house->request, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(house->request, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    return 0;
}

static int clickhouse_open(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                           const char *name, const char *rest,
                           const struct leat_flow_sink_opts *opts) {
    const char *host = strncmp(rest, "//", 2) == 0 ? rest + 2 : rest;
    const char *slash = strchr(host, '/');
    (void)kind;
    if (!slash || !is_table(slash + 1))
        return leat_fail(EINVAL, "%s: cannot open the sink: write clickhouse://host:port/table",
                         name);
    struct clickhouse *house = calloc(1, sizeof(*house));
    if (!house)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", name);
    house->sink.ops = &clickhouse_ops;
    snprintf(house->sink.name, sizeof(house->sink.name), "%s", name);
    house->fields = *opts->fields;
    house->uniflow = opts->uniflow;
    house->told = opts->told;
    house->told_ctx = opts->told_ctx;
    house->now_ns = leat_flow_clock_ns(CLOCK_REALTIME);
    int err = set_up(house, rest, slash + 1);
    if (err) {
        destroy(house);
        return err;
    }
    ask(house);
    *sink = &house->sink;
    return 0;
}

const struct leat_flow_sink_kind leat_sink_clickhouse = {
    .name = "clickhouse",
    .summary = "clickhouse://host[:8123]/table, rows by INSERT over HTTP",
    .open = clickhouse_open,
};
