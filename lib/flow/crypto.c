/* SPDX-License-Identifier: BSD-2-Clause */
/* The cryptography that reading a handshake takes, by OpenSSL's libcrypto (3.0 or later). */
#include "crypto.h"
#include "../core/error.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct leat_flow_crypto {
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    EVP_MAC *hmac;
    EVP_MAC_CTX *mac;
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
    char sha256[] = "SHA256";
    const OSSL_PARAM with_sha256[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_end(),
    };
    c->sha256 = EVP_MD_fetch(NULL, sha256, NULL);
    c->digest = EVP_MD_CTX_new();
    c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    c->mac = c->hmac ? EVP_MAC_CTX_new(c->hmac) : NULL;
    return c->sha256 && c->digest && c->mac && EVP_MAC_CTX_set_params(c->mac, with_sha256) &&
           set_up_cipher(&c->block, "AES-128-ECB") && set_up_cipher(&c->gcm, "AES-128-GCM");
}

int leat_flow_crypto_create(struct leat_flow_crypto **crypto) {
    struct leat_flow_crypto *c = calloc(1, sizeof(*c));
    if (!c)
        return leat_fail(ENOMEM, "flow meter: no memory for OpenSSL's contexts");
    if (!set_up(c)) {
        leat_flow_crypto_destroy(c);
        return leat_fail(ENOTSUP, "flow meter: OpenSSL offers no SHA-256, HMAC or AES-128; is its "
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
    EVP_MAC_CTX_free(crypto->mac);
    EVP_MAC_free(crypto->hmac);
    EVP_MD_CTX_free(crypto->digest);
    EVP_MD_free(crypto->sha256);
    free(crypto);
}

bool leat_flow_sha256(struct leat_flow_crypto *crypto, const void *bytes, uint32_t n,
                      uint8_t digest[LEAT_SHA256_BYTES]) {
    return EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) &&
           EVP_DigestUpdate(crypto->digest, bytes, n) &&
           EVP_DigestFinal_ex(crypto->digest, digest, NULL);
}

bool leat_flow_hmac_sha256(struct leat_flow_crypto *crypto, const uint8_t *key, uint32_t key_bytes,
                           const uint8_t *bytes, uint32_t n, uint8_t mac[LEAT_SHA256_BYTES]) {
    size_t written;
    return EVP_MAC_init(crypto->mac, key, key_bytes, NULL) &&
           EVP_MAC_update(crypto->mac, bytes, n) &&
           EVP_MAC_final(crypto->mac, mac, &written, LEAT_SHA256_BYTES);
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
