/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and descriptors of the Intel 82599 (datasheet 331520, revision 3.3 and 3.4; chapter 8
 * has the registers, 7.1.6 and 7.2.3 the descriptors). X540 and X550 have the same ones here. Names
 * are the datasheet's; each group cites its section.
 */
#ifndef LEAT_DRIVERS_IXGBE_REGISTERS_H
#define LEAT_DRIVERS_IXGBE_REGISTERS_H

#include <stdint.h>

/* 9.3.3 Device ids, with the specification updates: models, how they reach their link, and how many
 * queues an entry of their RETA can name (7.1.2.8: 4 bits; X550: 6 bits). */
#define IXGBE_MODELS                                                                            \
    { 0x10f7, "82599 KX4", LINK_BACKPLANE, 16 },                                                \
        { 0x10f8, "82599 combined backplane", LINK_BACKPLANE, 16 },                             \
        { 0x10f9, "82599 CX4", LINK_BACKPLANE, 16 }, { 0x10fb, "82599ES SFP+", LINK_SFP, 16 },  \
        { 0x10fc, "82599 XAUI", LINK_BACKPLANE, 16 }, { 0x1507, "82599EM SFP+", LINK_SFP, 16 }, \
        { 0x1514, "82599 KX4 mezzanine", LINK_BACKPLANE, 16 },                                  \
        { 0x1517, "82599 KR", LINK_BACKPLANE, 16 }, { 0x151c, "82599 T3", LINK_PHY, 16 },       \
        { 0x1529, "82599 SFP+ FCoE", LINK_SFP, 16 },                                            \
        { 0x152a, "82599 backplane FCoE", LINK_BACKPLANE, 16 },                                 \
        { 0x154a, "X520-4 SFP+", LINK_SFP, 16 }, { 0x154d, "X520 SF2 SFP+", LINK_SFP, 16 },     \
        { 0x1557, "82599EN SFP+", LINK_SFP, 16 }, { 0x1558, "X520-Q1 QSFP+", LINK_SFP, 16 },    \
        { 0x1528, "X540-AT2", LINK_PHY, 16 }, { 0x1560, "X540-AT1", LINK_PHY, 16 },             \
        { 0x1563, "X550-AT2", LINK_PHY, 64 }, {                                                 \
        0x15d1, "X550-AT1", LINK_PHY, 64                                                        \
    }

/* 8.2.3.1 General control */
#define REG_CTRL              0x00000
#define CTRL_MASTER_DISABLE   (1u << 2)
#define CTRL_LRST             (1u << 3)
#define CTRL_RST              (1u << 26)
#define REG_STATUS            0x00008
#define STATUS_MASTER_ENABLED (1u << 19)
#define REG_CTRL_EXT          0x00018
#define CTRL_EXT_NS_DIS       (1u << 16)
#define CTRL_EXT_DRV_LOAD     (1u << 28)

/* 8.2.3.2 EEPROM */
#define REG_EEC     0x10010
#define EEC_AUTO_RD (1u << 9)

/* 8.2.3.3 Flow control */
#define REG_FCRTH(n) (0x03260u + 4 * (n))
#define FCRTH_RTH(b) ((b)&0x7ffe0u) /* bytes, in units of 32 */

/* 8.2.3.5 Interrupts. In MSI-X mode the extended registers cover all 64 vectors. */
#define REG_EICR    0x00800
#define REG_EIAC    0x00810
#define EIAC_QUEUES 0x0000ffffu
#define REG_EITR(v) ((v) < 24 ? 0x00820u + 4 * (v) : 0x12300u + 4 * ((v)-24))
#define EITR_INTERVAL(t)                                                     \
    ((uint32_t)(t) << 3 & 0xff8) /* 11:3, units of 2.048 us at 10 and 1 Gb/s \
                                  */
