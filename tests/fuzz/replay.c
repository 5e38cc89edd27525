/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer: over each file of a corpus directory, over its truncations,
 * and over mutations of it from a seed that it prints (LEAT_SEED=n repeats a run). Without a corpus
 * the mutations are of an empty input.
 */
#include "tests/unit/random.h"
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MAX   65536
#define TRUNCATIONS 256
#define MUTATIONS   500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t random_state;

static uint32_t random_below(uint32_t limit) {
    return (uint32_t)((random_next(&random_state) >> 32) % limit);
}

/* A copy of exactly that size, so that the address sanitizer sees a read beyond its end. */
static void run(const uint8_t *data, size_t bytes) {
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        abort();
    if (bytes)
        memcpy(copy, data, bytes);
    LLVMFuzzerTestOneInput(copy, bytes);
    free(copy);
}

/* Flips, overwrites, removes or inserts at a few places. Returns the new size. */
static size_t mutate(uint8_t *data, size_t bytes) {
    static const uint8_t telling[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

    for (uint32_t edits = 1 + random_below(8); edits > 0; edits--) {
        size_t at = bytes ? random_below((uint32_t)bytes) : 0;
        switch (random_below(4)) {
        case 0:
            if (bytes)
                data[at] ^= (uint8_t)(1 << random_below(8));
            break;
        case 1:
            if (bytes)
                data[at] = telling[random_below(sizeof(telling))];
            break;
        case 2:
            if (bytes) {
                memmove(data + at, data + at + 1, bytes - at - 1);
                bytes--;
            }
            break;
        default:
            if (bytes < INPUT_MAX) {
                memmove(data + at + 1, data + at, bytes - at);
                data[at] = (uint8_t)random_below(256);
                bytes++;
            }
        }
    }
    return bytes;
}

static void run_around(const uint8_t *data, size_t bytes) {
    static uint8_t mutant[INPUT_MAX];

    run(data, bytes);
    for (size_t cut = 0; cut < bytes && cut < TRUNCATIONS; cut++)
        run(data, cut);
    for (uint32_t i = 0; i < MUTATIONS; i++) {
        if (bytes)
            memcpy(mutant, data, bytes);
        run(mutant, mutate(mutant, bytes));
    }
}

static int run_corpus(const char *directory) {
    static uint8_t data[INPUT_MAX];
    DIR *dir = opendir(directory);
    if (!dir)
        return errno == ENOENT ? 0 : -errno;

    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        FILE *file = entry->d_type == DT_DIR ? NULL : fopen(path, "rb");
        if (!file)
            continue;
        run_around(data, fread(data, 1, sizeof(data), file));
        fclose(file);
        files++;
    }
    closedir(dir);
    return files;
}

int main(int argc, char **argv) {
    const char *seed = getenv("LEAT_SEED");
    random_state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    if (!random_state)
        random_state = 1;
    printf("seed: LEAT_SEED=%llu\n", (unsigned long long)random_state);
    fflush(stdout);

    int files = argc > 1 ? run_corpus(argv[1]) : 0;
    if (files < 0) {
        fprintf(stderr, "%s: %s\n", argv[1], strerror(-files));
        return 1;
    }
    run_around(NULL, 0);
    printf("%d inputs, %d mutations of each\n", files + 1, MUTATIONS);
    return 0;
}
