/* SPDX-License-Identifier: BSD-2-Clause */
/* The problems' names; parsing itself is inline in <leat/parse.h>. */
#include <leat/parse.h>

static const struct {
    const char *name, *meaning;
} problems[] = {
#define PROBLEM(id, name, meaning) [LEAT_PROBLEM_##id] = { name, meaning },
    LEAT_PROBLEMS(PROBLEM)
};

const char *leat_problem_name(enum leat_problem problem) {
    return problem < LEAT_PROBLEM_COUNT ? problems[problem].name : NULL;
}

const char *leat_problem_meaning(enum leat_problem problem) {
    return problem < LEAT_PROBLEM_COUNT ? problems[problem].meaning : NULL;
}
