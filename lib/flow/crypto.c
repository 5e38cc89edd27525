/* SPDX-License-Identifier: BSD-2-Clause */
/* The cryptography that reading a handshake takes, by OpenSSL's libcrypto (3.0 or later). */
#include "crypto.h"
#include "../core/error.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_BLOCK 64

struct leat_flow_crypto {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_CIPHER_CTX *block, *gcm;
};

static bool set_up_cipher(EVP_CIPHER_CTX **ctx, const char *name) {
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    *ctx = EVP_CIPHER_CTX_new();
    bool done = cipher && *ctx && EVP_CipherInit_ex2(*ctx, cipher, NULL, NULL, 0, NULL);
    EVP_CIPHER_free(cipher); /* the context holds a reference */
    return done;
}

static bool set_up(struct leat_flow_crypto *c) {
    c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    c->digest = EVP_MD_CTX_new();
    return c->sha256 && c->digest && set_up_cipher(&c->block, "AES-128-ECB") &&
           set_up_cipher(&c->gcm, "AES-128-GCM");
}

int leat_flow_crypto_create(struct leat_flow_crypto **crypto) {
    struct leat_flow_crypto *c = calloc(1, sizeof(*c));
    if (!c)
        return leat_fail(ENOMEM, "flow meter: no memory for OpenSSL's contexts");
    if (!set_up(c)) {
        leat_flow_crypto_destroy(c);
        return leat_fail(ENOTSUP, "flow meter: OpenSSL offers no SHA-256 or AES-128; is its "
                                  "configuration one that forbids them?");
    }
    *crypto = c;
    return 0;
}

void leat_flow_crypto_destroy(struct leat_flow_crypto *crypto) {
    if (!crypto)
        return;
    EVP_CIPHER_CTX_free(crypto->gcm);
    EVP_CIPHER_CTX_free(crypto->block);
    EVP_MD_CTX_free(crypto->digest);
    EVP_MD_free(crypto->sha256);
    free(crypto);
}

static bool hash(struct leat_flow_crypto *crypto, const uint8_t *prefix, uint32_t prefix_bytes,
                 const void *bytes, uint32_t n, uint8_t digest[LEAT_SHA256_BYTES]) {
    return EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) &&
           EVP_DigestUpdate(crypto->digest, prefix, prefix_bytes) &&
           EVP_DigestUpdate(crypto->digest, bytes, n) &&
           EVP_DigestFinal_ex(crypto->digest, digest, NULL);
}

bool leat_flow_sha256(struct leat_flow_crypto *crypto, const void *bytes, uint32_t n,
                      uint8_t digest[LEAT_SHA256_BYTES]) {
    return hash(crypto, NULL, 0, bytes, n, digest);
}

/* RFC 2104. OpenSSL 3.0's own takes long to change its key, and here each message has another. */
bool leat_flow_hmac_sha256(struct leat_flow_crypto *crypto, const uint8_t *key, uint32_t key_bytes,
                           const uint8_t *bytes, uint32_t n, uint8_t mac[LEAT_SHA256_BYTES]) {
    uint8_t inner[SHA256_BLOCK] = { 0 }, outer[SHA256_BLOCK];

    if (key_bytes > SHA256_BLOCK)
        return false;
    memcpy(inner, key, key_bytes);
    for (uint32_t i = 0; i < SHA256_BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    return hash(crypto, inner, sizeof(inner), bytes, n, mac) &&
           hash(crypto, outer, sizeof(outer), mac, LEAT_SHA256_BYTES, mac);
}

bool leat_flow_aes_block(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                         const uint8_t in[LEAT_AES_BYTES], uint8_t out[LEAT_AES_BYTES]) {
    int written;
    return EVP_EncryptInit_ex2(crypto->block, NULL, key, NULL, NULL) &&
           EVP_EncryptUpdate(crypto->block, out, &written, in, LEAT_AES_BYTES);
}

bool leat_flow_gcm_open(struct leat_flow_crypto *crypto, const uint8_t key[LEAT_AES_BYTES],
                        const uint8_t iv[LEAT_GCM_IV_BYTES], const uint8_t *header,
                        uint32_t header_bytes, uint8_t *bytes, uint32_t n) {
    int written;
    return EVP_DecryptInit_ex2(crypto->gcm, NULL, key, iv, NULL) &&
           EVP_DecryptUpdate(crypto->gcm, NULL, &written, header, (int)header_bytes) &&
           EVP_DecryptUpdate(crypto->gcm, bytes, &written, bytes, (int)n) &&
           EVP_CIPHER_CTX_ctrl(crypto->gcm, EVP_CTRL_AEAD_SET_TAG, LEAT_GCM_TAG_BYTES, bytes + n) &&
           EVP_DecryptFinal_ex(crypto->gcm, bytes + n, &written) > 0;
}
