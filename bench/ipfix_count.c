/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A collector that only counts: IPFIX messages (RFC 7011) that arrive on a UDP socket, and the
 * records in them by their templates, which it learns. Until its standard input ends. It shares no
 * code with the exporters that it judges.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES     64 /* a system call */
#define MESSAGE_MAX  65536
#define BUFFER_BYTES (256 << 20)
#define HEADER_BYTES 16
#define TEMPLATES    65536
#define FIELDS_MAX   512
#define VARIABLE     65535
#define TEMPLATE_SET 2
#define OPTIONS_SET  3
#define DATA_SET_MIN 256
#define ENTERPRISE   0x8000

struct template {
    bool options;
    uint16_t fields, length[FIELDS_MAX];
    uint32_t bytes; /* of a record; 0: it has fields of variable length */
};

static struct template *templates[TEMPLATES];
static struct { unsigned long messages, octets, records, options, unknown, broken; } counts;

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* One template record (3.4.1, 3.4.2.2); returns its bytes, 0 if there is none any more. */
static size_t learn(const uint8_t *at, size_t n, bool options) {
    size_t head = options ? 6 : 4, bytes = head;
    if (n < head || get16(at) < DATA_SET_MIN)
        return 0;
    struct template *template = calloc(1, sizeof(*template));
    if (!template)
        return 0;
    template->options = options;
    uint16_t fields = get16(at + 2);
    bool fixed = true;
    for (; template->fields < fields && template->fields < FIELDS_MAX && bytes + 4 <= n;
         template->fields++) {
        uint16_t length = get16(at + bytes + 2);
        template->length[template->fields] = length;
        template->bytes += length;
        fixed &= length != VARIABLE;
        bytes += get16(at + bytes) & ENTERPRISE ? 8 : 4;
    }
    if (template->fields < fields || bytes > n) {
        free(template);
        counts.broken++;
        return 0;
    }
    if (!fixed)
        template->bytes = 0;
    free(templates[get16(at)]);
    templates[get16(at)] = template;
    return bytes;
}

/* Bytes of one record with fields of variable length (7); 0: padding, or cut off. */
static size_t measure(const struct template *template, const uint8_t *at, size_t n) {
    size_t bytes = 0;
    for (uint16_t i = 0; i < template->fields; i++) {
        size_t length = template->length[i];
        if (length == VARIABLE) {
            if (bytes + 3 > n)
                return 0;
            bool longer = at[bytes] == 255;
            length = longer ? get16(at + bytes + 1) : at[bytes];
            bytes += longer ? 3 : 1;
        }
        bytes += length;
        if (bytes > n)
            return 0;
    }
    return bytes;
}

static void count_records(uint16_t set, const uint8_t *at, size_t n) {
    const struct template *template = templates[set];
    if (!template) {
        counts.unknown++;
        return;
    }
    unsigned long found = template->bytes ? n / template->bytes : 0;
    for (size_t bytes; !template->bytes && (bytes = measure(template, at, n)) > 0; found++) {
        at += bytes;
        n -= bytes;
    }
    *(template->options ? &counts.options : &counts.records) += found;
}

static void count_set(uint16_t set, const uint8_t *at, size_t n) {
    if (set >= DATA_SET_MIN)
        count_records(set, at, n);
    for (size_t bytes; (set == TEMPLATE_SET || set == OPTIONS_SET) &&
                       (bytes = learn(at, n, set == OPTIONS_SET)) > 0;) {
        at += bytes;
        n -= bytes;
    }
}

static void count_message(const uint8_t *at, size_t n) {
    counts.messages++;
    counts.octets += n;
    if (n < HEADER_BYTES || get16(at) != 10 || get16(at + 2) != n) {
        counts.broken++;
        return;
    }
    at += HEADER_BYTES;
    n -= HEADER_BYTES;
    while (n >= 4) {
        size_t bytes = get16(at + 2);
        if (bytes < 4 || bytes > n) {
            counts.broken++;
            return;
        }
        count_set(get16(at), at + 4, bytes - 4);
        at += bytes;
        n -= bytes;
    }
}

static void receive(int fd) {
    static uint8_t bytes[MESSAGES][MESSAGE_MAX];
    struct iovec vectors[MESSAGES];
    struct mmsghdr messages[MESSAGES];
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < MESSAGES; i++) {
        vectors[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (int n; (n = recvmmsg(fd, messages, MESSAGES, MSG_DONTWAIT, NULL)) > 0;)
        for (int i = 0; i < n; i++)
            count_message(bytes[i], messages[i].msg_len);
}

static int open_socket(uint16_t port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int size = BUFFER_BYTES, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    printf("ready on port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "Usage: ipfix_count [PORT]\n\nCounts IPFIX messages and records that "
                        "arrive on 127.0.0.1, until standard input ends.\n");
        return 2;
    }
    int fd = open_socket(argc == 2 ? (uint16_t)atoi(argv[1]) : 0);
    if (fd < 0) {
        fprintf(stderr, "ipfix_count: %s\n", strerror(errno));
        return 1;
    }
    struct pollfd ready[2] = { { .fd = fd, .events = POLLIN },
                               { .fd = STDIN_FILENO, .events = POLLIN } };
    while (!ready[1].revents) {
        poll(ready, 2, -1);
        receive(fd);
    }
    receive(fd);
    printf("messages %lu octets %lu records %lu options %lu unknown %lu broken %lu\n",
           counts.messages, counts.octets, counts.records, counts.options, counts.unknown,
           counts.broken);
    return 0;
}
