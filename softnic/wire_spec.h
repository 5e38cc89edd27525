/* SPDX-License-Identifier: BSD-2-Clause */
/* What a wire is made of, as text: "kind,key=value,...". Also "kind=value" for a wire's main key.
 */
#ifndef SOFTNIC_WIRE_SPEC_H
#define SOFTNIC_WIRE_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_SPEC_BYTES   1024
#define WIRE_SPEC_OPTIONS 24

struct wire_spec {
    const char *whole; /* for error sentences */
    const char *kind;
    struct {
        const char *key, *value;
    } options[WIRE_SPEC_OPTIONS];
    uint32_t count;
    char text[WIRE_SPEC_BYTES];
};

int wire_spec_parse(struct wire_spec *spec, const char *whole);

/* -EINVAL when an option is in neither of the lists of keys, which end in NULL. */
int wire_spec_check(const struct wire_spec *spec, const char *const *common,
                    const char *const *keys);

/* The value, or NULL. */
const char *wire_spec_text(const struct wire_spec *spec, const char *key);

/* These leave *value alone when the option is not there. */
int wire_spec_number(const struct wire_spec *spec, const char *key, uint64_t min, uint64_t max,
                     uint64_t *value); /* decimal, with k, M or G for thousands, millions, ... */
int wire_spec_switch(const struct wire_spec *spec, const char *key, bool *value);
int wire_spec_percent(const struct wire_spec *spec, const char *key, double *value);
int wire_spec_mac(const struct wire_spec *spec, const char *key, uint8_t mac[6]);

#endif
