/* SPDX-License-Identifier: BSD-2-Clause */
/* kafka: a message a record, as JSON or as Protobuf, by librdkafka, which sends and retries in
 * threads of its own. */
#include "sink_kinds.h"

#include "lib/core/error.h"
#include "record_protobuf.h"
#include "record_text.h"
#include "tally.h"
#include "uniflow.h"
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WHY_BYTES = 256,
    REPORTS_MS = 1000, /* of what was purged: no broker is asked for these */
};

struct kafka {
    struct leat_flow_sink sink;
    struct leat_fields fields;
    bool uniflow;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topic;
    struct leat_protobuf *protobuf; /* NULL: JSON */
    struct leat_text record;
    struct leat_tally sent, lost;
    uint64_t taken, octets, failures;
    bool away, troubled; /* told that no broker is there; that records are lost */
    void (*told)(void *ctx, const char *sentence);
    void *told_ctx;
};

/* A record on its way: what is lost when it does not arrive. */
struct message {
    struct leat_tally tally;
    char bytes[];
};

static void tell(const struct kafka *kafka, const char *what, const char *why) {
    char sentence[LEAT_SENTENCE_BYTES];
    snprintf(sentence, sizeof(sentence), "%s: %s%s%.150s", kafka->sink.name, what, why ? ": " : "",
             why ? why : "");
    if (kafka->told)
        kafka->told(kafka->told_ctx, sentence);
}

static void lose(struct kafka *kafka, const struct leat_tally *tally, const char *why) {
    kafka->failures++;
    leat_tally_add(&kafka->lost, tally);
    if (!kafka->troubled)
        tell(kafka, "records are lost", why);
    kafka->troubled = true;
}

static void well_again(struct kafka *kafka) {
    if (kafka->away || kafka->troubled)
        tell(kafka, "takes records again", NULL);
    kafka->away = kafka->troubled = false;
}

/* From rd_kafka_poll(), as all that follow: a message has arrived, or never will. */
static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *report, void *ctx) {
    struct kafka *kafka = ctx;
    struct message *message = report->_private;
    (void)producer;
    if (report->err) {
        lose(kafka, &message->tally, rd_kafka_err2str(report->err));
    } else {
        leat_tally_add(&kafka->sent, &message->tally);
        kafka->octets += report->len;
        well_again(kafka);
    }
    free(message);
}

static void went_wrong(rd_kafka_t *producer, int err, const char *reason, void *ctx) {
    struct kafka *kafka = ctx;
    (void)producer;
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || kafka->away)
        return;
    kafka->away = true;
    tell(kafka, "the broker is away", reason);
}

/* Without this librdkafka prints what happens; delivery reports tell what matters of it. */
static void ignore_log(const rd_kafka_t *producer, int level, const char *where, const char *what) {
    (void)producer, (void)level, (void)where, (void)what;
}

static void write_record(struct kafka *kafka, const struct leat_flow *flow) {
#ifdef LEAT_WITH_PROTOBUF
    if (kafka->protobuf) {
        leat_protobuf_record(kafka->protobuf, &kafka->record, flow);
        return;
    }
#endif
    leat_record_json(&kafka->record, &kafka->fields, flow, LEAT_RECORD_TIMES_TEXT);
}

static void produce(struct kafka *kafka, const struct leat_flow *flow) {
    struct leat_text *record = &kafka->record;
    const struct leat_tally tally = leat_tally_of(flow);
    kafka->taken++;
    record->n = 0;
    record->failed = false;
    write_record(kafka, flow);
    struct message *message = record->failed ? NULL : malloc(sizeof(*message) + record->n);
    if (!message) {
        lose(kafka, &tally, "out of memory");
        return;
    }
    message->tally = tally;
    memcpy(message->bytes, record->bytes, record->n);
    if (rd_kafka_produce(kafka->topic, RD_KAFKA_PARTITION_UA, 0, message->bytes, record->n, NULL, 0,
                         message) != 0) {
        lose(kafka, &tally, rd_kafka_err2str(rd_kafka_last_error()));
        free(message);
    }
}

static void kafka_record(struct leat_flow_sink *sink, const struct leat_flow *flow) {
    struct kafka *kafka = (struct kafka *)sink;
    if (!kafka->uniflow) {
        produce(kafka, flow);
        return;
    }
    struct leat_uniflows uniflows;
    uint32_t n = leat_uniflows(flow, &uniflows);
    for (uint32_t i = 0; i < n; i++)
        produce(kafka, &uniflows.flow[i]);
}

static void kafka_tick(struct leat_flow_sink *sink, uint64_t now_ns) {
    (void)now_ns;
    rd_kafka_poll(((struct kafka *)sink)->producer, 0);
}

static void kafka_stats(struct leat_flow_sink *sink, struct leat_flow_sink_stats *stats) {
    const struct kafka *kafka = (const struct kafka *)sink;
    *stats = (struct leat_flow_sink_stats){
        .taken = kafka->taken,
        .records = kafka->sent.records,
        .octets = kafka->octets,
        .messages = kafka->sent.records,
        .held = kafka->taken - kafka->sent.records - kafka->lost.records,
        .failures = kafka->failures,
    };
    leat_tally_lost(&kafka->lost, stats);
    snprintf(stats->state, sizeof(stats->state), "%s",
             kafka->away       ? "away"
             : kafka->troubled ? "in trouble"
                               : "sending");
}

