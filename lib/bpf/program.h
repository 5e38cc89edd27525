/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs themselves, made at run time: stage.h and filter.h tell what they do together. */
#ifndef LEAT_BPF_PROGRAM_H
#define LEAT_BPF_PROGRAM_H

#include "assembler.h"
#include "match.h"

/* How programs and maps are called, by which other processes know them. */
#define LEAT_ROOT_NAME    "leat_root"
#define LEAT_STAGE_NAME   "leat_stage"
#define LEAT_ALONE_NAME   "leat_alone" /* a stage without root */
#define LEAT_STAGES_NAME  "leat_stages"
#define LEAT_SOCKETS_NAME "leat_sockets"

#define LEAT_PROGRAM_TERMS "Dual BSD/GPL"

/* Each returns a descriptor or a negative errno by leat_fail(); `name` is the port's. */
int leat_stages_map(const char *name);                   /* of programs, by slot */
int leat_sockets_map(const char *name, uint32_t queues); /* of AF_XDP sockets, by queue */
int leat_root_load(const char *name, int stages);
int leat_stage_load(const char *name, int stages, uint32_t slot, int sockets, const char *match);
int leat_alone_load(const char *name, uint32_t ifindex, uint32_t metadata, int sockets,
                    const char *match);

/* if (match(ctx)) redirect to the queue's socket; return XDP_PASS; */
int leat_component_emit(struct code *code, int sockets, const char *match);

/* What the programs have in common. Code has room for a program of any length; no `insns`: no
 * memory, by leat_fail(). */
struct code leat_code_new(const char *name);

/* Loads a program; if `device` is not 0, one that is bound to that interface. */
int leat_program_load(const char *name, const char *program, const struct code *code,
                      uint32_t device);
/* One for what is sent (BPF_PROG_TYPE_SCHED_CLS). */
int leat_program_load_skb(const char *name, const char *program, const struct code *code);

/* if (!match(ctx)) goto unwanted; returns the jump, which is to land there. R6 is the context. */
int leat_emit_match(struct code *code, enum leat_match_context context, const char *match);

/* bpf_tail_call(ctx, programs, index); returns only if there is none. */
void leat_emit_tail_call(struct code *code, int programs, uint32_t index);

/* for (; slot < LEAT_STAGES_MAX; slot++)
 *     bpf_tail_call(ctx, stages, slot);    // returns only if the slot is empty
 * return XDP_PASS; */
void leat_emit_stages(struct code *code, int stages, uint32_t slot);

/* if (bpf_redirect_map(sockets, ctx->rx_queue_index, XDP_PASS) == XDP_REDIRECT)
 *     return XDP_REDIRECT;      // XDP_PASS: the queue has no socket */
void leat_emit_redirect(struct code *code, int sockets);

#endif
