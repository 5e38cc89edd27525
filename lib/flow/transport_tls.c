/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS over TCP and DTLS over UDP (RFC 7011, 11), by OpenSSL. Both sides show certificates: the
 * collector's has to be of the given authority and in the collector's name.
 *
 * With TLS 1.3 this side is done before the collector has looked at its certificate. Messages wait
 * until it says that the session may be resumed, which it does afterwards, or a second has passed
 * without a refusal.
 */
#include "lib/core/error.h"
#include "transport_kind.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define REFUSAL_WAIT_NS 1000000000ull
/* Of a record of DTLS 1.2 with one of the ciphers below: header, nonce, tag (RFC 6347, 4.1; RFC
 * 5288). */
#define DTLS_OVERHEAD 37
#define DTLS_CIPHERS  "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL"

struct leat_tls {
    SSL_CTX *context;
    BIO_METHOD *socket; /* without SIGPIPE */
    SSL *session;
    char name[256]; /* that the collector's certificate has to be in */
    bool datagram, accepted;
    uint64_t shaken_ns; /* when the handshake was done; 0: not yet */
};

/* The innermost cause, in OpenSSL's words. */
static const char *words(void) {
    const unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    return reason ? reason : "unknown error";
}

static int file_failed(const struct leat_transport *transport, const char *what, const char *path) {
    return leat_fail(EINVAL, "%s: cannot use the %s in %s: %s", transport->name, what, path,
                     words());
}

/* Asks nobody: a key with a password is refused. */
static int no_password(char *password, int room, int writing, void *ctx) {
    (void)password;
    (void)room;
    (void)writing;
    (void)ctx;
    return -1;
}

static int on_new_session(SSL *session, SSL_SESSION *ticket) {
    struct leat_tls *tls = SSL_get_app_data(session);
    (void)ticket;
    tls->accepted = true;
    return 0; /* it is not kept */
}

/* send(2) in place of the write(2) of OpenSSL's own socket BIO, which would raise SIGPIPE. */
static int socket_write(BIO *bio, const char *bytes, int n) {
    int fd = -1;
    BIO_get_fd(bio, &fd);
    const ssize_t sent = send(fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    BIO_clear_retry_flags(bio);
    if (sent <= 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static BIO_METHOD *make_socket_method(void) {
    const BIO_METHOD *base = BIO_s_socket();
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (!method)
        return NULL;
    BIO_meth_set_write(method, socket_write);
    BIO_meth_set_read(method, BIO_meth_get_read(base));
    BIO_meth_set_puts(method, BIO_meth_get_puts(base));
    BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(base));
    BIO_meth_set_create(method, BIO_meth_get_create(base));
    BIO_meth_set_destroy(method, BIO_meth_get_destroy(base));
    return method;
}

static int load_files(struct leat_transport *transport, SSL_CTX *context,
                      const struct leat_flow_tls *files) {
    if (files->ca && SSL_CTX_load_verify_file(context, files->ca) != 1)
        return file_failed(transport, "certificates of authorities", files->ca);
    if (!files->ca)
        SSL_CTX_set_default_verify_paths(context);
    if (!files->certificate)
        return 0;
    const char *key = files->key ? files->key : files->certificate;
    if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
        return file_failed(transport, "certificate", files->certificate);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return file_failed(transport, "private key", key);
    return 0;
}

static int open_context(struct leat_transport *transport, const struct leat_flow_tls *files,
                        bool datagram) {
    struct leat_tls *tls = calloc(1, sizeof(*tls));
    transport->tls = tls;
    if (!tls)
        return leat_fail(ENOMEM, "%s: no memory", transport->name);
    tls->datagram = datagram;
    snprintf(tls->name, sizeof(tls->name), "%s", files->name ? files->name : transport->host);
    ERR_clear_error();
    tls->socket = make_socket_method();
    SSL_CTX *context = SSL_CTX_new(datagram ? DTLS_client_method() : TLS_client_method());
    tls->context = context;
    if (!context || !tls->socket)
        return leat_fail(ENOMEM, "%s: cannot set up TLS: %s", transport->name, words());
    SSL_CTX_set_min_proto_version(context, datagram ? DTLS1_2_VERSION : TLS1_2_VERSION);
    if (datagram)
        SSL_CTX_set_cipher_list(context, DTLS_CIPHERS);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    return load_files(transport, context, files);
}

static int open_tls(struct leat_transport *transport, const struct leat_flow_sink_opts *opts) {
    int err = leat_stream_create(&transport->stream);
    return err ? err : open_context(transport, &opts->tls, false);
}

static uint32_t dtls_room(const struct leat_transport *transport) {
    return leat_udp_room(transport) - DTLS_OVERHEAD;
}

static int open_dtls(struct leat_transport *transport, const struct leat_flow_sink_opts *opts) {
    transport->message_max = dtls_room(transport);
    return open_context(transport, &opts->tls, true);
}

static void close_tls(struct leat_transport *transport) {
    struct leat_tls *tls = transport->tls;
    if (transport->stream)
        leat_stream_destroy(transport->stream);
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket);
    free(tls);
}

static BIO *make_bio(struct leat_transport *transport) {
    const struct leat_tls *tls = transport->tls;
    BIO *bio = tls->datagram ? BIO_new_dgram(transport->fd, BIO_NOCLOSE) : BIO_new(tls->socket);
    if (!bio)
        return NULL;
    if (!tls->datagram) {
        BIO_set_fd(bio, transport->fd, BIO_NOCLOSE);
        return bio;
    }
    BIO_ADDR *peer = BIO_ADDR_new();
    const struct sockaddr *address = transport->address->ai_addr;
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    if (peer && address->sa_family == AF_INET6)
        BIO_ADDR_rawmake(peer, AF_INET6, &v6->sin6_addr, sizeof(v6->sin6_addr), v6->sin6_port);
    else if (peer)
        BIO_ADDR_rawmake(peer, AF_INET, &v4->sin_addr, sizeof(v4->sin_addr), v4->sin_port);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, peer);
    BIO_ADDR_free(peer);
    return bio;
}

