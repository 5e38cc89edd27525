/* SPDX-License-Identifier: BSD-2-Clause */
/* leat xdp clean: what dead programs left on an interface. */
#include "command.h"
#include "options.h"
#include "xdp.h"
#include <leat/error.h>
#include <leat/xdp.h>

static bool force;

static const struct option_spec specs[] = {
    { "force", 'f', NULL, "take off any XDP program, Leat's or not", OPTION_FLAG, &force },
    { 0 },
};

static const char *const examples[] = {
    "after a program was killed",
    "leat xdp clean eth0",
    NULL,
};

static const struct options options = {
    .command = "xdp clean",
    .operands = "IFACE",
    .about = "Removes what programs that died left on an interface, and puts back the settings\n"
             "that they changed. What living programs of Leat use stays.",
    .specs = specs,
    .examples = examples,
    .operands_min = 1,
    .operands_max = 1,
};

static void tell(void *ctx, const char *what) {
    (void)ctx;
    puts(what);
}

int xdp_clean(int argc, char **argv) {
    int first, exit_code;
    force = false;
    if (!options_parse(&options, argc, argv, &first, &exit_code))
        return exit_code;
    int removed = leat_xdp_clean(argv[first], force, tell, NULL);
    if (removed < 0) {
        fprintf(stderr, "leat: %s\n", leat_error());
        return COMMAND_FAILED;
    }
    if (removed == 0)
        printf("%s: nothing to remove\n", argv[first]);
    return COMMAND_OK;
}
