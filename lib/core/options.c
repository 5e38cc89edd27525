/* SPDX-License-Identifier: BSD-2-Clause */
/* Port names: "scheme:address,key=value,key", as port.h tells. */
#include "driver.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Takes the quotes off a value, in place. Returns what follows the closing one; NULL: it lacks. */
static char *unquote(char *value) {
    const char quote = *value;
    char *to = value;
    for (char *from = value + 1; *from; *to++ = *from++) {
        if (*from != quote || *++from == quote)
            continue;
        *to = '\0';
        return from;
    }
    return NULL;
}

/* Cuts the first option off `*rest`, which becomes NULL after the last one. */
static int cut_option(struct leat_port *port, char **rest) {
    if (port->option_count == LEAT_OPTIONS_MAX)
        return leat_fail(EINVAL, "%s: more than %d options", port->name, LEAT_OPTIONS_MAX);
    struct leat_option *option = &port->options[port->option_count++];
    char *end = *rest + strcspn(*rest, ",=");
    *option = (struct leat_option){ *rest, "", false };
    if (*end == '=') {
        *end++ = '\0';
        option->value = end;
        end = *end == '\'' || *end == '"' ? unquote(end) : end + strcspn(end, ",");
        if (!end || (*end && *end != ','))
            return leat_fail(EINVAL,
                             "%s: the value of option '%s' %s; a quote inside quotes is "
                             "written twice",
                             port->name, option->key,
                             end ? "goes on after its closing quote" : "has no closing quote");
    }
    *rest = *end ? end + 1 : NULL;
    *end = '\0';
    return 0;
}

/* The length of the scheme before its colon; 0 where there is none, as in eth0, or in a path that
 * has a colon. */
static size_t scheme_length(const char *name) {
    size_t length = strcspn(name, ":,/");
    return name[length] == ':' ? length : 0;
}

static bool has_capture_suffix(const char *name, size_t length) {
    static const char *const suffixes[] = { ".pcap", ".pcapng", ".cap" };
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t bytes = strlen(suffixes[i]);
        if (length > bytes && memcmp(name + length - bytes, suffixes[i], bytes) == 0)
            return true;
    }
    return false;
}

bool leat_port_is_capture(const char *name) {
    size_t length = strcspn(name, ","), scheme = scheme_length(name);
    if (scheme)
        return scheme == 4 && memcmp(name, "pcap", 4) == 0;
    return memchr(name, '/', length) || has_capture_suffix(name, length);
}

int leat_parse_name(struct leat_port *port, const char *name, char **scheme) {
    port->name = strdup(name);
    port->parts = strdup(name);
    if (!port->name || !port->parts)
        return leat_fail(ENOMEM, "%s: no memory", name);
    static char of_interfaces[] = "xdp", of_captures[] = "pcap";
    char *rest = port->parts;
    size_t length = scheme_length(name);
    int err = 0;
    if (length) {
        *scheme = strsep(&rest, ":");
    } else if (*name && *name != ',' && *name != ':') {
        *scheme = leat_port_is_capture(name) ? of_captures : of_interfaces;
    } else {
        return leat_fail(EINVAL,
                         "'%s': not a port's name, which is KIND:ADDRESS, an interface's, "
                         "or a capture's",
                         name);
    }
    port->address = strsep(&rest, ",");
    while (rest && err == 0)
        err = cut_option(port, &rest);
    return err;
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

/* The place of a word among words separated by '|', or -1. */
static int find_word(const char *words, const char *word, size_t length) {
    for (int i = 0;; i++) {
        size_t bytes = strcspn(words, "|");
        if (bytes == length && memcmp(words, word, length) == 0)
            return i;
        if (!words[bytes])
            return -1;
        words += bytes + 1;
    }
}

int leat_option_choice(struct leat_port *port, const char *key, const char *choices, int *choice) {
    const char *value = "";
    int given = leat_option_string(port, key, &value);
    if (given <= 0)
        return given;
    *choice = find_word(choices, value, strlen(value));
    if (*choice < 0)
        return leat_fail(EINVAL, "%s: option '%s' is one of %s, not '%s'", port->name, key, choices,
                         value);
    return 1;
}

int leat_option_set(struct leat_port *port, const char *key, const char *choices, uint32_t *set) {
    const char *value = "";
    int given = leat_option_string(port, key, &value);
    if (given <= 0)
        return given;
    for (const char *word = value;; word++) {
        size_t length = strcspn(word, "+");
        int bit = find_word(choices, word, length);
        if (bit < 0)
            return leat_fail(EINVAL, "%s: option '%s' is some of %s joined by '+', not '%s'",
                             port->name, key, choices, value);
        *set |= 1u << bit;
        word += length;
        if (!*word)
            return 1;
    }
}

int leat_option_unknown(struct leat_port *port) {
    for (uint32_t i = 0; i < port->option_count; i++)
        if (!port->options[i].used)
            return leat_fail(EINVAL, "%s: no such option here: '%s'", port->name,
                             port->options[i].key);
    return 0;
}