#define EITR_INTERVAL_MAX  511
#define EITR_UNIT_NS       2048
#define EITR_CNT_WDIS      (1u << 31) /* leave the running counter alone */
#define REG_EIMC           0x00888
#define REG_EIMS_EX(n)     (0x00aa0u + 4 * (n))
#define REG_EIMC_EX(n)     (0x00ab0u + 4 * (n))
#define REG_EIAM_EX(n)     (0x00ad0u + 4 * (n))
#define REG_GPIE           0x00898
#define GPIE_MULTIPLE_MSIX (1u << 4)
#define GPIE_EIAME         (1u << 30)
#define GPIE_PBA_SUPPORT   (1u << 31)
#define REG_IVAR(n)        (0x00900u + 4 * (n))  /* of queues 2n and 2n + 1 */
#define IVAR_RX_EVEN(v)    (0x80u | (v))         /* receive side of queue 2n: valid, vector v */
#define IVAR_RX_ODD(v)     ((0x80u | (v)) << 16) /* of queue 2n + 1 */

/* 8.2.3.7 Receive: filters, RSS */
#define REG_MTA(n)    (0x05200u + 4 * (n))
#define MTA_REGISTERS 128
#define REG_RXCSUM    0x05000
#define RXCSUM_PCSD   (1u << 13) /* RSS hash instead of a fragment's checksum */
#define REG_RAL(n)    (0x0a200u + 8 * (n))
#define REG_RAH(n)    (0x0a204u + 8 * (n))
#define RAH_AV        (1u << 31)
#define RAR_ENTRIES   128
#define REG_FCTRL     0x05080
#define FCTRL_MPE     (1u << 8)
#define FCTRL_UPE     (1u << 9)
#define FCTRL_BAM     (1u << 10)
#define REG_MCSTCTRL  0x05090
#define MCSTCTRL_MFE  (1u << 2)
#define REG_MRQC      0x05818
#define MRQC_RSS      1u
#define MRQC_IPV4_TCP (1u << 16)
#define MRQC_IPV4     (1u << 17)
#define MRQC_IPV6     (1u << 20)
#define MRQC_IPV6_TCP (1u << 21)
#define MRQC_IPV4_UDP (1u << 22)
#define MRQC_IPV6_UDP (1u << 23)
#define REG_RETA(n)   (0x05c00u + 4 * (n)) /* four entries each */
#define RETA_ENTRIES  128
#define REG_RSSRK(n)  (0x05c80u + 4 * (n))

/* 8.2.3.8 Receive DMA */
/* Of a ring's registers, from RDBAL or TDBAL on. */
#define RING_BASE_LOW  0x00
#define RING_BASE_HIGH 0x04
#define RING_LENGTH    0x08
#define RING_HEAD      0x10
#define RING_TAIL      0x18

#define REG_RDBAL(q)        (0x01000u + 0x40 * (q))
#define REG_DCA_RXCTRL(q)   (0x0100cu + 0x40 * (q)) /* 8.2.3.11.1 */
#define DCA_RXCTRL_CLEAR    (1u << 12)
#define REG_SRRCTL(q)       (0x01014u + 0x40 * (q))
#define SRRCTL_PACKET_KB(k) (k)
#define SRRCTL_HEADER_256   (4u << 8)
#define SRRCTL_ADVANCED     (1u << 25) /* DESCTYPE 001: advanced, one buffer */
#define SRRCTL_DROP_EN      (1u << 28)
#define REG_RDT(q)          (0x01018u + 0x40 * (q))
#define REG_RXDCTL(q)       (0x01028u + 0x40 * (q))
#define REG_RDRXCTL         0x02f00
#define RDRXCTL_CRC_STRIP   (1u << 1)
#define RDRXCTL_DMAIDONE    (1u << 3)
#define RDRXCTL_RSCFRSTSIZE (0x1fu << 17)
#define RDRXCTL_RSCACKC     (1u << 25)
#define RDRXCTL_FCOE_WRFIX  (1u << 26)
#define REG_RXCTRL          0x03000
#define RXCTRL_RXEN         (1u << 0)
#define REG_RXPBSIZE(n)     (0x03c00u + 4 * (n))
#define RXPBSIZE_BYTES(v)   ((v) & (0x3ffu << 10)) /* 19:10, in KiB */
#define REG_SECRXCTRL       0x08d00
#define SECRXCTRL_RX_DIS    (1u << 1)
#define REG_SECRXSTAT       0x08d04
#define SECRXSTAT_RDY       (1u << 0)

