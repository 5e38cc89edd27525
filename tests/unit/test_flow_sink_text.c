/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks of JSON, CSV and text: what their lines say of a record. */
#include "sink_rig.h"
#include <jansson.h>

static void a_json_line_says_what_the_record_says(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options(
        "sourceIPv4Address,sourceIPv6Address,sourceTransportPort,octetDeltaCount,"
        "reverseOctetDeltaCount,flowStartMilliseconds,dnsQueryName,tlsServerName,sourceMacAddress,"
        "firstPacketLengths");
    struct leat_flow_sink *sink = opened("json", "flows", &opts);
    give(sink, 0, 4);
    struct leat_flow_sink_stats final = stats_of(sink);
    assert_string_equal(final.state, "writing");
    final = closed(sink);
    assert_string_equal(final.state, "closed");
    assert_int_equal(final.records, 4);
    assert_int_equal(final.lost, 0);
    char *text = contents("flows");
    assert_non_null(text);
    assert_int_equal(final.octets, strlen(text));
    assert_int_equal(count(text, '\n'), 4);
    const char *line = strtok(text, "\n");
    assert_string_equal(
        line, "{\"sourceIPv4Address\":\"192.0.2.0\",\"sourceTransportPort\":40000,"
              "\"octetDeltaCount\":100,\"reverseOctetDeltaCount\":1100,"
              "\"flowStartMilliseconds\":\"2023-11-14T22:13:20.000Z\","
              "\"tlsServerName\":\"host0.example\",\"sourceMacAddress\":\"02:00:00:00:00:01\","
              "\"firstPacketLengths\":[0,10,20]}");
    line = strtok(NULL, "\n"); /* one way */
    assert_null(strstr(line, "reverse"));
    strtok(NULL, "\n");
    line = strtok(NULL, "\n");
    assert_non_null(strstr(line, "\"sourceIPv6Address\":\"2001:db8::6\""));
    assert_null(strstr(line, "IPv4"));
}

static void every_field_is_json(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("full");
    struct leat_flow_sink *sink = opened("file", "all.json", &opts);
    give(sink, 0, 8);
    closed(sink);
    char *text = contents("all.json");
    uint32_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_error_t error;
        json_t *read = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (!read)
            fail_msg("%s in %s", error.text, line);
        assert_true(json_object_size(read) > 40);
        json_decref(read);
    }
    assert_int_equal(lines, 8);
}

static void csv_has_names_and_as_many_columns(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts =
        options("sourceIPv4Address,octetDeltaCount,reversePacketDeltaCount,firstPacketSides");
    struct leat_flow_sink *sink = opened("file", "flows.csv", &opts);
    give(sink, 0, 4);
    closed(sink);
    assert_string_equal(
        contents("flows.csv"),
        "sourceIPv4Address,octetDeltaCount,reversePacketDeltaCount,firstPacketSides\r\n"
        "192.0.2.0,100,1,0 1 0\r\n"
        "192.0.2.1,101,,0 1 0\r\n"
        "192.0.2.2,102,3,0 1 0\r\n"
        ",103,4,0 1 0\r\n");
}

static void text_has_columns(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("default");
    struct leat_flow_sink *sink = opened("file", "flows.txt", &opts);
    give(sink, 0, 4);
    closed(sink);
    const char *text = contents("flows.txt");
    assert_int_equal(count(text, '\n'), 5);
    assert_non_null(strstr(text,
                           "2023-11-14T22:13:20.000Z 1.750     TCP   1/1           100/1100"
                           "      FSPA     idle   192.0.2.0:40000       198.51.100.0:443      "
                           "host0.example\n"));
}

/* However long addresses are, what is in a column stands below its title. */
static void long_addresses_break_no_column(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("default");
    struct leat_flow_sink *sink = opened("file", "flows.txt", &opts);
    struct flow_record record;
    flow_record_make(&record, 3, BASE_NS);
    struct leat_flow *flow = &record.flow;
    memset(flow->address, 0xab, sizeof(flow->address));
    flow->port[0] = flow->port[1] = 65535;
    flow->side[0].tcp_flags = 0xff;
    sink->ops->record(sink, flow);
    closed(sink);
    char *title = strtok(contents("flows.txt"), "\n"), *line = strtok(NULL, "\n");
    static const struct {
        const char *title, *value;
    } columns[] = {
        { "flags", "FSRPAUEC " },
        { "end", "" },
        { "source", "[abab:abab:abab:abab:abab:abab:abab:abab]:65535 [abab:abab:" },
    };
    for (uint32_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const char *value = columns[i].value;
        const char *at = line + (strstr(title, columns[i].title) - title);
        assert_int_equal(at[-1], ' ');
        assert_int_not_equal(at[0], ' ');
        assert_memory_equal(at, value, strlen(value));
    }
}

static void uniflow_splits_both_ways(void **state) {
    (void)state;
    struct leat_flow_sink_opts opts = options("sourceIPv4Address,sourceTransportPort,tcpWindowSize,"
                                              "octetDeltaCount");
    opts.uniflow = true;
    struct leat_flow_sink *sink = opened("file", "flows.csv", &opts);
    give(sink, 0, 2);
    closed(sink);
    const char *text = strchr(contents("flows.csv"), '\n') + 1;
    assert_string_equal(text, "192.0.2.0,40000,64240,100\r\n198.51.100.0,443,65160,1100\r\n"
                              "192.0.2.1,40001,64240,101\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_json_line_says_what_the_record_says), IN_DIRECTORY(every_field_is_json),
        IN_DIRECTORY(csv_has_names_and_as_many_columns),     IN_DIRECTORY(text_has_columns),
        IN_DIRECTORY(long_addresses_break_no_column),        IN_DIRECTORY(uniflow_splits_both_ways),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
