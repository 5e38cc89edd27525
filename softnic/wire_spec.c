/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the text that describes a wire. */
#include "wire_spec.h"
#include "error.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_option(struct wire_spec *spec, const char *key, const char *value) {
    if (wire_spec_text(spec, key))
        return softnic_fail(EINVAL, "wire '%s': option %s is given twice", spec->whole, key);
    if (spec->count == WIRE_SPEC_OPTIONS)
        return softnic_fail(EINVAL, "wire '%s': more than %d options", spec->whole,
                            WIRE_SPEC_OPTIONS);
    spec->options[spec->count].key = key;
    spec->options[spec->count++].value = value;
    return 0;
}

int wire_spec_parse(struct wire_spec *spec, const char *whole) {
    size_t length = strlen(whole);
    *spec = (struct wire_spec){ .whole = whole };
    if (length >= sizeof spec->text)
        return softnic_fail(EINVAL, "wire '%.32s...': longer than %zu characters", whole,
                            sizeof spec->text - 1);
    memcpy(spec->text, whole, length + 1);

    char *rest = spec->text;
    while (rest) {
        char *key = strsep(&rest, ",");
        char *value = strchr(key, '=');
        if (value)
            *value++ = 0;
        bool first = !spec->kind;
        if (first)
            spec->kind = key;
        else if (!value)
            return softnic_fail(EINVAL, "wire '%s': '%s' is not KEY=VALUE", whole, key);
        int err = value ? add_option(spec, key, value) : 0;
        if (err)
            return err;
    }
    return 0;
}

static bool listed(const char *const *keys, const char *key) {
    for (; *keys; keys++)
        if (!strcmp(*keys, key))
            return true;
    return false;
}

static void append_list(char *text, size_t bytes, const char *const *keys) {
    for (; *keys; keys++) {
        size_t used = strlen(text);
        snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", *keys);
    }
}

int wire_spec_check(const struct wire_spec *spec, const char *const *common,
                    const char *const *keys) {
    for (uint32_t i = 0; i < spec->count; i++) {
        const char *key = spec->options[i].key;
        if (listed(common, key) || listed(keys, key))
            continue;
        char known[256] = "";
        append_list(known, sizeof known, keys);
        append_list(known, sizeof known, common);
        return softnic_fail(EINVAL, "wire '%s': unknown option '%s'; a %s wire takes %s",
                            spec->whole, key, spec->kind, known);
    }
    return 0;
}

const char *wire_spec_text(const struct wire_spec *spec, const char *key) {
    for (uint32_t i = 0; i < spec->count; i++)
        if (!strcmp(spec->options[i].key, key))
            return spec->options[i].value;
    return NULL;
}

static int refuse(const struct wire_spec *spec, const char *key, const char *wanted) {
    return softnic_fail(EINVAL, "wire '%s': %s=%s cannot be; it takes %s", spec->whole, key,
                        wire_spec_text(spec, key), wanted);
}

static uint64_t unit_of(const char *suffix) {
    static const struct {
        const char *suffix;
        uint64_t unit;
    } units[] = { { "", 1 }, { "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 } };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(suffix, units[i].suffix))
            return units[i].unit;
    return 0;
}

int wire_spec_number(const struct wire_spec *spec, const char *key, uint64_t min, uint64_t max,
                     uint64_t *value) {
    const char *text = wire_spec_text(spec, key);
    if (!text)
        return 0;
    char *end = NULL;
    errno = 0;
    uint64_t number = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
    uint64_t unit = end && !errno ? unit_of(end) : 0;
    if (!unit || __builtin_mul_overflow(number, unit, &number) || number < min || number > max) {
        char wanted[96];
        snprintf(wanted, sizeof wanted, "a number from %ju to %ju", (uintmax_t)min, (uintmax_t)max);
        return refuse(spec, key, wanted);
    }
    *value = number;
    return 0;
}

int wire_spec_switch(const struct wire_spec *spec, const char *key, bool *value) {
    const char *text = wire_spec_text(spec, key);
    if (!text)
        return 0;
    bool on = strcmp(text, "on") == 0;
    if (!on && strcmp(text, "off") != 0)
        return refuse(spec, key, "on or off");
    *value = on;
    return 0;
}

int wire_spec_percent(const struct wire_spec *spec, const char *key, double *value) {
    const char *text = wire_spec_text(spec, key);
    if (!text)
        return 0;
    char *end = NULL;
    double percent = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
    if (!end || *end || !(percent >= 0 && percent <= 100))
        return refuse(spec, key, "a percentage from 0 to 100");
    *value = percent;
    return 0;
}

/* Six hexadecimal numbers of one or two digits, with colons between them. */
static bool parse_mac(const char *text, uint8_t mac[6]) {
    for (int i = 0; i < 6; i++) {
        char *end;
        unsigned long byte = isxdigit((unsigned char)*text) ? strtoul(text, &end, 16) : 256;
        if (byte > 255 || *end != (i < 5 ? ':' : 0))
            return false;
        mac[i] = (uint8_t)byte;
        text = end + 1;
    }
    return true;
}

int wire_spec_mac(const struct wire_spec *spec, const char *key, uint8_t mac[6]) {
    const char *text = wire_spec_text(spec, key);
    if (!text || parse_mac(text, mac))
        return 0;
    return refuse(spec, key, "an address like 02:00:00:00:00:01");
}
