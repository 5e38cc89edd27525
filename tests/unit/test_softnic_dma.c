/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's view of the driver's memory: what is mapped is found, all else is NULL and counted.
 */
#include "softnic/dma.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u

static int file_of(uint32_t pages) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, pages * PAGE), 0);
    for (uint32_t i = 0; i < pages; i++)
        assert_int_equal(pwrite(fd, &i, sizeof(i), i * PAGE), sizeof(i));
    return fd;
}

static uint32_t number_at(struct dma *dma, uint64_t iova) {
    const uint32_t *number = dma_at(dma, iova, sizeof(*number), false);
    assert_non_null(number);
    return *number;
}

static void file_is_seen_at_its_offset(void **state) {
    (void)state;
    struct dma dma;
    dma_init(&dma);
    int fd = file_of(8);
    assert_int_equal(dma_map_file(&dma, 0x100000, 2 * PAGE, fd, 3 * PAGE, true, true), 0);
    assert_int_equal(dma_map_file(&dma, 0x200000, PAGE, fd, 7 * PAGE, true, true), 0);
    close(fd);
    assert_int_equal(number_at(&dma, 0x100000), 3);
    assert_int_equal(number_at(&dma, 0x100000 + PAGE), 4);
    assert_int_equal(number_at(&dma, 0x200000), 7);
    dma_destroy(&dma);
}

static void offset_inside_a_page(void **state) {
    (void)state;
    struct dma dma;
    dma_init(&dma);
    int fd = file_of(3);
    assert_int_equal(dma_map_file(&dma, 0x5000, PAGE + 24, fd, PAGE - 24, true, true), 0);
    close(fd);
    assert_int_equal(number_at(&dma, 0x5000 + 24), 1);
    assert_non_null(dma_at(&dma, 0x5000, PAGE + 24, true));
    assert_null(dma_at(&dma, 0x5000, PAGE + 25, true));
    assert_int_equal(dma_unmap(&dma, 0x5000, PAGE + 24), 0);
    dma_destroy(&dma);
}

