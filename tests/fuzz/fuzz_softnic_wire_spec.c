/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever describes a wire, parsing it ends in values within their bounds or in a sentence. */
#include "softnic/softnic.h"
#include "softnic/wire_spec.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

static void read_values(const struct wire_spec *spec) {
    static const char *const keys[] = { "a", "b", "loss", NULL }, *const none[] = { NULL };
    uint64_t number = 7;
    double percent = 0;
    uint8_t mac[6];
    bool on;
    int err = wire_spec_number(spec, "a", 5, 9000, &number);
    require(number >= 5 && number <= 9000 && (!err || number == 7));
    wire_spec_percent(spec, "loss", &percent);
    require(percent >= 0 && percent <= 100);
    wire_spec_mac(spec, "b", mac);
    wire_spec_switch(spec, "b", &on);
    if (wire_spec_check(spec, keys, none))
        require(*softnic_error());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    char text[2 * WIRE_SPEC_BYTES];
    struct wire_spec spec;
    if (bytes >= sizeof(text))
        return 0;
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    if (wire_spec_parse(&spec, text))
        require(*softnic_error());
    else
        read_values(&spec);
    return 0;
}
