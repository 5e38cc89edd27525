/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classic BPF to eBPF. A is R0, X is R9, the 16 scratch words lie on the stack, and all arithmetic
 * is 32 bits wide. What classic BPF answers with "no match" jumps to the end with R0 = 0: a load
 * beyond the frame and a division by zero.
 *
 *   stack   -104, -88 bytes around the tag   -96 what a helper loads   -80 A, over a call
 *           -64 ... -4 scratch words
 *
 * A load reads the frame directly where it lies in the frame's first buffer, else asks a helper.
 * The slow way stands first: the verifier follows it first, and then knows the fast one as the
 * safer of two states, so that its work grows linearly.
 *
 * Of a struct __sk_buff the outermost tag may lie apart from the frame, which a filter is to see as
 * it will be on the wire:
 *
 *   0 addresses 12   tag   16 ether type, ...     what a load asks for
 *   0 addresses 12         12 ether type, ...     the frame
 *
 * So there are two translations, one of them for frames with such a tag. What overlaps it is taken
 * from two words: the bytes from 8 to 16, and the first ones from 16 on.
 *
 * Every instruction is translated twice: once to learn where each one starts, once to jump there.
 */
#include "match.h"
#include "assembler.h"
#include "lib/core/error.h"
#include "permission.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A      R0
#define X      R9
#define BEHIND (-104)
#define LOADED (-96)
#define BEFORE (-88)
#define SAVED  (-80)

#define TAG     12 /* where it stands */
#define TAG_END 16

#define FRAME_MAX  0xffff /* of any XDP frame, and of bpf_xdp_load_bytes(): for all the same */
#define BUFFER_MAX 4096   /* no first buffer is longer */

struct translation {
    struct code code;
    const struct sock_filter *filter;
    uint32_t count;
    uint32_t *start; /* of each instruction, and of NO_MATCH and END */
    bool *reached;   /* the verifier refuses code that nothing leads to */
    enum leat_match_context context;
    bool tagged;           /* there is a tag beside the frame */
    bool variable;         /* the frame may be read at places that are not fixed */
    uint32_t scratch_used; /* bits of words that are read */
    bool too_far;          /* for a jump's 16 bits */
};

/* Places behind the classic program's last instruction. */
static uint32_t no_match(const struct translation *t) {
    return t->count;
}

static uint32_t end(const struct translation *t) {
    return t->count + 1;
}

static int16_t scratch(uint32_t word) {
    return (int16_t)(-64 + 4 * (int)word);
}

/* A jump to where another classic instruction starts. */
static void emit_to(struct translation *t, struct bpf_insn insn, uint32_t target) {
    int64_t distance = (int64_t)t->start[target] - t->code.count - 1;
    t->too_far |= distance > INT16_MAX;
    insn.off = (int16_t)distance;
    t->reached[target] = true;
    emit(&t->code, insn);
}

static struct bpf_insn narrow(struct bpf_insn insn) {
    insn.code = (uint8_t)((insn.code & ~7) | BPF_JMP32);
    return insn;
}

