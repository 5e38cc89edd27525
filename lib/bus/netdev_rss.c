/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symmetric RSS: both directions of a flow hash to the same queue. Either the device exchanges what
 * it hashes for a symmetric form of it (kernel 6.8 on), or the Toeplitz key repeats every 16 bits,
 * so that exchanging addresses and ports, which are multiples of that, changes nothing (Woo and
 * Park, "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling", 2012).
 */
#include "../core/error.h"
#include "netdev_private.h"
#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX       256
#define INDIR_MAX     65536
#define HASH_TOEPLITZ 1 /* ETH_RSS_HASH_TOP, which no header for programs has */
#define HASH_SAME     0 /* ETH_RSS_HASH_NO_CHANGE */
#define SYMMETRIC_XOR 1 /* RXH_XFRM_SYM_XOR, kernel 6.8 */
#define SYMMETRIC_ANY 3 /* and RXH_XFRM_SYM_OR_XOR, kernel 6.15 */

static const uint8_t repeated[2] = { 0x6d, 0x5a };

struct rss {
    uint8_t function;  /* a bit, HASH_* */
    uint8_t transform; /* 0: none, as on kernels that know none */
    uint32_t key_bytes;
    uint8_t key[KEY_MAX];
};

/* input_xfrm, kernel 6.8; Debian 12's header calls the byte rsvd8[0], and older kernels want 0. */
#define TRANSFORM_AT (offsetof(struct ethtool_rxfh, hfunc) + 1)

/* The first answer says how much the second one brings: the indirection table, then the key. */
static int read_rss(int fd, const struct leat_netdev *dev, struct rss *rss) {
    struct ethtool_rxfh sizes = { .cmd = ETHTOOL_GRSSH };
    int err = netdev_ethtool(fd, dev, &sizes);
    if (err)
        return err;
    if (sizes.key_size > KEY_MAX || sizes.indir_size > INDIR_MAX)
        return -EOPNOTSUPP;
    size_t indir_bytes = 4 * (size_t)sizes.indir_size;
    struct ethtool_rxfh *all = malloc(sizeof(*all) + indir_bytes + sizes.key_size);
    if (!all)
        return -ENOMEM;
    *all = (struct ethtool_rxfh){ .cmd = ETHTOOL_GRSSH,
                                  .indir_size = sizes.indir_size,
                                  .key_size = sizes.key_size };
    err = netdev_ethtool(fd, dev, all);
    if (!err) {
        *rss = (struct rss){ all->hfunc, ((uint8_t *)all)[TRANSFORM_AT], sizes.key_size };
        memcpy(rss->key, (uint8_t *)all->rss_config + indir_bytes, sizes.key_size);
    }
    free(all);
    return err;
}

/* Without key_bytes the key stays; the indirection table always does. */
static int write_rss(int fd, const struct leat_netdev *dev, const struct rss *rss) {
    uint32_t room[(sizeof(struct ethtool_rxfh) + KEY_MAX) / 4] = { 0 };
    struct ethtool_rxfh *set = (struct ethtool_rxfh *)room;
    set->cmd = ETHTOOL_SRSSH;
    set->indir_size = ETH_RXFH_INDIR_NO_CHANGE;
    set->key_size = rss->key_bytes;
    set->hfunc = rss->function;
    ((uint8_t *)set)[TRANSFORM_AT] = rss->transform;
    memcpy(set->rss_config, rss->key, rss->key_bytes);
    return netdev_ethtool(fd, dev, set);
}

static bool repeats(const struct rss *rss) {
    for (uint32_t i = 2; i < rss->key_bytes; i++)
        if (rss->key[i] != rss->key[i % 2])
            return false;
    return rss->key_bytes > 2;
}

static bool is_symmetric(const struct rss *rss) {
    return rss->transform & SYMMETRIC_ANY || (rss->function == HASH_TOEPLITZ && repeats(rss));
}

static void format_rss(char *text, size_t bytes, const struct rss *rss) {
    int at = snprintf(text, bytes, "%u %u %u ", rss->function, rss->transform, rss->key_bytes);
    for (uint32_t i = 0; i < rss->key_bytes; i++)
        at += snprintf(text + at, bytes - (size_t)at, "%02x", rss->key[i]);
}

static bool parse_rss(const char *text, struct rss *rss) {
    int at = 0;
    if (sscanf(text, "%hhu %hhu %u %n", &rss->function, &rss->transform, &rss->key_bytes, &at) <
            3 ||
        at == 0 || rss->key_bytes > KEY_MAX || strlen(text + at) != 2 * rss->key_bytes)
        return false;
    for (uint32_t i = 0; i < rss->key_bytes; i++)
        if (sscanf(text + at + 2 * i, "%2hhx", &rss->key[i]) != 1)
            return false;
    return true;
}

static int undo_rss(struct netdev_access *access, struct leat_netdev *now, const char *values) {
    struct rss before, set;
    int err = read_rss(access->route.fd, now, &set);
    if (err)
        return netdev_refused(now, err, "read its RSS settings", "");
    if (!parse_rss(values, &before) || !is_symmetric(&set) || before.key_bytes != set.key_bytes)
        return 0;
    if (!memcmp(before.key, set.key, set.key_bytes))
        before.key_bytes = 0;
    if (before.function == set.function)
        before.function = HASH_SAME;
    err = write_rss(access->route.fd, now, &before);
    return err ? netdev_refused(now, err, "put its RSS settings back", "") : 0;
}

const struct netdev_setting netdev_rss = { "rss", undo_rss };

static int write_symmetric(int fd, const struct leat_netdev *dev, uint32_t key_bytes) {
    const struct rss transform = { .transform = SYMMETRIC_XOR };
    struct rss key = { .function = HASH_TOEPLITZ, .key_bytes = key_bytes };
    int err = write_rss(fd, dev, &transform);
    if (!err || err == -EPERM || key_bytes == 0)
        return err;
    for (uint32_t i = 0; i < key_bytes; i++)
        key.key[i] = repeated[i % 2];
    return write_rss(fd, dev, &key);
}

int leat_netdev_set_symmetric_rss(struct leat_netdev *dev) {
    char values[32 + 2 * KEY_MAX];
    struct rss before;
    int err = netdev_begin(dev);
    if (err)
        return err;
    int fd = dev->changes->access.route.fd;
    err = read_rss(fd, dev, &before);
    if (!err && is_symmetric(&before))
        return 0;
    if (!err) {
        format_rss(values, sizeof(values), &before);
        err = netdev_note(dev, &netdev_rss, values);
        if (err)
            return err;
        err = netdev_end(dev, write_symmetric(fd, dev, before.key_bytes));
    }
    if (err == -EPERM || err == -ENODEV || err == -ENOMEM)
        return netdev_refused(dev, err, "make RSS symmetric", "");
    return err ? leat_fail(ENOTSUP,
                           "%s: its driver %s cannot send both directions of a flow to one queue: "
                           "neither the RSS key nor a symmetric hash can be set; use one queue",
                           dev->name, dev->driver)
               : 0;
}
