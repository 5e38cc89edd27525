/* SPDX-License-Identifier: BSD-2-Clause */
/* Port names: "scheme:address,key=value,key". */
#include "driver.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int leat_parse_name(struct leat_port *port, const char *name, char **scheme) {
    port->name = strdup(name);
    port->parts = strdup(name);
    if (!port->name || !port->parts)
        return leat_fail(ENOMEM, "%s: no memory", name);
    char *rest = port->parts;
    char *colon = strchr(rest, ':');
    if (!colon)
        return leat_fail(EINVAL, "%s: not a port's name: it has no colon, as in 'tap:%s'", name,
                         name);
    *colon = '\0';
    *scheme = rest;
    rest = colon + 1;
    port->address = strsep(&rest, ",");
    for (char *part; (part = strsep(&rest, ","));) {
        if (port->option_count == LEAT_OPTIONS_MAX)
            return leat_fail(EINVAL, "%s: more than %d options", name, LEAT_OPTIONS_MAX);
        char *key = strsep(&part, "=");
        port->options[port->option_count++] = (struct leat_option){ key, part ? part : "", false };
    }
    return 0;
}

/* The last one of that key counts; all are marked, so that none is refused as unknown. */
static const char *find(struct leat_port *port, const char *key) {
    const char *value = NULL;
    for (uint32_t i = 0; i < port->option_count; i++) {
        struct leat_option *option = &port->options[i];
        if (strcmp(option->key, key) != 0)
            continue;
        option->used = true;
        value = option->value;
    }
    return value;
}

int leat_option_flag(struct leat_port *port, const char *key) {
    const char *value = find(port, key);
    if (value && *value)
        return leat_fail(EINVAL, "%s: option '%s' takes no value", port->name, key);
    return value != NULL;
}

int leat_option_u32(struct leat_port *port, const char *key, uint32_t *value, uint32_t min,
                    uint32_t max) {
    const char *text = find(port, key);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
        return leat_fail(EINVAL, "%s: option '%s' must be a number from %u to %u, not '%s'",
                         port->name, key, min, max, text);
    *value = (uint32_t)number;
    return 1;
}

int leat_option_string(struct leat_port *port, const char *key, const char **value) {
    const char *text = find(port, key);
    if (!text)
        return 0;
    if (!*text)
        return leat_fail(EINVAL, "%s: option '%s' needs a value", port->name, key);
    *value = text;
    return 1;
}

int leat_option_unknown(struct leat_port *port) {
    for (uint32_t i = 0; i < port->option_count; i++)
        if (!port->options[i].used)
            return leat_fail(EINVAL, "%s: no such option here: '%s'", port->name,
                             port->options[i].key);
    return 0;
}
