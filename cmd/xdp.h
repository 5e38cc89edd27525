/* SPDX-License-Identifier: BSD-2-Clause */
/* The subcommands of `leat xdp`. */
#ifndef CMD_XDP_H
#define CMD_XDP_H

int xdp_serve(int argc, char **argv);
int xdp_clean(int argc, char **argv);

#endif
