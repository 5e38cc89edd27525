/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as leat probe's configuration file: it is taken or refused, with a word why, and
 * nothing of it is left behind. */
#include "cmd/command.h"
#include "cmd/probe.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds) {
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static FILE *words; /* what is wrong is told there */
    char path[64], *argv[] = { (char[]){ "probe" }, (char[]){ "--config" }, path, NULL };
    struct probe_config config;
    int exit_code;
    if (!words)
        words = stderr = tmpfile();
    int fd = memfd_create("probe.yaml", MFD_CLOEXEC);
    require(words && fd >= 0 && write(fd, data, bytes) == (ssize_t)bytes);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rewind(words);
    if (probe_config_parse(&config, 3, argv, &exit_code)) {
        require(exit_code == COMMAND_OK);
        require(config.port_count > 0 && config.port_count <= PROBE_PORTS_MAX);
        require(config.to_count <= PROBE_SINKS_MAX);
        probe_config_free(&config);
    } else {
        require(exit_code == COMMAND_USAGE && ftell(words) > 0);
    }
    close(fd);
    return 0;
}
