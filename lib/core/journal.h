/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal: what this process changed on the machine and a dead process cannot put back. A note
 * is written to /run/leat before the change is made and struck out after it is undone. Each process
 * has a file of its own, locked (flock) as long as it lives: a file that nobody holds was left by a
 * process that died, and the next start replays it.
 */
#ifndef LEAT_CORE_JOURNAL_H
#define LEAT_CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

/* Who can undo what kind of note. Each kind is registered by the room that writes it. */
struct leat_journal_kind {
    const char *name; /* one word */
    /* Undoes what `text` says, if it still stands. 0, or a negative errno that keeps the note for a
     * later start; -ENODEV and -ENOENT (nothing there any more) count as undone. */
    int (*undo)(const char *text); /* an error by leat_fail() */
    /* Whether nothing is left of it, seen from any network namespace: then a note goes even if its
     * namespace never comes back. May be NULL. */
    bool (*gone)(const char *text);
};

/* Writes a note, one line of text, and has it on the file when it returns. Returns its number (> 0)
 * or a negative errno by leat_fail(). Any thread. */
int leat_journal_note(const struct leat_journal_kind *kind, const char *text);

/* Strikes the note out, once what it says is undone. */
void leat_journal_strike(int note);

/* Undoes what dead processes left, newest note first, of the kinds given (NULL-terminated list);
 * notes of others' kinds and what could not be undone stay. Notes carry the network namespace they
 * were made in; those of other namespaces stay too,
 * unless they are known to be gone. Returns how many were undone. */
int leat_journal_replay(const struct leat_journal_kind *const *kinds);

#endif
