/* SPDX-License-Identifier: BSD-2-Clause */
/* A page of text that takes the place of the one before, on standard error. */
#ifndef CMD_SCREEN_H
#define CMD_SCREEN_H

#include <stddef.h>
#include <stdint.h>

/* What a page can have; 0: there is no terminal, and pages are shown whole, one after another. */
uint32_t screen_rows(void);
uint32_t screen_columns(void);

/* On a terminal from its first line on, cut to its size, in one write, so that nothing flickers. */
void screen_show(const char *page, size_t length);

#endif