/* 8.2.3.9 Transmit */
#define REG_DMATXCTL      0x04a80
#define DMATXCTL_TE       (1u << 0)
#define REG_TXPBTHRESH(n) (0x04950u + 4 * (n))
#define REG_RTTDCS        0x04900 /* 8.2.3.10.2 */
#define RTTDCS_ARBDIS     (1u << 6)
#define REG_TDBAL(q)      (0x06000u + 0x40 * (q))
#define REG_TDT(q)        (0x06018u + 0x40 * (q))
#define REG_TXDCTL(q)     (0x06028u + 0x40 * (q))
#define TXDCTL_PTHRESH(n) (n)
#define TXDCTL_HTHRESH(n) ((n) << 8)
#define QUEUE_ENABLE      (1u << 25) /* of RXDCTL and TXDCTL */
#define REG_DTXMXSZRQ     0x08100
#define DTXMXSZRQ_MAX     0xfffu
#define REG_MTQC          0x08120
#define REG_TXPBSIZE(n)   (0x0cc00u + 4 * (n))
#define TXPBSIZE_160K     (160u << 10)
#define PACKET_BUFFERS    8

/* 8.2.3.22 MAC */
#define REG_HLREG0       0x04240
#define HLREG0_TXCRCEN   (1u << 0)
#define HLREG0_RXCRCSTRP (1u << 1)
#define HLREG0_JUMBOEN   (1u << 2)
#define HLREG0_TXPADEN   (1u << 10)
#define REG_MAXFRS       0x04268
#define MAXFRS_MFS(n)    ((uint32_t)(n) << 16)
#define REG_AUTOC        0x042a0
#define AUTOC_RESTART_AN (1u << 12)
#define AUTOC_LMS        (7u << 13)
#define AUTOC_LMS_SFI    (3u << 13)
#define REG_LINKS        0x042a4
#define LINKS_UP         (1u << 30)
#define LINKS_SPEED(v)   ((v) >> 28 & 3) /* 1: 100 Mb/s, 2: 1 Gb/s, 3: 10 Gb/s */

/* 8.2.3.23 Statistics that count lost frames; ixgbe_counters.c has the others */
#define REG_CRCERRS  0x04000
#define REG_RUC      0x040a4
#define REG_RFC      0x040a8
#define REG_ROC      0x040ac
#define REG_RXMPC(n) (0x03fa0u + 4 * (n))
#define REG_QPRDC(n) (0x01430u + 0x40 * (n))
#define REG_RQSMR(n) (0x02300u + 4 * (n)) /* counter sets of receive queues 4n .. 4n + 3 */
#define REG_TQSM(n)  (0x08600u + 4 * (n))
#define COUNTER_SETS 16

/* The statistics registers of 8.2.3.23, all cleared by reading: ONE(name, offset), WIDE(name, low
 * offset; the high half follows), EIGHT and SETS(name, offset, distance) of packet buffers and of
 * counter sets. (clang-format would take the row of calls for one nested expression.) */
