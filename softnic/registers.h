/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82599's registers as the model knows them: offsets in BAR 0 and the bits that have a meaning
 * here. Names and layouts follow the datasheet (331520), chapter 8; the driver has its own list, so
 * that neither can hide the other's mistake.
 */
#ifndef SOFTNIC_REGISTERS_H
#define SOFTNIC_REGISTERS_H

#define BIT(n) (1u << (n))

/* 8.2.3.1 general */
#define R_CTRL                0x00000
#define CTRL_MASTER_DISABLE   BIT(2)
#define CTRL_LINK_RESET       BIT(3)
#define CTRL_DEVICE_RESET     BIT(26)
#define R_STATUS              0x00008
#define STATUS_LAN_ID_SHIFT   2
#define STATUS_LINK_UP        BIT(7)
#define STATUS_MASTER_ENABLED BIT(19)
#define R_ESDP                0x00020
#define ESDP_SDP2             BIT(2) /* wired to the cage: module present */
#define R_I2CCTL              0x00028
#define I2C_CLOCK_IN          BIT(0)
#define I2C_CLOCK_OUT         BIT(1)
#define I2C_DATA_IN           BIT(2)
#define I2C_DATA_OUT          BIT(3)

/* 8.2.3.2 EEPROM */
#define R_EEC               0x10010
#define EEC_CLOCK           BIT(0)
#define EEC_SELECT          BIT(1) /* chip select, high: not selected */
#define EEC_DATA_IN         BIT(2) /* into the EEPROM */
#define EEC_DATA_OUT        BIT(3)
#define EEC_REQUEST         BIT(6)
#define EEC_GRANT           BIT(7)
#define EEC_PRESENT         BIT(8)
#define EEC_AUTO_READ_DONE  BIT(9)
#define EEC_ADDRESS_16      BIT(10)
#define EEC_SIZE_SHIFT      11
#define R_EERD              0x10014
#define EERD_START          BIT(0)
#define EERD_DONE           BIT(1)
#define EERD_ADDRESS_SHIFT  2
#define EERD_DATA_SHIFT     16
#define R_SWSM              0x10140
#define SWSM_SMBI           BIT(0)
#define R_FWSM              0x10148
#define FWSM_FIRMWARE_VALID BIT(15)

/* 8.2.3.5 interrupts */
#define R_EICR              0x00800
#define R_EICS              0x00808
#define R_EIAC              0x00810
#define R_EITR              0x00820 /* 0-23, then 0x12300 */
#define EITR_INTERVAL(v)    (((v) >> 3) & 0x1ff)
#define EITR_KEEP_COUNTER   BIT(31)
#define R_EIMS              0x00880
#define R_EIMC              0x00888
#define R_EIAM              0x00890
#define R_GPIE              0x00898
#define GPIE_MULTIPLE_MSIX  BIT(4)
#define GPIE_OTHER_CLEAR    BIT(5) /* OCD: reading EICR clears other causes only */
#define GPIE_AUTO_MASK_MSIX BIT(30)
#define R_IVAR              0x00900
#define R_IVAR_MISC         0x00a00
#define IVAR_VALID          BIT(7)
#define R_EICS_EX           0x00a90
#define R_EIMS_EX           0x00aa0
#define R_EIMC_EX           0x00ab0
#define R_EIAM_EX           0x00ad0
#define EICR_QUEUES         0x0000ffffu
#define EICR_OTHERS         0x7fff0000u
#define EICR_LINK           BIT(20)
#define EICR_OTHER          BIT(31)

/* 8.2.3.7 receive filters */
#define R_RXCSUM            0x05000
#define R_RFCTL             0x05008
#define R_FCTRL             0x05080
#define FCTRL_STORE_BAD     BIT(1)
#define FCTRL_MULTICAST_ALL BIT(8)
#define FCTRL_UNICAST_ALL   BIT(9)
#define FCTRL_BROADCAST     BIT(10)
#define R_VLNCTRL           0x05088
#define VLNCTRL_FILTER      BIT(30)
#define VLNCTRL_CFI         BIT(28) /* the CFI to compare with */
#define VLNCTRL_CFI_FILTER  BIT(29)
#define R_MCSTCTRL          0x05090
#define MCSTCTRL_OFFSET     0x3u
#define MCSTCTRL_FILTER     BIT(2)
#define R_MTA               0x05200
#define R_VFTA              0x0a000
#define R_RAL               0x0a200
#define R_RAH               0x0a204
#define RAH_VALID           BIT(31)
#define R_MPSAR             0x0a600
#define R_UTA               0x0f400
#define R_MRQC              0x0ec80
#define MRQC_MODE           0xfu
#define MRQC_RSS            1u
#define MRQC_TCP_IPV4       BIT(16)
#define MRQC_IPV4           BIT(17)
#define MRQC_IPV6           BIT(20)
#define MRQC_TCP_IPV6       BIT(21)
#define MRQC_UDP_IPV4       BIT(22)
#define MRQC_UDP_IPV6       BIT(23)
#define R_RETA              0x0eb00
#define R_RSSRK             0x0eb80

