/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors and notices. The library never prints, exits or aborts: a function that fails returns a
 * negative errno, and leaves a sentence that names the object, the operation, the cause and, where
 * there is one, the mend.
 */
#ifndef LEAT_ERROR_H
#define LEAT_ERROR_H

/* The calling thread's last error, as a sentence without a full stop. Never NULL; it stays valid
 * until the same thread's next failing call. Only meaningful right after a call that failed. */
const char *leat_error(void);

enum leat_log_level {
    LEAT_LOG_ERROR,  /* something was lost or misused, e.g. a buffer freed twice (debug builds) */
    LEAT_LOG_NOTICE, /* a fall-back that the caller allowed, e.g. a pool without huge pages */
    LEAT_LOG_DEBUG,
};

/* Told what no return value can tell. Called in whichever thread it happens, also in workers. */
typedef void leat_log_fn(void *ctx, enum leat_log_level level, const char *sentence);

/* Sets the process's log function; NULL, the default, discards. Set it before any worker starts. */
void leat_set_log(leat_log_fn *fn, void *ctx);

#endif
