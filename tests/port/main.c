/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs all cases over one kind of port: port-suite KIND. Without a kind it lists them. A kind that
 * cannot be tested here makes it exit with 77, its last line says why.
 */
#include "cases.h"
#include "rig.h"
#include <stdlib.h>
#include <string.h>

struct named_case {
    CMUnitTestFunction function;
    const char *title;
};

static const struct named_case cases[] = {
#define PORT_CASE_ENTRY(function, title) { function, title },
    PORT_CASES(PORT_CASE_ENTRY)
};

#define CASES (sizeof(cases) / sizeof(*cases))

static struct port_kind *find_kind(const char *name) {
    for (struct port_kind *const *kind = port_kinds; *kind; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}

static int run(struct port_kind *kind) {
    static struct CMUnitTest tests[CASES];
    static char names[CASES][128];
    for (size_t i = 0; i < CASES; i++) {
        snprintf(names[i], sizeof(names[i]), "%s: %s", kind->name, cases[i].title);
        tests[i] =
            (struct CMUnitTest){ names[i], cases[i].function, rig_set_up, rig_tear_down, kind };
    }
    return _cmocka_run_group_tests(kind->name, tests, CASES, NULL, NULL);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        for (struct port_kind *const *kind = port_kinds; *kind; kind++)
            puts((*kind)->name);
        return 0;
    }
    struct port_kind *kind = find_kind(argv[1]);
    if (!kind) {
        fprintf(stderr, "no such kind: %s\n", argv[1]);
        return 1;
    }
    if (kind->probe)
        kind->probe(kind);
    if (kind->unavailable) {
        printf("%s: skipped: %s\n", kind->name, kind->unavailable);
        return 77;
    }
    return run(kind);
}
