/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of crypto.c in a build without OpenSSL: no fingerprints, and of QUIC the version only.
 */
#include "crypto.h"
#include <stddef.h>

int leat_flow_crypto_create(struct leat_flow_crypto **crypto) {
    *crypto = NULL;
    return 0;
}

void leat_flow_crypto_destroy(struct leat_flow_crypto *crypto) {
    (void)crypto;
}

bool leat_flow_sha256(struct leat_flow_crypto *crypto, const void *bytes, uint32_t n,
                      uint8_t digest[LEAT_SHA256_BYTES]) {
    (void)crypto, (void)bytes, (void)n, (void)digest;
    return false;
}

bool leat_flow_hmac_sha256(struct leat_flow_crypto *crypto, const uint8_t *key, uint32_t key_bytes,
                           const uint8_t *bytes, uint32_t n, uint8_t mac[LEAT_SHA256_BYTES]) {
    (void)crypto, (void)key, (void)key_bytes, (void)bytes, (void)n, (void)mac;
    return false;
}

bool leat_flow_aes_block(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                         const uint8_t in[LEAT_AES_BYTES], uint8_t out[LEAT_AES_BYTES]) {
    (void)crypto, (void)key, (void)in, (void)out;
    return false;
}

bool leat_flow_gcm_open(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                        const uint8_t iv[LEAT_GCM_IV_BYTES], const uint8_t *header,
                        uint32_t header_bytes, uint8_t *bytes, uint32_t n) {
    (void)crypto, (void)key, (void)iv, (void)header, (void)header_bytes, (void)bytes, (void)n;
    return false;
}
