/* SPDX-License-Identifier: BSD-2-Clause */
/* A journal of any bytes: lines within their bounds, and nothing that another line contains. */
#include "lib/core/journal_private.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    const char *text = (const char *)data;
    struct journal_line line;
    size_t length;
    while ((length = journal_read_line(text, bytes, &line)) > 0) {
        require(length <= bytes && text[length - 1] == '\n');
        require(memchr(text, '\n', length - 1) == NULL);
        require(strlen(line.kind) < sizeof(line.kind));
        require(strlen(line.text) < length && (line.note > 0 || !*line.text));
        text += length;
        bytes -= length;
    }
    require(memchr(text, '\n', bytes) == NULL);
    return 0;
}
