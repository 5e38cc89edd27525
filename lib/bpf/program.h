/* SPDX-License-Identifier: BSD-2-Clause */
/* The XDP programs themselves, made at run time: stage.h tells what they do together. */
#ifndef LEAT_BPF_PROGRAM_H
#define LEAT_BPF_PROGRAM_H

#include <stdint.h>

/* How programs and maps are called, by which other processes know them. */
#define LEAT_ROOT_NAME    "leat_root"
#define LEAT_STAGE_NAME   "leat_stage"
#define LEAT_STAGES_NAME  "leat_stages"
#define LEAT_SOCKETS_NAME "leat_sockets"

/* Each returns a descriptor or a negative errno by leat_fail(); `name` is the port's. */
int leat_stages_map(const char *name);                   /* of programs, by slot */
int leat_sockets_map(const char *name, uint32_t queues); /* of AF_XDP sockets, by queue */
int leat_root_load(const char *name, int stages);
int leat_stage_load(const char *name, int stages, uint32_t slot, int sockets, const char *match);

#endif