static uint32_t load_bytes(uint8_t size) {
    return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

static void emit_from_be(struct translation *t, uint8_t size, uint8_t dst) {
    if (size != BPF_B)
        emit(&t->code, from_be(dst, (int32_t)load_bytes(size) * 8));
}

/* if (bpf_..._load_bytes(ctx, R2, loaded, bytes) < 0) goto no_match; A is lost. */
static void emit_load_bytes(struct translation *t, uint8_t size) {
    struct code *code = &t->code;
    emit(code, mov_reg(R1, R6));
    emit(code, mov_reg(R3, R10));
    emit(code, alu(BPF_ADD, R3, LOADED));
    emit(code, mov(R4, load_bytes(size)));
    emit(code,
         call(t->context == LEAT_MATCH_SKB ? BPF_FUNC_skb_load_bytes : BPF_FUNC_xdp_load_bytes));
    emit_to(t, jump_if(BPF_JNE, R0, 0), no_match(t));
}

/* dst = the frame's bytes at a fixed place; A is kept if it is not dst. */
static void emit_load_frame(struct translation *t, uint8_t size, uint8_t dst, uint32_t offset) {
    struct code *code = &t->code;
    uint32_t end_offset = offset + load_bytes(size), direct = 0;
    if (end_offset <= BUFFER_MAX) {
        emit(code, mov_reg(R1, R7));
        emit(code, alu(BPF_ADD, R1, (int32_t)end_offset));
        direct = emit(code, jump_if_reg(BPF_JLE, R1, R8));
    }
    if (dst != A)
        emit(code, store(BPF_DW, R10, SAVED, A));
    emit(code, mov(R2, offset));
    emit_load_bytes(t, size);
    if (dst != A)
        emit(code, load(BPF_DW, A, R10, SAVED));
    emit(code, load(size, dst, R10, LOADED));
    if (end_offset <= BUFFER_MAX) {
        uint32_t loaded = emit(code, jump());
        land(code, direct);
        emit(code, load(size, dst, R7, (int16_t)offset));
        land(code, loaded);
    }
    emit_from_be(t, size, dst);
}

/* The two words, for which a frame has at least the 14 bytes of its header:
 * before = frame[8..12] << 32 | tag; behind = frame[12..15] << 40; */
static void emit_tag(struct translation *t) {
    struct code *code = &t->code;
    emit_load_frame(t, BPF_W, A, 8);
    emit(code, alu(BPF_LSH, A, 32));
    emit(code, load(BPF_W, R1, R6, offsetof(struct __sk_buff, vlan_proto)));
    emit(code, from_be(R1, 16));
    emit(code, alu(BPF_LSH, R1, 16));
    emit(code, alu_reg(BPF_OR, A, R1));
    emit(code, load(BPF_W, R1, R6, offsetof(struct __sk_buff, vlan_tci)));
    emit(code, alu_reg(BPF_OR, A, R1));
    emit(code, store(BPF_DW, R10, BEFORE, A));
    emit_load_frame(t, BPF_H, A, TAG);
    emit(code, alu(BPF_LSH, A, 48));
    emit(code, store(BPF_DW, R10, BEHIND, A));
    emit(code, load(BPF_W, R1, R6, offsetof(struct __sk_buff, len)));
    uint32_t short_frame = emit(code, jump_if(BPF_JLE, R1, 14));
    emit_load_frame(t, BPF_B, A, 14);
    emit(code, alu(BPF_LSH, A, 40));
    emit(code, load(BPF_DW, R1, R10, BEHIND));
    emit(code, alu_reg(BPF_OR, A, R1));
    emit(code, store(BPF_DW, R10, BEHIND, A));
    land(code, short_frame);
}

/* dst = bytes that overlap the tag, at R2, which is from 9 to 15; A is kept if it is not dst.
 * dst = (before << shift | behind >> (64 - shift)) >> (64 - bits) */
static void emit_load_over_tag(struct translation *t, uint8_t size, uint8_t dst) {
    struct code *code = &t->code;
    emit(code, load(BPF_W, R1, R6, offsetof(struct __sk_buff, len)));
    emit(code, alu(BPF_ADD, R1, TAG_END - TAG));
    emit(code, mov_reg(R3, R2));
    emit(code, alu(BPF_ADD, R3, (int32_t)load_bytes(size)));
    emit_to(t, jump_if_reg(BPF_JGT, R3, R1), no_match(t));
    emit(code, alu(BPF_SUB, R2, 8));
    emit(code, alu(BPF_LSH, R2, 3));
    emit(code, mov(R3, 64));
    emit(code, alu_reg(BPF_SUB, R3, R2));
    emit(code, load(BPF_DW, dst, R10, BEFORE));
    emit(code, alu_reg(BPF_LSH, dst, R2));
    emit(code, load(BPF_DW, R1, R10, BEHIND));
    emit(code, alu_reg(BPF_RSH, R1, R3));
    emit(code, alu_reg(BPF_OR, dst, R1));
    emit(code, alu(BPF_RSH, dst, 64 - 8 * (int32_t)load_bytes(size)));
}

/* dst = what a filter sees at a fixed place; A is kept if it is not dst. */
static void emit_load_at(struct translation *t, uint8_t size, uint8_t dst, uint32_t offset) {
    if (!t->tagged || offset + load_bytes(size) <= TAG) {
        emit_load_frame(t, size, dst, offset);
    } else if (offset >= TAG_END) {
        emit_load_frame(t, size, dst, offset - (TAG_END - TAG));
    } else {
        emit(&t->code, mov(R2, offset));
        emit_load_over_tag(t, size, dst);
    }
}

/* Where in the frame R2 is; or loads A from around the tag and jumps, to where it says. */
static uint32_t emit_find(struct translation *t, uint8_t size) {
    struct code *code = &t->code;
    uint32_t behind = emit(code, jump_if(BPF_JGE, R2, TAG_END));
    uint32_t before = emit(code, jump_if(BPF_JLE, R2, TAG - (int32_t)load_bytes(size)));
    emit_load_over_tag(t, size, A);
    uint32_t loaded = emit(code, jump());
    land(code, behind);
    emit(code, alu(BPF_SUB, R2, TAG_END - TAG));
    land(code, before);
    return loaded;
}

/* A = what a filter sees at X + offset, without the sum wrapping around. A helper takes some 30 ns;
 * reading directly at a place that is not fixed takes CAP_PERFMON. */
static void emit_load_indirect(struct translation *t, uint8_t size, uint32_t offset) {
    struct code *code = &t->code;
    uint32_t far = 0, direct = 0, over_tag = 0;
    emit(code, mov(R2, offset));
    emit(code, alu_reg(BPF_ADD, R2, X));
    emit_to(t, jump_if(BPF_JGT, R2, FRAME_MAX), no_match(t));
    if (t->tagged)
        over_tag = emit_find(t, size);
    if (t->variable) {
        far = emit(code, jump_if(BPF_JGT, R2, BUFFER_MAX));
        emit(code, mov_reg(R1, R7));
        emit(code, alu_reg(BPF_ADD, R1, R2));
        emit(code, mov_reg(R3, R1));
        emit(code, alu(BPF_ADD, R3, (int32_t)load_bytes(size)));
        direct = emit(code, jump_if_reg(BPF_JLE, R3, R8));
        land(code, far);
    }
    emit_load_bytes(t, size);
    emit(code, load(size, A, R10, LOADED));
    if (t->variable) {
        uint32_t loaded = emit(code, jump());
        land(code, direct);
        emit(code, load(size, A, R1, 0));
        land(code, loaded);
    }
    emit_from_be(t, size, A);
    if (t->tagged)
        land(code, over_tag);
}

/* dst = the frame's length, of all buffers. */
static void emit_length(struct translation *t, uint8_t dst) {
    struct code *code = &t->code;
    if (t->context == LEAT_MATCH_SKB) {
        emit(code, load(BPF_W, dst, R6, offsetof(struct __sk_buff, len)));
        if (t->tagged)
            emit(code, alu(BPF_ADD, dst, TAG_END - TAG));
        return;
    }
    if (dst != A)
        emit(code, store(BPF_DW, R10, SAVED, A));
    emit(code, mov_reg(R1, R6));
    emit(code, call(BPF_FUNC_xdp_get_buff_len));
    if (dst != A) {
        emit(code, mov_reg(dst, R0));
        emit(code, load(BPF_DW, A, R10, SAVED));
    }
}

/* X = 4 * (byte & 15): the length of an IPv4 header. */
static void emit_header_length(struct translation *t, uint32_t offset) {
    emit_load_at(t, BPF_B, X, offset);
    emit(&t->code, alu32(BPF_AND, X, 15));
    emit(&t->code, alu32(BPF_LSH, X, 2));
}

static void translate_load(struct translation *t, const struct sock_filter *insn, uint8_t dst) {
    uint8_t size = BPF_SIZE(insn->code);
    switch (BPF_MODE(insn->code)) {
    case BPF_IMM:
        emit(&t->code, mov(dst, insn->k));
        break;
    case BPF_LEN:
        emit_length(t, dst);
        break;
    case BPF_MEM:
        emit(&t->code, load(BPF_W, dst, R10, scratch(insn->k)));
        break;
    case BPF_ABS:
        emit_load_at(t, size, dst, insn->k);
        break;
    case BPF_IND:
        emit_load_indirect(t, size, insn->k);
        break;
    default: /* BPF_MSH */
        emit_header_length(t, insn->k);
    }
}

/* Shifting by 32 or more gives 0 here, and eBPF would take the number modulo 32. */
static void emit_shift(struct translation *t, uint8_t operation, bool by_x, uint32_t k) {
    struct code *code = &t->code;
    if (!by_x) {
        emit(code, k < 32 ? alu32(operation, A, k) : mov(A, 0));
        return;
    }
    uint32_t small = emit(code, narrow(jump_if(BPF_JLT, X, 32)));
    emit(code, mov(A, 0));
    uint32_t done = emit(code, jump());
    land(code, small);
    emit(code, alu32_reg(operation, A, X));
    land(code, done);
}

static void translate_alu(struct translation *t, const struct sock_filter *insn) {
    uint8_t operation = BPF_OP(insn->code);
    bool by_x = BPF_SRC(insn->code) == BPF_X;
    if (operation == BPF_LSH || operation == BPF_RSH) {
        emit_shift(t, operation, by_x, insn->k);
        return;
    }
    if (operation == BPF_NEG) {
        emit(&t->code, alu32(BPF_NEG, A, 0));
        return;
    }
    if ((operation == BPF_DIV || operation == BPF_MOD) && by_x)
        emit_to(t, narrow(jump_if(BPF_JEQ, X, 0)), no_match(t));
    emit(&t->code, by_x ? alu32_reg(operation, A, X) : alu32(operation, A, insn->k));
}

/* The branch to the next instruction needs no jump. */
static void translate_jump(struct translation *t, const struct sock_filter *insn, uint32_t next) {
    uint8_t condition = BPF_OP(insn->code);
    if (condition == BPF_JA) {
        emit_to(t, jump(), next + insn->k);
        return;
    }
    uint32_t yes = next + insn->jt, no = next + insn->jf;
    bool invert = insn->jt == 0 && condition != BPF_JSET;
    if (invert)
        condition = condition == BPF_JEQ ? BPF_JNE : condition == BPF_JGT ? BPF_JLE : BPF_JLT;
    struct bpf_insn test = BPF_SRC(insn->code) == BPF_X ? jump_if_reg(condition, A, X)
                                                        : jump_if(condition, A, (int32_t)insn->k);
    t->reached[next] |= invert || insn->jf == 0;
    emit_to(t, narrow(test), invert ? no : yes);
    if (!invert && insn->jf != 0)
        emit_to(t, jump(), no);
}

static void translate_return(struct translation *t, const struct sock_filter *insn) {
    bool constant = BPF_RVAL(insn->code) == BPF_K;
    if (constant && insn->k == 0) {
        emit_to(t, jump(), no_match(t));
        return;
    }
    if (constant)
        emit(&t->code, mov(R0, insn->k));
    emit_to(t, jump(), end(t));
}

/* A load at a fixed place that no frame reaches. */
static bool reads_beyond(const struct sock_filter *insn) {
    uint8_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);
    bool fixed = (class == BPF_LD && mode == BPF_ABS) || (class == BPF_LDX && mode == BPF_MSH);
    return fixed && insn->k > FRAME_MAX;
}

