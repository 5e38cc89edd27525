/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything a program needs. Link with `pkg-config --libs leat`. */
#ifndef LEAT_LEAT_H
#define LEAT_LEAT_H

#include <leat/checksum.h>
#include <leat/error.h>
#include <leat/packet.h>
#include <leat/parse.h>
#include <leat/pool.h>
#include <leat/port.h>
#include <leat/segment.h>
#include <leat/stats.h>
#include <leat/version.h>
#include <leat/worker.h>

#endif
