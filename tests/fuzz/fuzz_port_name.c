/* SPDX-License-Identifier: BSD-2-Clause */
/* Port names: what was read, written again with every value in quotes, is read as the same. */
#include "lib/core/driver.h"
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

static char *append_quoted(char *to, const char *text) {
    *to++ = '\'';
    for (; *text; text++) {
        *to++ = *text;
        if (*text == '\'')
            *to++ = '\'';
    }
    *to++ = '\'';
    *to = '\0';
    return to;
}

static void write_again(const struct leat_port *port, const char *scheme, char *to) {
    to = stpcpy(stpcpy(stpcpy(to, scheme), ":"), port->address);
    for (uint32_t i = 0; i < port->option_count; i++) {
        to = stpcpy(stpcpy(stpcpy(to, ","), port->options[i].key), "=");
        to = append_quoted(to, port->options[i].value);
    }
}

static void require_same(const struct leat_port *a, const struct leat_port *b) {
    require(!strcmp(a->address, b->address) && a->option_count == b->option_count);
    for (uint32_t i = 0; i < a->option_count; i++) {
        require(!strcmp(a->options[i].key, b->options[i].key));
        require(!strcmp(a->options[i].value, b->options[i].value));
        require(!strpbrk(a->options[i].key, ",="));
    }
}

static void release(struct leat_port *port) {
    free(port->name);
    free(port->parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char name[NAME_MAX_BYTES], again[3 * NAME_MAX_BYTES];
    struct leat_port port = { 0 }, port_again = { 0 };
    char *scheme, *scheme_again;
    if (bytes >= sizeof(name))
        return 0;
    memcpy(name, data, bytes);
    name[bytes] = '\0';
    if (leat_parse_name(&port, name, &scheme) == 0) {
        require(!strcmp(port.name, name) && !strpbrk(scheme, ":,"));
        require(port.option_count <= LEAT_OPTIONS_MAX && !strchr(port.address, ','));
        write_again(&port, scheme, again);
        require(leat_parse_name(&port_again, again, &scheme_again) == 0);
        require(!strcmp(scheme, scheme_again));
        require_same(&port, &port_again);
        release(&port_again);
    }
    release(&port);
    return 0;
}
