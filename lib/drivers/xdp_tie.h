/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SO_BINDTODEVICE on an AF_XDP socket: what keeps a program that is handed an unbound socket from
 * binding it to another interface (Documentation/networking/af_xdp.rst). Older kernels take the
 * option and do not mind it. Changing it takes CAP_NET_RAW.
 */
#ifndef LEAT_DRIVERS_XDP_TIE_H
#define LEAT_DRIVERS_XDP_TIE_H

#include <stdint.h>

int xdp_tie(int socket, uint32_t ifindex);

/* Tries it out. 0: a tied socket cannot be bound elsewhere; -ENOTSUP: it can, or it cannot be found
 * out. */
int xdp_tie_probe(void);

#endif