static void outside_is_null_and_counted(void **state) {
    (void)state;
    struct dma dma;
    static uint8_t memory[2 * PAGE];
    dma_init(&dma);
    assert_null(dma_at(&dma, 0, 1, false));
    assert_int_equal(dma_map_memory(&dma, 0x10000, sizeof(memory), memory), 0);
    assert_ptr_equal(dma_at(&dma, 0x10000, sizeof(memory), true), memory);
    assert_ptr_equal(dma_at(&dma, 0x10001, sizeof(memory) - 1, false), memory + 1);
    static const struct {
        uint64_t iova, bytes;
    } outside[] = {
        { 0xffff, 1 },
        { 0xffff, 2 },
        { 0x10000, 2 * PAGE + 1 },
        { 0x10000 + 2 * PAGE, 1 },
        { 0x10001, 2 * PAGE },
        { 0x10001, UINT64_MAX },
        { 0x10000, UINT64_MAX },
        { UINT64_MAX, 1 },
        { UINT64_MAX, UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        assert_null(dma_at(&dma, outside[i].iova, outside[i].bytes, false));
    assert_int_equal(dma.faults, 1 + sizeof(outside) / sizeof(outside[0]));
    dma_destroy(&dma);
}

static void no_access_across_neighbours(void **state) {
    (void)state;
    struct dma dma;
    static uint8_t first[PAGE], second[PAGE];
    dma_init(&dma);
    assert_int_equal(dma_map_memory(&dma, PAGE, PAGE, first), 0);
    assert_int_equal(dma_map_memory(&dma, 2 * PAGE, PAGE, second), 0);
    assert_ptr_equal(dma_at(&dma, 2 * PAGE - 1, 1, true), first + PAGE - 1);
    assert_ptr_equal(dma_at(&dma, 2 * PAGE, 1, true), second);
    assert_null(dma_at(&dma, 2 * PAGE - 1, 2, true));
    dma_destroy(&dma);
}

static void access_rights_hold(void **state) {
    (void)state;
    struct dma dma;
    dma_init(&dma);
    int fd = file_of(2);
    assert_int_equal(dma_map_file(&dma, 0, PAGE, fd, 0, true, false), 0);
    assert_int_equal(dma_map_file(&dma, PAGE, PAGE, fd, PAGE, false, true), 0);
    close(fd);
    assert_non_null(dma_at(&dma, 0, 4, false));
    assert_null(dma_at(&dma, 0, 4, true));
    assert_non_null(dma_at(&dma, PAGE, 4, true));
    assert_null(dma_at(&dma, PAGE, 4, false));
    dma_destroy(&dma);
}

static void wrong_mappings_are_refused(void **state) {
    (void)state;
    struct dma dma;
    static uint8_t memory[4 * PAGE];
    dma_init(&dma);
    int fd = file_of(4), pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(dma_map_memory(&dma, 0x10000, 2 * PAGE, memory), 0);
    assert_int_equal(dma_map_memory(&dma, 0x10000, 2 * PAGE, memory), -EEXIST);
    assert_int_equal(dma_map_memory(&dma, 0x10000 - PAGE, PAGE + 1, memory), -EEXIST);
    assert_int_equal(dma_map_memory(&dma, 0x10000 + 2 * PAGE - 1, 1, memory), -EEXIST);
    assert_int_equal(dma_map_memory(&dma, 0, UINT64_MAX, memory), -EEXIST);
    assert_int_equal(dma_map_memory(&dma, 0x20000, 0, memory), -EINVAL);
    assert_int_equal(dma_map_memory(&dma, UINT64_MAX, 2, memory), -EINVAL);
    assert_int_equal(dma_map_memory(&dma, UINT64_MAX - PAGE + 1, PAGE, memory), 0);
    assert_int_equal(dma_map_file(&dma, 0x20000, PAGE, fd, 4 * PAGE, true, true), -EINVAL);
    assert_int_equal(dma_map_file(&dma, 0x20000, 5 * PAGE, fd, 0, true, true), -EINVAL);
    assert_int_equal(dma_map_file(&dma, 0x20000, PAGE, fd, UINT64_MAX - 7, true, true), -EINVAL);
    assert_int_equal(dma_map_file(&dma, 0x20000, PAGE, pipes[0], 0, true, true), -EINVAL);
    assert_int_equal(dma_map_file(&dma, 0x20000, PAGE, -1, 0, true, true), -EINVAL);
    assert_int_equal(dma.count, 2);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
    dma_destroy(&dma);
}

static void unmapping(void **state) {
    (void)state;
    struct dma dma;
    static uint8_t memory[PAGE];
    dma_init(&dma);
    assert_int_equal(dma_unmap_inside(&dma, 0, PAGE), 0);
    dma_unmap_all(&dma);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(dma_map_memory(&dma, i * 2 * PAGE, PAGE, memory), 0);
    assert_int_equal(dma_unmap(&dma, 0, 2 * PAGE), -ENOENT);
    assert_int_equal(dma_unmap(&dma, 1, PAGE), -ENOENT);
    assert_non_null(dma_at(&dma, 0, PAGE, true));
    uint32_t generation = dma.generation;
    assert_int_equal(dma_unmap(&dma, 0, PAGE), 0);
    assert_int_not_equal(dma.generation, generation);
    assert_null(dma_at(&dma, 0, PAGE, true));
    assert_int_equal(dma_unmap_inside(&dma, 0, 2 * PAGE), 0);
    assert_int_equal(dma_unmap_inside(&dma, 0, 5 * PAGE), 2);
    assert_int_equal(dma_unmap_inside(&dma, 6 * PAGE, PAGE - 1), -EINVAL);
    assert_int_equal(dma_unmap_inside(&dma, 6 * PAGE + 1, PAGE), -EINVAL);
    assert_int_equal(dma.count, 5);
    assert_int_equal(dma_unmap_inside(&dma, 0, UINT64_MAX), 5);
    assert_int_equal(dma_unmap_inside(&dma, UINT64_MAX, UINT64_MAX), 0);
    dma_destroy(&dma);
}

/* Against a plain model: 256 pages, each mapped to its own byte or not. */
static void random_maps_match_a_model(void **state) {
    (void)state;
    enum { PAGES = 256 };
    static uint8_t memory[PAGES * PAGE];
    bool mapped[PAGES] = { false };
    struct dma dma;
    const unsigned seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    srand(seed);
    dma_init(&dma);
    for (int step = 0; step < 20000; step++) {
        uint64_t page = (uint64_t)rand() % PAGES, iova = page * PAGE;
        uint8_t *at = memory + iova;
        switch (rand() % 3) {
        case 0:
            assert_int_equal(dma_map_memory(&dma, iova, PAGE, at), mapped[page] ? -EEXIST : 0);
            mapped[page] = true;
            break;
        case 1:
            assert_int_equal(dma_unmap(&dma, iova, PAGE), mapped[page] ? 0 : -ENOENT);
            mapped[page] = false;
            break;
        default:
            assert_ptr_equal(dma_at(&dma, iova, PAGE, true), mapped[page] ? at : NULL);
        }
    }
    dma_destroy(&dma);
}

static void truncated_file_reads_zero_and_is_told(void **state) {
    (void)state;
    struct dma dma, other;
    dma_init(&dma);
    dma_init(&other);
    int fd = file_of(4), sound = file_of(1);
    assert_int_equal(dma_map_file(&dma, 0, 4 * PAGE, fd, 0, true, true), 0);
    assert_int_equal(dma_map_file(&other, 0, PAGE, sound, 0, true, true), 0);
    volatile uint32_t *number = dma_at(&dma, 3 * PAGE, sizeof(*number), true);
    assert_int_equal(*number, 3);
    assert_int_equal(ftruncate(fd, PAGE), 0);
    assert_int_equal(*number, 0);
    *number = 5;
    assert_int_equal(*number, 5);
    assert_true(dma.vanished);
    assert_false(other.vanished);
    assert_int_equal(number_at(&other, 0), 0);
    dma_unmap_all(&dma);
    assert_false(dma.vanished);
    close(fd);
    close(sound);
    dma_destroy(&dma);
    dma_destroy(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_is_seen_at_its_offset),
        cmocka_unit_test(offset_inside_a_page),
        cmocka_unit_test(outside_is_null_and_counted),
        cmocka_unit_test(no_access_across_neighbours),
        cmocka_unit_test(access_rights_hold),
        cmocka_unit_test(wrong_mappings_are_refused),
        cmocka_unit_test(unmapping),
        cmocka_unit_test(random_maps_match_a_model),
        cmocka_unit_test(truncated_file_reads_zero_and_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