/* Any instruction that leat_match_check() let through. */
static void translate_one(struct translation *t, uint32_t index) {
    const struct sock_filter *insn = &t->filter[index];
    uint8_t class = BPF_CLASS(insn->code);
    if (reads_beyond(insn)) {
        emit_to(t, jump(), no_match(t));
        return;
    }
    if (class != BPF_JMP && class != BPF_RET)
        t->reached[index + 1] = true;
    switch (class) {
    case BPF_LD:
    case BPF_LDX:
        translate_load(t, insn, class == BPF_LD ? A : X);
        break;
    case BPF_ST:
    case BPF_STX:
        emit(&t->code, store(BPF_W, R10, scratch(insn->k), class == BPF_ST ? A : X));
        break;
    case BPF_ALU:
        translate_alu(t, insn);
        break;
    case BPF_JMP:
        translate_jump(t, insn, index + 1);
        break;
    case BPF_RET:
        translate_return(t, insn);
        break;
    default: /* BPF_MISC */
        emit(&t->code, insn->code == (BPF_MISC | BPF_TAX) ? mov_reg(X, A) : mov_reg(A, X));
    }
}

/* if (false) { no_match: A = 0; } end: */
static void emit_end(struct translation *t) {
    t->start[no_match(t)] = t->code.count;
    if (t->reached[no_match(t)])
        emit(&t->code, mov(R0, 0));
    t->start[end(t)] = t->code.count;
}

