/* SPDX-License-Identifier: BSD-2-Clause */
/* What the name of an xdp: port asks for, without any interface. */
#include "lib/drivers/xdp.h"
#include <errno.h>
#include <leat/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct leat_port port;
static struct xdp_port_options options;

static int read_name(const char *name, uint32_t queues) {
    char *scheme;
    free(port.name);
    free(port.parts);
    port = (struct leat_port){ .opts = { .queues = queues, .rx_ring = 512, .tx_ring = 256 },
                               .queues_given = queues > 0 };
    options = (struct xdp_port_options){ 0 };
    assert_int_equal(leat_parse_name(&port, name, &scheme), 0);
    assert_string_equal(scheme, "xdp");
    return xdp_read_options(&port, &options);
}

static int tear_down(void **state) {
    (void)state;
    free(port.name);
    free(port.parts);
    return 0;
}

static void a_bare_name_means_the_defaults(void **state) {
    (void)state;
    assert_int_equal(read_name("eth0", 0), 0);
    assert_string_equal(options.interface, "eth0");
    assert_false(options.one_queue || options.force);
    assert_int_equal(options.mtu, 0);
    assert_int_equal(options.stage.mode, LEAT_XDP_AUTO);
    assert_false(options.stage.dispatcher);
    assert_null(options.stage.match);
    assert_int_equal(options.stage.metadata, 0);
    assert_int_equal(options.socket.zerocopy, XDP_ZEROCOPY_PREFER);
    assert_int_equal(options.socket.wait, XDP_WAIT_POLL);
    assert_true(options.socket.need_wakeup);
    assert_int_equal(options.socket.rx_ring, 512);
    assert_int_equal(options.socket.tx_ring, 256);
    assert_int_equal(options.socket.frame_bytes, 0);
}

static void every_option_is_read(void **state) {
    (void)state;
    assert_int_equal(read_name("xdp:eth0@3,mode=generic,zerocopy=never,wait=busy-poll,"
                               "need-wakeup=off,frame-size=4096,rings=128,mtu=9000,"
                               "match='udp port 53, or 54',attach=dispatcher,force,"
                               "rx-metadata=vlan+time,tx-metadata=launch+checksum",
                               1),
                     0);
    assert_true(options.one_queue && options.force);
    assert_int_equal(options.first_queue, 3);
    assert_int_equal(options.mtu, 9000);
    assert_int_equal(options.stage.mode, LEAT_XDP_GENERIC);
    assert_true(options.stage.dispatcher);
    assert_string_equal(options.stage.match, "udp port 53, or 54");
    assert_int_equal(options.stage.metadata, LEAT_XDP_META_TIME | LEAT_XDP_META_VLAN);
    assert_int_equal(options.socket.rx_metadata, options.stage.metadata);
    assert_int_equal(options.socket.tx_metadata,
                     XDP_TXMD_FLAGS_CHECKSUM | XDP_TXMD_FLAGS_LAUNCH_TIME);
    assert_int_equal(options.socket.zerocopy, XDP_ZEROCOPY_NEVER);
    assert_int_equal(options.socket.wait, XDP_WAIT_BUSY_POLL);
    assert_false(options.socket.need_wakeup);
    assert_int_equal(options.socket.frame_bytes, 4096);
    assert_int_equal(options.socket.rx_ring, 128);
    assert_int_equal(options.socket.tx_ring, 128);
    assert_int_equal(read_name("eth0,mode=native,zerocopy=require,wait=spin,attach=link", 0), 0);
    assert_int_equal(options.stage.mode, LEAT_XDP_NATIVE);
    assert_int_equal(options.socket.zerocopy, XDP_ZEROCOPY_REQUIRE);
    assert_int_equal(options.socket.wait, XDP_WAIT_SPIN);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *name, *words;
        int err;
    } wrong[] = {
        { "xdp:", "1 to 15 characters", -EINVAL },
        { "xdp:@1", "1 to 15 characters", -EINVAL },
        { "sixteen-letters0", "1 to 15 characters", -EINVAL },
        { "eth0@", "the number of a queue, not ''", -EINVAL },
        { "eth0@-1", "the number of a queue, not '-1'", -EINVAL },
        { "eth0@1x", "the number of a queue, not '1x'", -EINVAL },
        { "eth0@65536", "the number of a queue", -EINVAL },
        { "eth0,mode=fast", "one of auto|native|generic, not 'fast'", -EINVAL },
        { "eth0,mode=auto|native", "not 'auto|native'", -EINVAL },
        { "eth0,mode", "'mode' needs a value", -EINVAL },
        { "eth0,zerocopy=yes", "one of prefer|require|never", -EINVAL },
        { "eth0,wait=sleep", "one of poll|spin|busy-poll", -EINVAL },
        { "eth0,need-wakeup", "'need-wakeup' needs a value", -EINVAL },
        { "eth0,frame-size=2047", "from 2048 to 4096", -EINVAL },
        { "eth0,rings=32", "from 64 to 65536", -EINVAL },
        { "eth0,rings=100", "power of two from 64 to 65536 entries, not 100", -EINVAL },
        { "eth0,mtu=67", "from 68 to 65521", -EINVAL },
        { "eth0,rx-metadata=hash+", "some of time|hash|vlan joined by '+', not 'hash+'", -EINVAL },
        { "eth0,rx-metadata=has", "not 'has'", -EINVAL },
        { "eth0,attach=both", "one of link|dispatcher", -EINVAL },
        { "eth0,force=1", "'force' takes no value", -EINVAL },
        { "eth0,match=", "'match' needs a value", -EINVAL },
        { "eth0,colour=red", "no such option here: 'colour'", -EINVAL },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read_name(wrong[i].name, 0), wrong[i].err);
        if (!strstr(leat_error(), wrong[i].words) || !strstr(leat_error(), wrong[i].name))
            fail_msg("%s: %s", wrong[i].name, leat_error());
    }
    assert_int_equal(read_name("eth0@1", 2), -EINVAL);
    assert_non_null(strstr(leat_error(), "2 queues were asked for"));
}