/* 8.2.3.8 receive DMA: 64 queues from 0x1000, 64 from 0xd000 */
#define R_RDBAL              0x01000
#define R_RDBAH              0x01004
#define R_RDLEN              0x01008
#define R_DCA_RXCTRL         0x0100c
#define R_RDH                0x01010
#define R_SRRCTL             0x01014
#define R_RDT                0x01018
#define R_RXDCTL             0x01028
#define DCA_RXCTRL_CLEAR     BIT(12)
#define SRRCTL_BUFFER_KIB    0x1fu
#define SRRCTL_TYPE(v)       (((v) >> 25) & 7)
#define SRRCTL_TYPE_LEGACY   0
#define SRRCTL_TYPE_ADVANCED 1
#define SRRCTL_DROP          BIT(28)
#define RXDCTL_ENABLE        BIT(25)
#define RXDCTL_STRIP_VLAN    BIT(30)
#define R_RDRXCTL            0x02f00
#define RDRXCTL_STRIP_CRC    BIT(1)
#define RDRXCTL_DMA_READY    BIT(3)
#define R_RXCTRL             0x03000
#define RXCTRL_ENABLE        BIT(0)

/* 8.2.3.9 transmit: 128 queues from 0x6000 */
#define R_TDBAL              0x06000
#define R_TDBAH              0x06004
#define R_TDLEN              0x06008
#define R_TDH                0x06010
#define R_TDT                0x06018
#define R_TXDCTL             0x06028
#define R_TDWBAL             0x06038
#define TDWBAL_ENABLE        BIT(0)
#define TXDCTL_WTHRESH(v)    (((v) >> 16) & 0x7f)
#define TXDCTL_ENABLE        BIT(25)
#define TXDCTL_FLUSH         BIT(26)
#define R_DMATXCTL           0x04a80
#define DMATXCTL_ENABLE      BIT(0)
#define R_MTQC               0x08120
#define R_RTTDCS             0x04900
#define RTTDCS_ARBITER_OFF   BIT(6)
#define R_SECTXSTAT          0x08804
#define R_SECRXCTRL          0x08d00
#define SECRXCTRL_RX_DISABLE BIT(1)
#define R_SECRXSTAT          0x08d04
#define SECURITY_READY       BIT(0)

/* 8.2.3.22 MAC */
#define R_HLREG0          0x04240
#define HLREG0_TX_CRC     BIT(0)
#define HLREG0_STRIP_CRC  BIT(1)
#define HLREG0_JUMBO      BIT(2)
#define HLREG0_TX_PAD     BIT(10)
#define R_MSCA            0x0425c
#define MSCA_COMMAND      BIT(30)
#define R_MSRWD           0x04260
#define R_MAXFRS          0x04268
#define R_AUTOC           0x042a0
#define AUTOC_RESTART     BIT(12)
#define AUTOC_MODE(v)     (((v) >> 13) & 7)
#define AUTOC_MODE_SHIFT  13
#define AUTOC_10G_SERIAL  3u
#define AUTOC_BACKPLANE   4u
#define R_LINKS           0x042a4
#define LINKS_UP_NOW      BIT(7) /* latches a loss until read */
#define LINKS_10G         (3u << 28)
#define LINKS_UP          BIT(30)
#define LINKS_AN_COMPLETE BIT(31)
#define R_ANLP1           0x042b0

#define R_RQSMR 0x02300
#define R_TQSM  0x08600

/* Transmit descriptors, 7.2.3.2: bits of the second quadword's lower half. */
#define TX_LENGTH    0xffffu
#define TX_TYPE(w)   (((w) >> 20) & 0xf)
#define TX_CONTEXT   2u
#define TX_DATA      3u
#define TX_RESERVED  (BIT(16) | BIT(17) | BIT(26) | BIT(28)) /* of advanced data descriptors */
#define TX_EOP       BIT(24)
#define TX_IFCS      BIT(25)
#define TX_LEGACY_IC BIT(26)
#define TX_RS        BIT(27)
#define TX_DEXT      BIT(29)
#define TX_VLE       BIT(30)
#define TX_TSE       BIT(31)
/* ... and of its upper half. */
#define TX_DD             BIT(0)
#define TX_STATUS         0xfu
#define TX_PAYLOAD(w)     ((w) >> 14)
#define TX_POPTS_CHECKSUM (BIT(8) | BIT(9))
#define TX_POPTS_IPSEC    BIT(10)

/* Receive descriptors as written back, 7.1.6.2. */
#define RX_DD            BIT(0)
#define RX_EOP           BIT(1)
#define RX_VP            BIT(3)
#define RX_PIF           BIT(7)
#define RX_TYPE_IPV4     BIT(4)
#define RX_TYPE_IPV4_EXT BIT(5)
#define RX_TYPE_IPV6     BIT(6)
#define RX_TYPE_IPV6_EXT BIT(7)
#define RX_TYPE_TCP      BIT(8)
#define RX_TYPE_UDP      BIT(9)
#define RX_TYPE_SCTP     BIT(10)
#define RX_RSS_NONE      0u
#define RX_RSS_TCP_IPV4  1u
#define RX_RSS_IPV4      2u
#define RX_RSS_TCP_IPV6  3u
#define RX_RSS_IPV6      5u
#define RX_RSS_UDP_IPV4  7u
#define RX_RSS_UDP_IPV6  8u

#endif