static void translate_all(struct translation *t) {
    if (t->tagged)
        emit_tag(t);
    emit(&t->code, mov(A, 0));
    emit(&t->code, mov(X, 0));
    for (uint32_t word = 0; word < BPF_MEMWORDS; word++)
        if (t->scratch_used & 1U << word)
            emit(&t->code, store_imm(BPF_W, R10, scratch(word), 0));
    t->reached[0] = true;
    for (uint32_t i = 0; i < t->count; i++) {
        t->start[i] = t->code.count;
        if (t->reached[i])
            translate_one(t, i);
    }
    emit_end(t);
}

static void translate_twice(struct translation *t) {
    uint32_t first = t->code.count;
    memset(t->reached, 0, (t->count + 2) * sizeof(*t->reached));
    translate_all(t);
    t->code.count = first;
    translate_all(t);
}

/* if (skb->vlan_present) one translation; else the other; */
static void translate_skb(struct translation *t) {
    struct code *code = &t->code;
    emit(code, load(BPF_W, R1, R6, offsetof(struct __sk_buff, vlan_present)));
    uint32_t untagged = emit(code, jump_if(BPF_JEQ, R1, 0));
    t->tagged = true;
    translate_twice(t);
    uint32_t done = emit(code, jump());
    land(code, untagged);
    t->tagged = false;
    translate_twice(t);
    land(code, done);
    t->too_far |= code->count > INT16_MAX;
}

