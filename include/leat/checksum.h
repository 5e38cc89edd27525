/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet checksums (RFC 1071, RFC 1624) and SCTP's CRC32c (RFC 9260, appendix A).
 *
 * A running sum is 64 bits wide, in the byte order of memory, and opaque: sums are added with
 * leat_sum_add() and read with leat_sum_fold(). Everything else here is a number in host order.
 *
 *   uint64_t sum = leat_sum_pseudo4(ip, LEAT_PROTO_UDP, udp_len);
 *   sum = leat_sum_add(sum, leat_sum(udp, udp_len));
 *   leat_put_be16(udp + 6, leat_sum_udp(leat_sum_finish(sum)));
 *
 * What is inline here may also be used in BPF programs; the functions with loops over whole frames
 * may not.
 */
#ifndef LEAT_CHECKSUM_H
#define LEAT_CHECKSUM_H

#include <leat/packet.h>
#include <leat/parse.h>
#include <stddef.h>
#include <stdint.h>

/* One's complement addition: what is carried out on the left comes back on the right. */
static inline uint64_t leat_sum_add(uint64_t a, uint64_t b) {
    a += b;
    return a + (a < b);
}

/* A 16-bit number in host order as a sum. */
static inline uint64_t leat_sum_u16(uint16_t value) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap16(value);
#else
    return value;
#endif
}

/* The sum as a 16-bit number; 0xffff over bytes that contain their right checksum. */
static inline uint16_t leat_sum_fold(uint64_t sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)leat_sum_u16((uint16_t)sum);
}

/* What a checksum field shall hold for a sum over everything but the field. */
static inline uint16_t leat_sum_finish(uint64_t sum) {
    return (uint16_t)~leat_sum_fold(sum);
}

/* UDP sends a checksum of 0 as 0xffff, for 0 means that there is none (RFC 768). */
static inline uint16_t leat_sum_udp(uint16_t checksum) {
    return checksum ? checksum : 0xffff;
}

/* The sum of bytes that start at an odd offset of what is summed up (RFC 1071, 2 (B)). */
static inline uint64_t leat_sum_odd(uint64_t sum) {
    return sum << 8 | sum >> 56;
}

/* The sum of `bytes` bytes at any alignment; an odd last one is padded with zero. Not for BPF. */
uint64_t leat_sum(const void *data, size_t bytes);

/* The sum of up to 60 bytes, a multiple of four; with a bound that the verifier can see. */
static inline uint64_t leat_sum_header(const uint8_t *header, uint32_t bytes) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 60 && i < bytes; i += 4)
        sum += (uint64_t)leat_be16(header + i) + leat_be16(header + i + 2);
    sum = (sum & 0xffff) + (sum >> 16);
    return leat_sum_u16((uint16_t)((sum & 0xffff) + (sum >> 16)));
}

/* The checksum that an IPv4 header of `bytes` bytes should have, whatever its field holds. */
static inline uint16_t leat_ip4_checksum(const uint8_t *header, uint32_t bytes) {
    uint64_t field = leat_sum_u16((uint16_t)~leat_be16(header + 10));
    return leat_sum_finish(leat_sum_add(leat_sum_header(header, bytes), field));
}

/* Whether an IPv4 header of `bytes` bytes holds its right checksum. */
static inline int leat_ip4_checksum_ok(const uint8_t *header, uint32_t bytes) {
    return leat_sum_fold(leat_sum_header(header, bytes)) == 0xffff;
}

/* Pseudo header of RFC 768 and RFC 9293 over the addresses in an IPv4 header; `bytes` is the length
 * of the transport's header and payload. */
static inline uint64_t leat_sum_pseudo4(const uint8_t *ip, uint8_t protocol, uint32_t bytes) {
    return leat_sum_header(ip + 12, 8) + leat_sum_u16(protocol) + leat_sum_u16((uint16_t)bytes);
}

/* Pseudo header of RFC 8200, 8.1. `destination` is the address in the IPv6 header or, with a
 * routing header, the final one (struct leat_headers). */
static inline uint64_t leat_sum_pseudo6(const uint8_t *ip, const uint8_t *destination,
                                        uint8_t protocol, uint32_t bytes) {
    return leat_sum_header(ip + 8, 16) + leat_sum_header(destination, 16) + leat_sum_u16(protocol) +
           leat_sum_u16((uint16_t)(bytes >> 16)) + leat_sum_u16((uint16_t)bytes);
}

/* The checksum after a 16-bit field that it covers changed from `from` to `to`, without summing
 * again (RFC 1624, equation 3). Of UDP, never call it for a checksum of 0. */
static inline uint16_t leat_checksum_update16(uint16_t checksum, uint16_t from, uint16_t to) {
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~from + to;
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

/* The same for 32-bit fields, such as IPv4 addresses. */
static inline uint16_t leat_checksum_update32(uint16_t checksum, uint32_t from, uint32_t to) {
    checksum = leat_checksum_update16(checksum, (uint16_t)(from >> 16), (uint16_t)(to >> 16));
    return leat_checksum_update16(checksum, (uint16_t)from, (uint16_t)to);
}

/* CRC32c over `bytes` bytes, going on from `crc` (0 at first): leat_crc32c(0, "123456789", 9) is
 * 0xe3069283. With SSE4.2 where the processor has it. */
uint32_t leat_crc32c(uint32_t crc, const void *data, size_t bytes);

/* Adds the sum of the bytes from `offset` to `end` of a frame of one or several buffers to `sum`.
 * -EMSGSIZE: the frame ends before `end`, or is not whole among the `n` packets. */
int leat_frame_sum(const struct leat_pkt *pkts, uint32_t n, uint32_t offset, uint32_t end,
                   uint64_t *sum);

/* What the transport's checksum of a frame should be, whatever its field holds: of TCP, UDP, ICMP
 * and ICMPv6 16 bits, of SCTP 32 (as leat_put_be32() writes it). `h` is what leat_parse() found in
 * the first buffer. Neither the source that a Mobile IPv6 home address option names nor that of
 * compressed routing headers (RFC 6554) is known here.
 * -ENOTSUP: no such transport, a fragment, or an unknown destination; -EMSGSIZE: the frame ends
 * before its datagram. */
int leat_l4_checksum(const struct leat_pkt *pkts, uint32_t n, const struct leat_headers *h,
                     uint32_t *checksum);

enum leat_verdict {
    LEAT_CHECKSUM_OK,
    LEAT_CHECKSUM_BAD,
    LEAT_CHECKSUM_NONE,    /* UDP over IPv4 without checksum */
    LEAT_CHECKSUM_UNKNOWN, /* whatever leat_l4_checksum() cannot compute */
};

/* Compares the transport's checksum of a frame with what it should be. */
enum leat_verdict leat_l4_verify(const struct leat_pkt *pkts, uint32_t n,
                                 const struct leat_headers *h);

/* Does in software what the first packet of a frame requests by LEAT_PKT_IP_CSUM and
 * LEAT_PKT_L4_CSUM, and takes the requests back. The headers up to the checksum lie in the first
 * buffer. Without requests it does nothing.
 * -EINVAL, nothing changed: lengths that contradict the frame or each other, an IPv6 header that
 * shall get an IPv4 checksum, no transport named, or LEAT_PKT_TSO (segment first). */
int leat_complete_checksum(struct leat_pkt *pkts, uint32_t n);

#endif
