/* SPDX-License-Identifier: BSD-2-Clause */
/* Symmetric RSS, on drivers that the test plays: ioctl() is its own, and answers SIOCETHTOOL as
 * kernels before and from 6.8 on do. The interface is lo, of which nothing is changed. */
#include "journals.h"
#include "lib/bus/netdev.h"
#include <errno.h>
#include <leat/error.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY_BYTES 40
#define INDIR     128
#define TOEPLITZ  1
#define XOR       2

int __wrap_ioctl(int fd, unsigned long request, void *arg);

static struct {
    bool tells, takes_key, takes_transform, old_kernel;
    uint32_t key_bytes;
    uint8_t function, transform, key[KEY_BYTES];
    int writes;
} driver;

static int get(struct ethtool_rxfh *rxfh) {
    uint32_t key_room = rxfh->key_size, indir_room = rxfh->indir_size;
    rxfh->key_size = driver.key_bytes;
    rxfh->indir_size = INDIR;
    rxfh->hfunc = driver.function;
    (&rxfh->hfunc)[1] = driver.transform;
    if (key_room == 0 && indir_room == 0)
        return 0;
    assert_int_equal(key_room, driver.key_bytes);
    assert_int_equal(indir_room, INDIR);
    memset(rxfh->rss_config, 0xee, 4 * INDIR);
    memcpy((uint8_t *)rxfh->rss_config + 4 * INDIR, driver.key, driver.key_bytes);
    return 0;
}

static int set(const struct ethtool_rxfh *rxfh) {
    uint8_t transform = (&rxfh->hfunc)[1];
    assert_int_equal(rxfh->indir_size, ETH_RXFH_INDIR_NO_CHANGE);
    if (rxfh->key_size && rxfh->key_size != driver.key_bytes)
        return EINVAL;
    if (transform && (driver.old_kernel || !driver.takes_transform))
        return driver.old_kernel ? EINVAL : EOPNOTSUPP;
    if ((rxfh->key_size || rxfh->hfunc) && !driver.takes_key)
        return EOPNOTSUPP;
    driver.writes++;
    driver.transform = transform;
    memcpy(driver.key, rxfh->rss_config, rxfh->key_size);
    if (rxfh->hfunc)
        driver.function = rxfh->hfunc;
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg) {
    struct ethtool_rxfh *rxfh = (void *)((struct ifreq *)arg)->ifr_data;
    (void)fd;
    assert_int_equal(request, SIOCETHTOOL);
    assert_string_equal(((struct ifreq *)arg)->ifr_name, "lo");
    errno = !driver.tells                ? EOPNOTSUPP
            : rxfh->cmd == ETHTOOL_GRSSH ? get(rxfh)
            : rxfh->cmd == ETHTOOL_SRSSH ? set(rxfh)
                                         : EOPNOTSUPP;
    return errno ? -1 : 0;
}

static struct leat_netdev dev;
static uint8_t key_before[KEY_BYTES];

static int set_up(void **state) {
    (void)state;
    memset(&driver, 0, sizeof(driver));
    driver.tells = driver.takes_key = true;
    driver.key_bytes = KEY_BYTES;
    driver.function = TOEPLITZ;
    for (uint32_t i = 0; i < KEY_BYTES; i++)
        key_before[i] = driver.key[i] = (uint8_t)(3 * i + 1);
    return leat_netdev_open(&dev, "lo");
}

static void expect_restored(uint8_t function, uint8_t transform) {
    leat_netdev_restore(&dev);
    assert_memory_equal(driver.key, key_before, KEY_BYTES);
    assert_int_equal(driver.function, function);
    assert_int_equal(driver.transform, transform);
    assert_int_equal(journals(NULL), 0);
}

static void expect_repeated_key(void) {
    for (uint32_t i = 0; i < KEY_BYTES; i++)
        assert_int_equal(driver.key[i], i % 2 ? 0x5a : 0x6d);
    assert_int_equal(driver.function, TOEPLITZ);
}

static void sets_a_key_that_repeats(void **state) {
    (void)state;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    expect_repeated_key();
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    assert_int_equal(driver.writes, 1);
    expect_restored(TOEPLITZ, 0);
}

static void sets_the_function_that_has_a_key(void **state) {
    (void)state;
    driver.old_kernel = true;
    driver.function = XOR;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    expect_repeated_key();
    expect_restored(XOR, 0);
}

static void sets_a_symmetric_hash(void **state) {
    (void)state;
    driver.takes_transform = true;
    driver.takes_key = false;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    assert_int_equal(driver.transform, 1);
    assert_memory_equal(driver.key, key_before, KEY_BYTES);
    expect_restored(TOEPLITZ, 0);
    assert_int_equal(driver.writes, 2);
}

static void keeps_what_is_symmetric(void **state) {
    (void)state;
    driver.transform = 2; /* RXH_XFRM_SYM_OR_XOR */
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    driver.transform = 0;
    for (uint32_t i = 0; i < KEY_BYTES; i++)
        key_before[i] = driver.key[i] = i % 2;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    assert_int_equal(driver.writes, 0);
    expect_restored(TOEPLITZ, 0);
}

static void leaves_what_another_set(void **state) {
    (void)state;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), 0);
    for (uint32_t i = 0; i < KEY_BYTES; i++)
        key_before[i] = driver.key[i] = (uint8_t)(7 * i);
    expect_restored(TOEPLITZ, 0);
}

static void refuses_where_nothing_can_be_set(void **state) {
    (void)state;
    driver.takes_key = false;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), -ENOTSUP);
    assert_non_null(strstr(leat_error(), "lo: "));
    driver.takes_key = true;
    driver.key_bytes = 0;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), -ENOTSUP);
    driver.key_bytes = 1 << 20;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), -ENOTSUP);
    driver.tells = false;
    assert_int_equal(leat_netdev_set_symmetric_rss(&dev), -ENOTSUP);
    assert_int_equal(driver.writes, 0);
    expect_restored(TOEPLITZ, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sets_a_key_that_repeats, set_up),
        cmocka_unit_test_setup(sets_the_function_that_has_a_key, set_up),
        cmocka_unit_test_setup(sets_a_symmetric_hash, set_up),
        cmocka_unit_test_setup(keeps_what_is_symmetric, set_up),
        cmocka_unit_test_setup(leaves_what_another_set, set_up),
        cmocka_unit_test_setup(refuses_where_nothing_can_be_set, set_up),
    };
    return cmocka_run_group_tests(tests, make_journal_directory, remove_journal_directory);
}
