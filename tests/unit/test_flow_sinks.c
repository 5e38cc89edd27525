/* SPDX-License-Identifier: BSD-2-Clause */
/* Sinks by name: what cannot be opened, and why; addresses; what stands in for one. */
#include "sink_rig.h"
#include <errno.h>
#include <leat/error.h>

static void names_that_cannot_be_opened(void **state) {
    (void)state;
    static const struct {
        const char *name, *sentence;
        int err;
    } cases[] = {
        { "tsv:-", "has to begin with one of text, json", -EINVAL },
        { "json", "has to begin with one of", -EINVAL },
        { "", "has to begin with one of", -EINVAL },
        { "json:", "its path is missing", -EINVAL },
        { "file:flows.xml", "has to end in", -EINVAL },
        { "file:/nowhere/flows.json", "No such file or directory", -ENOENT },
        { "netflow5://", "there is no host", -EINVAL },
        { "netflow9://[::1", "']' is missing", -EINVAL },
        { "netflow9://::1:2055", "stands in brackets", -EINVAL },
        { "netflow9://127.0.0.1:", "there is no port behind", -EINVAL },
    };
    struct leat_flow_sink_opts opts = options("default");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_flow_sink *sink;
        assert_int_equal(leat_flow_sink_open(&sink, cases[i].name, &opts), cases[i].err);
        if (!strstr(leat_error(), cases[i].sentence))
            fail_msg("%s: %s", cases[i].name, leat_error());
    }
}

static void addresses(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        { "//collector", "collector", "4739" },       { "//collector:99", "collector", "99" },
        { "//[2001:db8::1]", "2001:db8::1", "4739" }, { "//[::1]:99/topic", "::1", "99" },
        { "10.0.0.1:1/a:b", "10.0.0.1", "1" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char host[256], port[32];
        assert_int_equal(leat_flow_sink_address("x", cases[i][0], "4739", host, port), 0);
        assert_string_equal(host, cases[i][1]);
        assert_string_equal(port, cases[i][2]);
    }
}

/* What takes the place of a sink that cannot be opened loses all, and says so. */
static void an_absent_one_counts(void **state) {
    (void)state;
    struct leat_flow_sink *sink;
    assert_int_equal(leat_flow_sink_absent(&sink, "json:/nowhere/flows.json", BASE_NS), 0);
    assert_string_equal(sink->name, "json:/nowhere/flows.json");
    assert_true(sink->ops->away(sink));
    give(sink, 0, 10);
    sink->ops->tick(sink, BASE_NS + 7);
    give(sink, 10, 10);
    const struct leat_flow_sink_stats final = closed(sink);
    assert_int_equal(final.taken, 20);
    assert_int_equal(final.lost, 20);
    assert_true(final.lost_packets > 20 && final.lost_octets > 2000);
    assert_int_equal(final.lost_when.first_ns, BASE_NS);
    assert_int_equal(final.lost_when.last_ns, BASE_NS + 7);
    assert_string_equal(final.state, "not open");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_cannot_be_opened),
        cmocka_unit_test(addresses),
        cmocka_unit_test(an_absent_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
