/* SPDX-License-Identifier: BSD-2-Clause */
/* A directory of the test's own for journals, in place of the machine's. */
#ifndef TESTS_UNIT_JOURNALS_H
#define TESTS_UNIT_JOURNALS_H

extern char journal_directory[];

/* Of the whole group of tests. What is left there makes the last one fail. */
int make_journal_directory(void **state);
int remove_journal_directory(void **state);

/* Calls `each` (may be NULL) with the path of every journal. Returns how many there are. */
int journals(void (*each)(const char *path));

#endif
