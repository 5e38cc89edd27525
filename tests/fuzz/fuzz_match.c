/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF programs of any bytes: the input is instructions of 8 bytes. What is not refused is
 * translated to code that every jump stays within, and that reads and writes no stack but its own.
 */
#include "lib/bpf/match.h"
#include <stdlib.h>
#include <string.h>

#define ROOM  32768
#define STACK (-104)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int holds) {
    if (!holds)
        abort();
}

static void check_instruction(const struct bpf_insn *insn, int left) {
    uint8_t class = BPF_CLASS(insn->code);
    int jumps = (class == BPF_JMP || class == BPF_JMP32) && BPF_OP(insn->code) != BPF_CALL;
    int memory = class == BPF_LDX || class == BPF_ST || class == BPF_STX;
    require(!jumps || (insn->off >= 0 && insn->off <= left));
    require(insn->dst_reg <= BPF_REG_9 || memory);
    if (memory && (class == BPF_LDX ? insn->src_reg : insn->dst_reg) == BPF_REG_10)
        require(insn->off >= STACK && insn->off <= -4);
    require(class != BPF_LD);
}

static void translate(const struct sock_filter *filter, uint32_t count,
                      enum leat_match_context context, bool variable) {
    static struct bpf_insn insns[ROOM];
    int written = leat_match_translate(insns, ROOM, filter, count, context, variable);
    require(written <= ROOM && written != 0);
    for (int i = 0; i < written; i++)
        check_instruction(&insns[i], written - i - 1);
    if (written > 1) /* in less room it is refused, and nothing beyond it is written */
        require(leat_match_translate(insns, (uint32_t)written - 1, filter, count, context,
                                     variable) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    uint32_t count = (uint32_t)(bytes / sizeof(struct sock_filter));
    struct sock_filter *filter = malloc(bytes ? bytes : 1);
    require(filter != NULL);
    if (bytes)
        memcpy(filter, data, bytes);
    for (uint32_t i = 0; i < 4; i++)
        translate(filter, count, i & 1 ? LEAT_MATCH_SKB : LEAT_MATCH_XDP, i & 2);
    free(filter);
    return 0;
}