/* clang-format off */
#define IXGBE_COUNTERS(ONE, WIDE, EIGHT, SETS, SETS_WIDE)                                         \
    ONE(ILLERRC, 0x04004) ONE(ERRBC, 0x04008) ONE(MSPDC, 0x04010) ONE(MLFC, 0x04034)              \
    ONE(MRFC, 0x04038) ONE(RLEC, 0x04040) ONE(RJC, 0x040b0) ONE(LXONRXCNT, 0x041a4)               \
    ONE(LXOFFRXCNT, 0x041a8) ONE(LXONTXC, 0x03f60) ONE(LXOFFTXC, 0x03f68)                         \
    EIGHT(PXONRXCNT, 0x04140) EIGHT(PXOFFRXCNT, 0x04160) EIGHT(PXONTXC, 0x03f00)                  \
    EIGHT(PXOFFTXC, 0x03f20) EIGHT(PXON2OFFCNT, 0x03240) ONE(PRC64, 0x0405c)                      \
    ONE(PRC127, 0x04060) ONE(PRC255, 0x04064) ONE(PRC511, 0x04068) ONE(PRC1023, 0x0406c)          \
    ONE(PRC1522, 0x04070) ONE(GPRC, 0x04074) ONE(BPRC, 0x04078) ONE(MPRC, 0x0407c)                \
    WIDE(GORC, 0x04088) WIDE(TOR, 0x040c0) ONE(TPR, 0x040d0) ONE(MNGPRC, 0x040b4)                 \
    ONE(MNGPDC, 0x040b8) ONE(MNGPTC, 0x0cf90) ONE(RXNFGPC, 0x041b0) WIDE(RXNFGBC, 0x041b4)        \
    ONE(RXDGPC, 0x02f50) WIDE(RXDGBC, 0x02f54) ONE(RXDDPC, 0x02f5c) WIDE(RXDDBC, 0x02f60)         \
    ONE(RXLPBKPC, 0x02f68) WIDE(RXLPBKBC, 0x02f6c) ONE(RXDLPBKPC, 0x02f74)                        \
    WIDE(RXDLPBKBC, 0x02f78) ONE(PTC64, 0x040d8) ONE(PTC127, 0x040dc) ONE(PTC255, 0x040e0)        \
    ONE(PTC511, 0x040e4) ONE(PTC1023, 0x040e8) ONE(PTC1522, 0x040ec) ONE(GPTC, 0x04080)           \
    WIDE(GOTC, 0x04090) ONE(TPT, 0x040d4) ONE(MPTC, 0x040f0) ONE(BPTC, 0x040f4)                   \
    ONE(TXDGPC, 0x087a0) WIDE(TXDGBC, 0x087a4) ONE(XEC, 0x04120) ONE(SSVPC, 0x08780)              \
    ONE(FCCRC, 0x05118) ONE(FCOERPDC, 0x0241c) ONE(FCLAST, 0x02424) ONE(FCOEPRC, 0x02428)         \
    ONE(FCOEDWRC, 0x0242c) ONE(FCOEPTC, 0x08784) ONE(FCOEDWTC, 0x08788)                           \
    SETS(QPRC, 0x01030, 0x40) SETS_WIDE(QBRC, 0x01034, 0x40) SETS(QPTC, 0x08680, 0x04)            \
    SETS_WIDE(QBTC, 0x08700, 0x08)
/* clang-format on */

/* 7.1.6 Advanced receive descriptor: what the driver writes (address, 0), and what the device
 * writes over it. Both words are little-endian, as is every machine that this driver runs on. */
struct rx_descriptor {
    uint64_t address; /* read as: 3:0 RSS type, 16:4 packet type, 63:32 RSS hash */
    uint64_t status;  /* 19:0 status, 31:20 errors, 47:32 length, 63:48 VLAN tag */
};

#define RX_RSS_TYPE  0xfull
#define RX_HASH(w)   ((uint32_t)((w) >> 32))
#define RX_DD        (1ull << 0)
#define RX_EOP       (1ull << 1)
#define RX_ERROR_RXE (1ull << 29)
#define RX_LENGTH(w) ((uint32_t)((w) >> 32) & 0xffff)

/* 7.2.3.2.4 Advanced transmit data descriptor. */
struct tx_descriptor {
    uint64_t address;
    uint64_t
        command; /* 15:0 length, 23:20 type, 31:24 command, 35:32 status, 63:46 length of all */
};

#define TX_DATA      (3ull << 20)
#define TX_EOP       (1ull << 24)
#define TX_IFCS      (1ull << 25)
#define TX_RS        (1ull << 27)
#define TX_DEXT      (1ull << 29)
#define TX_DD        (1ull << 32)
#define TX_PAYLEN(n) ((uint64_t)(n) << 46)

#endif