static int begin(struct leat_transport *transport) {
    struct leat_tls *tls = transport->tls;
    uint8_t address[16];
    const bool numeric =
        inet_pton(AF_INET, tls->name, address) == 1 || inet_pton(AF_INET6, tls->name, address) == 1;
    tls->accepted = false;
    tls->shaken_ns = 0;
    tls->session = SSL_new(tls->context);
    BIO *bio = tls->session ? make_bio(transport) : NULL;
    if (!bio)
        return leat_transport_because(transport, ENOMEM, "no memory for a session");
    SSL_set_bio(tls->session, bio, bio);
    SSL_set_app_data(tls->session, tls);
    if (numeric) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->session), tls->name);
    } else {
        SSL_set1_host(tls->session, tls->name);
        SSL_set_tlsext_host_name(tls->session, tls->name);
    }
    if (tls->datagram) {
        SSL_set_mtu(tls->session, leat_udp_room(transport));
        transport->message_max = dtls_room(transport);
    }
    SSL_set_connect_state(tls->session);
    return 0;
}

/* What a call that returned `result` says: -EAGAIN, 0 when the collector ended the session, or
 * -errno with the reason. */
static int explain(struct leat_transport *transport, int result, int err_number) {
    SSL *session = transport->tls->session;
    const long verified = SSL_get_verify_result(session);
    switch (SSL_get_error(session, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        if (err_number == 0)
            return 0;
        return leat_transport_because(transport, err_number, "%s", strerror(err_number));
    default:
        break;
    }
    if (verified != X509_V_OK)
        return leat_transport_because(
            transport, EACCES, "its certificate is not accepted for '%s': %s", transport->tls->name,
            X509_verify_cert_error_string(verified));
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason >= SSL_AD_REASON_OFFSET)
        return leat_transport_because(transport, EACCES, "it refuses this side's certificate: %s",
                                      words());
    return leat_transport_because(transport, EPROTO, "%s", words());
}

static int finish_handshake(struct leat_transport *transport) {
    struct leat_tls *tls = transport->tls;
    uint8_t bytes[64];
    if (tls->shaken_ns == 0)
        tls->shaken_ns = transport->now_ns;
    if (SSL_version(tls->session) != TLS1_3_VERSION)
        return 0;
    ERR_clear_error();
    errno = 0;
    const int got = SSL_read(tls->session, bytes, sizeof(bytes));
    const int err = got > 0 ? -EAGAIN : explain(transport, got, errno);
    if (err == 0)
        return leat_transport_because(transport, ECONNRESET, "it closed the connection");
    if (err != -EAGAIN)
        return err;
    const bool silent = transport->now_ns - tls->shaken_ns > REFUSAL_WAIT_NS;
    return tls->accepted || silent ? 0 : -EAGAIN;
}

static int handshake(struct leat_transport *transport) {
    struct leat_tls *tls = transport->tls;
    int err = tls->session ? 0 : begin(transport);
    if (err)
        return err;
    if (tls->datagram)
        DTLSv1_handle_timeout(tls->session);
    if (!SSL_is_init_finished(tls->session)) {
        ERR_clear_error();
        errno = 0;
        const int result = SSL_do_handshake(tls->session);
        if (result != 1) {
            err = explain(transport, result, errno);
            return err ? err
                       : leat_transport_because(transport, ECONNRESET,
                                                "it closed the connection in the handshake");
        }
    }
    return finish_handshake(transport);
}

static ssize_t write_tls(struct leat_transport *transport, const uint8_t *bytes, uint32_t n) {
    struct leat_tls *tls = transport->tls;
    BIO *bio = SSL_get_wbio(tls->session);
    const uint64_t before = BIO_number_written(bio);
    ERR_clear_error();
    errno = 0;
    const int sent = SSL_write(tls->session, bytes, (int)n);
    if (transport->stream)
        leat_stream_wrote(transport->stream, (uint32_t)(BIO_number_written(bio) - before));
    if (sent > 0)
        return sent;
    const int err = explain(transport, sent, errno);
    return err ? err : leat_transport_because(transport, ECONNRESET, "it closed the connection");
}

static ssize_t read_tls(struct leat_transport *transport, uint8_t *bytes, uint32_t n) {
    ERR_clear_error();
    errno = 0;
    const int got = SSL_read(transport->tls->session, bytes, (int)n);
    if (got > 0)
        return got;
    const int err = explain(transport, got, errno);
    return err ? err : leat_transport_because(transport, ECONNRESET, "it closed the connection");
}

static void end(struct leat_transport *transport, bool orderly) {
    struct leat_tls *tls = transport->tls;
    if (orderly && tls->session && SSL_is_init_finished(tls->session))
        SSL_shutdown(tls->session); /* says goodbye, and does not wait for an answer */
    SSL_free(tls->session);
    tls->session = NULL;
    ERR_clear_error();
}

const struct leat_transport_ops leat_transport_tls = {
    .socket_type = SOCK_STREAM,
    .open = open_tls,
    .close = close_tls,
    .prepare = leat_tcp_prepare,
    .handshake = handshake,
    .write = write_tls,
    .read = read_tls,
    .queued = leat_tcp_queued,
    .end = end,
};

const struct leat_transport_ops leat_transport_dtls = {
    .socket_type = SOCK_DGRAM,
    .open = open_dtls,
    .close = close_tls,
    .handshake = handshake,
    .write = write_tls,
    .read = read_tls,
    .end = end,
};
