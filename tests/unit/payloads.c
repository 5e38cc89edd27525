/* SPDX-License-Identifier: BSD-2-Clause */
/* The payloads of tests/data/payloads.txt. */
#include "payloads.h"
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t kind_named(const char *name) {
    static const char *const names[] = { "none", "tls", "dns", "http", "quic" };
    for (uint8_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return i;
    fail_msg("payloads.txt: %s is no kind", name);
    return 0;
}

static struct payload_part part_of(const char *hex) {
    struct payload_part part = { malloc(strlen(hex) / 2), (uint32_t)strlen(hex) / 2 };
    assert_non_null(part.bytes);
    for (uint32_t i = 0; i < part.n; i++)
        assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &part.bytes[i]), 1);
    return part;
}

static void read_payload(struct payload *p, char *line) {
    char transport[8], kind[8], name[LEAT_FLOW_NAME_MAX], ja4[40];
    uint32_t type, rcode, version;
    int at;
    assert_int_equal(sscanf(line, "%31s %7s %7s %255s %39s %u %u %x %n", p->label, transport, kind,
                            name, ja4, &type, &rcode, &version, &at),
                     8);
    p->protocol = !strcmp(transport, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
    p->found.kind = kind_named(kind);
    p->found.dns_type = (uint16_t)type;
    p->found.dns_rcode = (uint8_t)rcode;
    p->found.quic_version = version;
    if (strcmp(name, "-") != 0)
        strcpy(p->found.name, name);
    if (strcmp(ja4, "-") != 0)
        strcpy(p->found.ja4, ja4);
    for (char *hex = strtok(line + at, ",\n"); hex; hex = strtok(NULL, ",\n")) {
        assert_true(p->part_count < PAYLOAD_PARTS_MAX);
        p->parts[p->part_count++] = part_of(hex);
    }
}

uint32_t payloads_load(struct payload payloads[PAYLOADS_MAX]) {
    FILE *file = fopen(PAYLOADS_TXT, "r");
    char *line = NULL;
    size_t room = 0;
    uint32_t n = 0;

    assert_non_null(file);
    memset(payloads, 0, PAYLOADS_MAX * sizeof *payloads);
    while (getline(&line, &room, file) > 0) {
        if (*line == '#' || *line == '\n')
            continue;
        assert_true(n < PAYLOADS_MAX);
        read_payload(&payloads[n++], line);
    }
    free(line);
    fclose(file);
    assert_true(n > 0);
    return n;
}

void payloads_free(struct payload *payloads, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < payloads[i].part_count; k++)
            free(payloads[i].parts[k].bytes);
}

const struct payload *payloads_get(const struct payload *payloads, uint32_t n, const char *label) {
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(payloads[i].label, label))
            return &payloads[i];
    fail_msg("payloads.txt: there is no %s", label);
    return NULL;
}
