/* SPDX-License-Identifier: BSD-2-Clause */
/* The XDP programs themselves, made at run time: stage.h tells what they do together. */
#ifndef LEAT_BPF_PROGRAM_H
#define LEAT_BPF_PROGRAM_H

#include "assembler.h"

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

/* if (!match(ctx)) goto unwanted; returns the jump, which is to land there. */
int leat_emit_match(struct code *code, const char *match);

/* if (bpf_redirect_map(sockets, ctx->rx_queue_index, XDP_PASS) == XDP_REDIRECT)
 *     return XDP_REDIRECT;      // XDP_PASS: the queue has no socket */
void leat_emit_redirect(struct code *code, int sockets);

#endif