/* With nothing on its way nobody would learn that the broker is back: one record may try. */
static bool is_away(const struct leat_flow_sink *sink) {
    const struct kafka *kafka = (const struct kafka *)sink;
    return kafka->away && rd_kafka_outq_len(kafka->producer) > 0;
}

static void destroy(struct kafka *kafka) {
    if (kafka->topic)
        rd_kafka_topic_destroy(kafka->topic);
    if (kafka->producer)
        rd_kafka_destroy(kafka->producer);
#ifdef LEAT_WITH_PROTOBUF
    leat_protobuf_destroy(kafka->protobuf);
#endif
    leat_text_free(&kafka->record);
    free(kafka);
}

static void kafka_close(struct leat_flow_sink *sink, uint32_t timeout_ms,
                        struct leat_flow_sink_stats *final) {
    struct kafka *kafka = (struct kafka *)sink;
    if (rd_kafka_flush(kafka->producer, (int)timeout_ms) != 0) {
        /* What is still there gets its report as lost. */
        rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(kafka->producer, REPORTS_MS);
    }
    if (final)
        kafka_stats(sink, final);
    if (final && !kafka->away && !kafka->troubled)
        strcpy(final->state, "closed");
    destroy(kafka);
}

static const struct leat_flow_sink_ops kafka_ops = {
    .record = kafka_record,
    .tick = kafka_tick,
    .stats = kafka_stats,
    .close = kafka_close,
    .away = is_away,
};

static rd_kafka_conf_t *configuration(struct kafka *kafka, const char *broker,
                                      char why[WHY_BYTES]) {
    static const char *const settings[][2] = {
        /* Bounds: what waits is at most so much, for at most so long. */
        { "queue.buffering.max.messages", "200000" },
        { "queue.buffering.max.kbytes", "262144" },
        { "message.timeout.ms", "30000" },
        { "linger.ms", "50" },
        { "client.id", "leat" },
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good =
        rd_kafka_conf_set(conf, "bootstrap.servers", broker, why, WHY_BYTES) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; good && i < sizeof(settings) / sizeof(settings[0]); i++)
        good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, WHY_BYTES) ==
               RD_KAFKA_CONF_OK;
    if (!good) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, kafka);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, went_wrong);
    rd_kafka_conf_set_log_cb(conf, ignore_log);
    return conf;
}

static int connect_to(struct kafka *kafka, const char *rest, const char *topic) {
    char host[256], port[32], broker[300], why[WHY_BYTES] = "";
    int err = leat_flow_sink_address(kafka->sink.name, rest, "9092", host, port);
    if (err)
        return err;
    snprintf(broker, sizeof(broker), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    rd_kafka_conf_t *conf = configuration(kafka, broker, why);
    if (!conf)
        return leat_fail(EINVAL, "%s: cannot set Kafka up: %s", kafka->sink.name, why);
    kafka->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!kafka->producer) {
        rd_kafka_conf_destroy(conf);
        return leat_fail(ENOMEM, "%s: cannot start Kafka's client: %s", kafka->sink.name, why);
    }
    kafka->topic = rd_kafka_topic_new(kafka->producer, topic, NULL);
    if (!kafka->topic)
        return leat_fail(EINVAL, "%s: cannot use topic %s: %s", kafka->sink.name, topic,
                         rd_kafka_err2str(rd_kafka_last_error()));
    return 0;
}

static int open_kafka(struct leat_flow_sink **sink, const struct leat_flow_sink_kind *kind,
                      const char *name, const char *rest, const struct leat_flow_sink_opts *opts) {
    const char *host = strncmp(rest, "//", 2) == 0 ? rest + 2 : rest;
    const char *slash = strchr(host, '/');
    int err = 0;
    if (!slash || !slash[1])
        return leat_fail(EINVAL, "%s: cannot open the sink: write %s://host:port/topic", name,
                         kind->name);
    struct kafka *kafka = calloc(1, sizeof(*kafka));
    if (!kafka)
        return leat_fail(ENOMEM, "%s: cannot open the sink: out of memory", name);
    kafka->sink.ops = &kafka_ops;
    snprintf(kafka->sink.name, sizeof(kafka->sink.name), "%s", name);
    kafka->fields = *opts->fields;
    kafka->uniflow = opts->uniflow;
    kafka->told = opts->told;
    kafka->told_ctx = opts->told_ctx;
#ifdef LEAT_WITH_PROTOBUF
    if (kind == &leat_sink_kafka_protobuf)
        err = leat_protobuf_create(&kafka->protobuf, opts->fields);
    if (err)
        err = leat_fail_in(err, name);
#endif
    if (!err)
        err = connect_to(kafka, rest, slash + 1);
    if (err) {
        destroy(kafka);
        return err;
    }
    *sink = &kafka->sink;
    return 0;
}

const struct leat_flow_sink_kind leat_sink_kafka = {
    .name = "kafka",
    .summary = "kafka://broker[:9092]/topic, a JSON object a message",
    .open = open_kafka,
};

#ifdef LEAT_WITH_PROTOBUF
const struct leat_flow_sink_kind leat_sink_kafka_protobuf = {
    .name = "kafka+protobuf",
    .summary = "kafka+protobuf://broker[:9092]/topic, a record a message",
    .open = open_kafka,
};
#endif