/* Rings that a program asks for, not a name. */
static void rings_of_the_program_are_checked_too(void **state) {
    (void)state;
    assert_int_equal(read_name("eth0", 0), 0);
    port.opts.rx_ring = 1000;
    assert_int_equal(xdp_read_options(&port, &options), -EINVAL);
    assert_non_null(strstr(leat_error(), "not 1000"));
    port.opts.rx_ring = 32;
    assert_int_equal(xdp_read_options(&port, &options), -EINVAL);
}

static void warned(const char *driver, const char *command) {
    struct leat_netdev netdev = { .name = "lt-a" };
    char sentence[XDP_WARNING_BYTES];
    strcpy(netdev.driver, driver);
    assert_int_equal(xdp_warning(&netdev, sentence), command != NULL);
    if (command && (!strstr(sentence, command) || !strstr(sentence, "lt-a")))
        fail_msg("%s", sentence);
}

static void who_may_send_unfinished_checksums_is_known(void **state) {
    (void)state;
    warned("veth", "'ethtool -K IFACE tx off'");
    warned("tun", "'ethtool -K IFACE tx off'");
    warned("bridge", "'ethtool -K IFACE tx off'");
    warned("ixgbe", NULL);
    warned("", NULL);
}

/* The interface's facts are the test's: no driver here lacks only a part. */
static void received_metadata_that_the_driver_lacks_is_refused(void **state) {
    (void)state;
    struct xdp_port xdp = { .netdev = { .name = "lt-a", .driver = "some", .rx_metadata = 3 } };
    assert_int_equal(read_name("xdp:lt-a,rx-metadata=time+hash", 0), 0);
    xdp.options = options;
    assert_int_equal(xdp_check_driver(&port, &xdp), 0);
    assert_int_equal(read_name("xdp:lt-a,rx-metadata=vlan+hash", 0), 0);
    xdp.options = options;
    assert_int_equal(xdp_check_driver(&port, &xdp), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "rx-metadata=vlan: the driver of lt-a"));
    xdp.netdev.rx_metadata = 0; /* a kernel that does not tell */
    assert_int_equal(xdp_check_driver(&port, &xdp), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_name_means_the_defaults),
        cmocka_unit_test(every_option_is_read),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(rings_of_the_program_are_checked_too),
        cmocka_unit_test(who_may_send_unfinished_checksums_is_known),
        cmocka_unit_test(received_metadata_that_the_driver_lacks_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
