/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cryptography that reading a handshake takes: SHA-256 for fingerprints, HMAC, AES and GCM for
 * QUIC's Initial packets, whose keys everyone can derive. In a build without OpenSSL all functions
 * say no (crypto_absent.c).
 */
#ifndef LEAT_FLOW_CRYPTO_H
#define LEAT_FLOW_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#define LEAT_SHA256_BYTES  32
#define LEAT_AES_BYTES     16 /* of a key of AES-128, and of a block */
#define LEAT_GCM_IV_BYTES  12
#define LEAT_GCM_TAG_BYTES 16

/* One worker's: its contexts are made once, so that no packet allocates. */
struct leat_flow_crypto;
int leat_flow_crypto_create(struct leat_flow_crypto **crypto);
void leat_flow_crypto_destroy(struct leat_flow_crypto *crypto);

bool leat_flow_sha256(struct leat_flow_crypto *crypto, const void *bytes, uint32_t n,
                      uint8_t digest[LEAT_SHA256_BYTES]);
/* With keys of at most 64 bytes. */
bool leat_flow_hmac_sha256(struct leat_flow_crypto *crypto, const uint8_t *key, uint32_t key_bytes,
                           const uint8_t *bytes, uint32_t n, uint8_t mac[LEAT_SHA256_BYTES]);
bool leat_flow_aes_block(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                         const uint8_t in[LEAT_AES_BYTES], uint8_t out[LEAT_AES_BYTES]);

/* Opens `n` bytes in place, behind which the tag is; false: they were not sealed with that key. */
bool leat_flow_gcm_open(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                        const uint8_t iv[LEAT_GCM_IV_BYTES], const uint8_t *header,
                        uint32_t header_bytes, uint8_t *bytes, uint32_t n);

#endif