static int translate(struct translation *t) {
    int err = leat_match_check(t->filter, t->count, &t->scratch_used);
    if (err < 0)
        return err;
    if (t->context == LEAT_MATCH_SKB)
        translate_skb(t);
    else
        translate_twice(t);
    if (t->too_far || t->code.count > t->code.room)
        return leat_fail(E2BIG, "the filter becomes %u instructions, of which %u is the most",
                         t->code.count, t->code.room < INT16_MAX ? t->code.room : INT16_MAX);
    return (int)t->code.count;
}

int leat_match_translate(struct bpf_insn *insns, uint32_t room, const struct sock_filter *filter,
                         uint32_t count, enum leat_match_context context, bool variable) {
    struct translation t = { .code = { insns, 0, room },
                             .filter = filter,
                             .count = count,
                             .context = context,
                             .variable = variable };
    t.start = calloc((size_t)count + 2, sizeof(*t.start));
    t.reached = calloc((size_t)count + 2, sizeof(*t.reached));
    int result = t.start && t.reached ? translate(&t) : leat_fail(ENOMEM, "no memory");
    free(t.start);
    free(t.reached);
    return result;
}

int leat_match_compile(struct bpf_insn *insns, uint32_t room, enum leat_match_context context,
                       const char *expression) {
    struct sock_filter *filter;
    int count = leat_match_parse(&filter, expression);
    if (count < 0)
        return count;
    int result = leat_match_translate(insns, room, filter, (uint32_t)count, context,
                                      leat_permission_perfmon());
    free(filter);
    if (result < 0) {
        char object[256];
        snprintf(object, sizeof(object), "match='%s'", expression);
        leat_fail_in(result, object);
    }
    return result;
}
