/* SPDX-License-Identifier: BSD-2-Clause */
#include "journals.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char journal_directory[] = "/tmp/leat-journal-XXXXXX";

int make_journal_directory(void **state) {
    (void)state;
    return mkdtemp(journal_directory) ? setenv("LEAT_RUN_DIR", journal_directory, 1) : -1;
}

int remove_journal_directory(void **state) {
    (void)state;
    return rmdir(journal_directory);
}

int journals(void (*each)(const char *path)) {
    int count = 0;
    DIR *dir = opendir(journal_directory);
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        if (entry->d_name[0] == '.')
            continue;
        count++;
        snprintf(path, sizeof(path), "%s/%s", journal_directory, entry->d_name);
        if (each)
            each(path);
    }
    closedir(dir);
    return count;
}
