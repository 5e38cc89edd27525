/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AF_XDP's interface to user space (include/uapi/linux/if_xdp.h), with what came after the headers
 * of Linux 6.1. The kernel that runs is asked before any of it is relied on.
 */
#ifndef LEAT_DRIVERS_XDP_UAPI_H
#define LEAT_DRIVERS_XDP_UAPI_H

#include <linux/if_xdp.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef XDP_USE_SG /* 6.6: frames of several buffers */
#define XDP_USE_SG    (1 << 4)
#define XDP_PKT_CONTD (1 << 0)
#endif

#ifndef XDP_UMEM_TX_SW_CSUM /* 6.8: metadata before frames that are sent */
#define XDP_UMEM_TX_SW_CSUM      (1 << 1)
#define XDP_TX_METADATA          (1 << 1)
#define XDP_TXMD_FLAGS_TIMESTAMP (1 << 0)
#define XDP_TXMD_FLAGS_CHECKSUM  (1 << 1)
#endif

#ifndef XDP_UMEM_TX_METADATA_LEN /* 6.11: tells that the length of metadata is meant */
#define XDP_UMEM_TX_METADATA_LEN (1 << 2)
#endif

#ifndef XDP_TXMD_FLAGS_LAUNCH_TIME /* 6.15 */
#define XDP_TXMD_FLAGS_LAUNCH_TIME (1 << 2)
#endif

#ifndef XDP_MAX_TX_SKB_BUDGET /* 6.17: frames that one system call sends in copy mode */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

/* struct xdp_umem_reg, whose last field was padding before 6.8. */
struct xdp_umem_registration {
    uint64_t addr, len;
    uint32_t chunk_size, headroom, flags, tx_metadata_len;
};

_Static_assert(sizeof(struct xdp_umem_registration) == sizeof(struct xdp_umem_reg), "same size");

/* struct xsk_tx_metadata: lies directly before the first byte of a frame to be sent. */
struct xdp_tx_metadata {
    uint64_t flags;                   /* XDP_TXMD_FLAGS_* */
    uint16_t csum_start, csum_offset; /* with the next field: the time of sending, once sent */
    uint32_t reserved;
    uint64_t launch_time; /* ns of the device's clock */
};

_Static_assert(sizeof(struct xdp_tx_metadata) == 24, "as the kernel has it");

#endif
