/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"
#include "lib/core/error.h"
#include "program.h"
#include <errno.h>
#include <stdlib.h>

#define FILTER_NAME "leat_filter"
#define TCX_NEXT    UINT32_MAX /* -1, linux/bpf.h of Linux 6.6: the programs behind it decide */

static int emit_filter(struct code *code, enum leat_match_context context, int programs,
                       const char *expression) {
    emit(code, mov_reg(R6, R1));
    int others = leat_emit_match(code, context, expression);
    if (others < 0)
        return others;
    leat_emit_tail_call(code, programs, LEAT_FILTER_MATCHED);
    land(code, (uint32_t)others);
    leat_emit_tail_call(code, programs, LEAT_FILTER_OTHERS);
    return 0;
}

int leat_filter_load_received(const char *name, int programs, const char *expression, int stages,
                              uint32_t slot) {
    struct code code = leat_code_new(name);
    if (!code.insns)
        return -ENOMEM;
    int result = emit_filter(&code, LEAT_MATCH_XDP, programs, expression);
    if (result == 0) {
        leat_emit_stages(&code, stages, slot + 1);
        result = leat_program_load(name, FILTER_NAME, &code, 0);
    } else {
        leat_fail_in(result, name);
    }
    free(code.insns);
    return result;
}

int leat_filter_load_sent(const char *name, int programs, const char *expression) {
    struct code code = leat_code_new(name);
    if (!code.insns)
        return -ENOMEM;
    int result = emit_filter(&code, LEAT_MATCH_SKB, programs, expression);
    if (result == 0) {
        emit(&code, mov(R0, TCX_NEXT));
        emit(&code, leave());
        result = leat_program_load_skb(name, FILTER_NAME, &code);
    } else {
        leat_fail_in(result, name);
    }
    free(code.insns);
    return result;
}
