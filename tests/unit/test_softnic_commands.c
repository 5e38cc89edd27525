/* SPDX-License-Identifier: BSD-2-Clause */
/* What a device says of itself, its memory mappings, its regions, and its reset. */
#include "softnic_client.h"
#include "softnic_fake.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BAR0   0
#define BAR4   4
#define CONFIG 7
#define PAGE   4096u

static struct client client;

static int set_up(void **state) {
    (void)state;
    client_open_agreed(&client);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    client_close(&client);
    return 0;
}

static void device_info(void **state) {
    (void)state;
    struct protocol_info info = { .argsz = sizeof(info) };
    assert_int_equal(client_do(&client, PROTOCOL_GET_INFO, &info, sizeof(info)), 0);
    assert_int_equal(answer.payload_bytes, sizeof(info));
    memcpy(&info, answer.payload, sizeof(info));
    assert_int_equal(info.argsz, sizeof(info));
    assert_int_equal(info.flags, 3); /* can be reset, is PCI */
    assert_int_equal(info.regions, 9);
    assert_int_equal(info.irqs, 5);
    info.argsz = sizeof(info) - 1;
    assert_int_equal(client_do(&client, PROTOCOL_GET_INFO, &info, sizeof(info)), EINVAL);
}

static uint32_t ask_region(uint32_t index, uint32_t argsz) {
    struct protocol_region_info ask = { .argsz = argsz, .index = index };
    return client_do(&client, PROTOCOL_GET_REGION_INFO, &ask, sizeof(ask));
}

static void region_sizes(void **state) {
    (void)state;
    static const uint64_t bytes[9] = { [BAR0] = 0x80000, [BAR4] = 0x4000, [CONFIG] = 4096 };
    for (uint32_t index = 0; index < 9; index++) {
        assert_int_equal(ask_region(index, 32), 0);
        const struct protocol_region_info *info = (const void *)answer.payload;
        assert_int_equal(answer.payload_bytes, 32);
        assert_int_equal(info->index, index);
        assert_int_equal(info->bytes, bytes[index]);
        assert_int_equal(info->flags & 3, bytes[index] ? 3 : 0);
    }
    assert_int_equal(ask_region(9, 32), EINVAL);
    assert_int_equal(ask_region(0xffffffff, 32), EINVAL);
    assert_int_equal(ask_region(BAR0, 31), EINVAL);
}

/* Asked with too little room it tells how much it needs; then it names the pages, and their file
 * holds each where it lies in the region. */
static void doorbells_can_be_mapped(void **state) {
    (void)state;
    assert_int_equal(ask_region(BAR0, 32), 0);
    const struct protocol_region_info *info = (const void *)answer.payload;
    assert_int_equal(info->flags, 1 | 2 | 8); /* no MMAP flag without a descriptor */
    assert_int_equal(answer.fd_count, 0);
    assert_int_equal(info->cap_offset, 0);
    uint32_t needed = info->argsz;
    assert_int_equal(ask_region(BAR0, needed - 1), 0);
    assert_int_equal(answer.payload_bytes, 32);
    assert_int_equal(ask_region(BAR0, needed), 0);
    assert_int_equal(answer.payload_bytes, needed);
    assert_int_equal(answer.fd_count, 1);
    assert_int_equal(info->flags, 1 | 2 | 4 | 8);
    assert_int_equal(info->cap_offset, 32);
    struct {
        uint16_t id, version;
        uint32_t next, areas, reserved;
        uint64_t area[2][2];
    } sparse;
    assert_int_equal(needed, 32 + sizeof(sparse));
    memcpy(&sparse, answer.payload + 32, sizeof(sparse));
    assert_int_equal(sparse.id, 1);
    assert_int_equal(sparse.version, 1);
    assert_int_equal(sparse.next, 0);
    assert_int_equal(sparse.areas, 2);
    assert_int_equal(sparse.area[0][0], 0x1000);
    assert_int_equal(sparse.area[1][0], 0x6000);
    for (int i = 0; i < 2; i++) {
        struct stat file;
        assert_int_equal(sparse.area[i][1], PAGE);
        assert_int_equal(fstat(answer.fds[0], &file), 0);
        assert_true(info->offset + sparse.area[i][0] + PAGE <= (uint64_t)file.st_size);
    }
}

static void no_doorbells_where_none_are_wanted(void **state) {
    (void)state;
    static const char json[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":0}}";
    client_open(&client);
    assert_int_equal(client_do(&client, PROTOCOL_VERSION, json, sizeof(json)), 0);
    assert_int_equal(ask_region(BAR0, 1024), 0);
    const struct protocol_region_info *info = (const void *)answer.payload;
    assert_int_equal(info->argsz, 32);
    assert_int_equal(info->flags, 3);
    assert_int_equal(answer.fd_count, 0);
    client_close(&client);
}

static void registers(void **state) {
    (void)state;
    const uint32_t two[2] = { 0x11111111, 0x22222222 };
    uint32_t got[2] = { 0 };
    assert_int_equal(client_write(&client, BAR0, 0x5400, 4, two), 0);
    assert_int_equal(fake_nic->registers[0x5400 / 4], two[0]);
    assert_int_equal(client_write(&client, BAR0, 0x10, 8, two), 0);
    assert_int_equal(fake_nic->registers[0x10 / 4], two[0]);
    assert_int_equal(fake_nic->registers[0x14 / 4], two[1]);
    assert_int_equal(client_read(&client, BAR0, 0x10, 8, got), 0);
    assert_memory_equal(got, two, sizeof(two));
    assert_int_equal(fake_nic->writes, 3);
    assert_int_equal(fake_nic->reads, 2);
    assert_int_equal(client_write(&client, BAR0, 0x80000 - 4, 4, two), 0);
}

static void wrong_accesses(void **state) {
    (void)state;
    static uint8_t bytes[PROTOCOL_TRANSFER_MAX];
    static const struct {
        uint32_t region;
        uint64_t offset;
        uint32_t count;
    } wrong[] = {
        { BAR0, 0, 0 },
        { BAR0, 0, 1 },
        { BAR0, 0, 2 },
        { BAR0, 2, 4 },
        { BAR0, 1, 4 },
        { BAR0, 0, 12 },
        { BAR0, 0x80000, 4 },
        { BAR0, 0x7fffc, 8 },
        { BAR0, UINT64_MAX - 3, 4 },
        { BAR0, UINT64_MAX, 8 },
        { BAR4, 0x4000, 4 },
        { BAR4, 2, 4 },
        { BAR4, 0, 16 },
        { CONFIG, 4096, 1 },
        { CONFIG, 4095, 2 },
        { CONFIG, 0, 0 },
        { CONFIG, UINT64_MAX, 1 },
        { 1, 0, 4 },
        { 2, 0, 4 },
        { 6, 0, 4 },
        { 8, 0, 1 },
        { 9, 0, 4 },
        { UINT32_MAX, 0, 4 },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            client_read(&client, wrong[i].region, wrong[i].offset, wrong[i].count, bytes), EINVAL);
        assert_int_equal(
            client_write(&client, wrong[i].region, wrong[i].offset, wrong[i].count, bytes), EINVAL);
    }
    assert_int_equal(fake_nic->reads + fake_nic->writes, 0);
}

/* What the count says is not what the message holds. */
static void wrong_counts(void **state) {
    (void)state;
    struct {
        struct protocol_region_access access;
        uint8_t data[8];
    } write = { { .region = BAR0, .count = 4 }, { 0 } };
    for (uint32_t bytes = 0; bytes <= sizeof(write); bytes++) {
        uint32_t error = client_do(&client, PROTOCOL_REGION_WRITE, &write, bytes);
        assert_int_equal(error, bytes == 20 ? 0 : EINVAL);
        error = client_do(&client, PROTOCOL_REGION_READ, &write, bytes);
        assert_int_equal(error, bytes == 16 ? 0 : EINVAL);
    }
    write.access.count = UINT32_MAX;
    assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE, &write, 24), EINVAL);
    assert_int_equal(client_do(&client, PROTOCOL_REGION_READ, &write, 16), EINVAL);
    write.access.count = PROTOCOL_TRANSFER_MAX + 1;
    assert_int_equal(client_do(&client, PROTOCOL_REGION_READ, &write, 16), EINVAL);
}

static void config_space(void **state) {
    (void)state;
    static uint8_t whole[4096];
    assert_int_equal(client_read(&client, CONFIG, 0, sizeof(whole), whole), 0);
    assert_memory_equal(whole, "\x86\x80\xfb\x10", 4);
    const uint8_t command[2] = { 0x06, 0x04 }, intx_on = 0;
    assert_int_equal(client_write(&client, CONFIG, 4, 2, command), 0);
    assert_true(fake_nic->bus_master);
    assert_int_equal(client_write(&client, CONFIG, 5, 1, &intx_on), 0);
    assert_true(fake_nic->bus_master);
    assert_int_equal(client_read(&client, CONFIG, 3, 3, whole), 0);
    assert_memory_equal(whole, "\x10\x06\x00", 3);
    assert_int_equal(client_write(&client, CONFIG, 4, 1, "\x02"), 0);
    assert_false(fake_nic->bus_master);
}

static void function_level_reset(void **state) {
    (void)state;
    const uint8_t command = 0x06, flr[2] = { 0x10, 0xa8 };
    uint8_t got;
    assert_int_equal(client_write(&client, CONFIG, 4, 1, &command), 0);
    assert_int_equal(client_write(&client, CONFIG, 0xa8, 2, flr), 0);
    assert_int_equal(fake_nic->resets, 1);
    assert_false(fake_nic->bus_master);
    assert_int_equal(client_read(&client, CONFIG, 4, 1, &got), 0);
    assert_int_equal(got, 0);
}

static void msix_table(void **state) {
    (void)state;
    const uint32_t entry[2] = { 0xfee00000, 1 };
    uint32_t got[2];
    assert_int_equal(client_write(&client, BAR4, 63 * 16, 8, entry), 0);
    assert_int_equal(client_read(&client, BAR4, 63 * 16, 8, got), 0);
    assert_memory_equal(got, entry, sizeof(entry));
    assert_int_equal(client_write(&client, BAR4, 64 * 16, 8, entry), 0); /* nothing is there */
    assert_int_equal(client_write(&client, BAR4, 64 * 16 - 4, 8, entry), 0);
    assert_int_equal(client_write(&client, BAR4, 0x2000, 8, entry), 0); /* read-only */
    assert_int_equal(client_read(&client, BAR4, 64 * 16, 8, got), 0);
    assert_int_equal(got[0] | got[1], 0);
    assert_int_equal(client_read(&client, BAR4, 0x2000, 8, got), 0);
    assert_int_equal(got[0] | got[1], 0);
}

static void device_reset(void **state) {
    (void)state;
    assert_int_equal(client_write(&client, CONFIG, 4, 1, "\x06"), 0);
    assert_int_equal(client_write(&client, BAR4, 0, 4, "\x01\x02\x03\x04"), 0);
    assert_int_equal(client_do(&client, PROTOCOL_DEVICE_RESET, NULL, 0), 0);
    assert_int_equal(fake_nic->resets, 1);
    assert_false(fake_nic->bus_master);
    uint32_t got = 1;
    assert_int_equal(client_read(&client, BAR4, 0, 4, &got), 0);
    assert_int_equal(got, 0);
    assert_int_equal(client_do(&client, PROTOCOL_DEVICE_RESET, "x", 1), EINVAL);
}

static void several_writes_at_once(void **state) {
    (void)state;
    struct {
        struct protocol_write_multi head;
        struct protocol_small_write write[4];
    } multi = { { .count = 4 },
                { { .offset = 0x0, .region = BAR0, .count = 4, .data = "aaaa" },
                  { .offset = 0x4, .region = BAR0, .count = 8, .data = "bbbbcccc" },
                  { .offset = 0x4, .region = CONFIG, .count = 1, .data = "\x06" },
                  { .offset = 0xc, .region = BAR0, .count = 4, .data = "dddd" } } };
    assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE_MULTI, &multi, sizeof(multi)), 0);
    assert_int_equal(answer.payload_bytes, 8);
    assert_int_equal(*(uint64_t *)answer.payload, 4);
    assert_memory_equal(fake_nic->registers, "aaaabbbbccccdddd", 16);
    assert_true(fake_nic->bus_master);
    for (uint32_t bytes = 0; bytes < sizeof(multi); bytes++)
        assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE_MULTI, &multi, bytes), EINVAL);
    multi.head.count = UINT64_MAX / 24 + 5;
    assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE_MULTI, &multi, sizeof(multi)),
                     EINVAL);
    multi.head.count = 4;
    multi.write[1] = (struct protocol_small_write){ .offset = 4, .region = CONFIG, .count = 9 };
    assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE_MULTI, &multi, sizeof(multi)), 0);
    assert_int_equal(*(uint64_t *)answer.payload, 1); /* done before */
}

static uint32_t map(uint64_t iova, uint64_t bytes, uint64_t offset, uint32_t flags, int fd) {
    struct protocol_dma_map map = {
        .argsz = sizeof(map), .flags = flags, .offset = offset, .iova = iova, .bytes = bytes
    };
    return client_do_fds(&client, PROTOCOL_DMA_MAP, &map, sizeof(map), &fd, fd >= 0);
}

static uint32_t unmap(uint64_t iova, uint64_t bytes, uint32_t flags) {
    struct protocol_dma_unmap unmap = {
        .argsz = sizeof(unmap), .flags = flags, .iova = iova, .bytes = bytes
    };
    uint32_t error = client_do(&client, PROTOCOL_DMA_UNMAP, &unmap, sizeof(unmap));
    if (!error) {
        assert_int_equal(answer.payload_bytes, sizeof(unmap));
        assert_memory_equal(answer.payload, &unmap, sizeof(unmap));
    }
    return error;
}

static void mappings(void **state) {
    (void)state;
    int fd = memfd_create("memory", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
    assert_int_equal(pwrite(fd, "softnic", 8, PAGE), 8);
    assert_int_equal(map(0x100000, 2 * PAGE, PAGE, 3, fd), 0);
    assert_string_equal(dma_at(fake_nic->dma, 0x100000, 8, true), "softnic");
    assert_int_equal(map(0x100000, PAGE, 0, 3, fd), EEXIST);
    assert_int_equal(map(0x200000, PAGE, 0, 1, fd), 0);
    assert_null(dma_at(fake_nic->dma, 0x200000, 8, true));
    assert_int_equal(map(0x300000, PAGE, 0, 0, fd), EINVAL);
    assert_int_equal(map(0x300000, PAGE, 0, 7, fd), EINVAL);
    assert_int_equal(map(0x300000, 0, 0, 3, fd), EINVAL);
    assert_int_equal(map(0x300000, PAGE, 4 * PAGE, 3, fd), EINVAL);
    assert_int_equal(map(UINT64_MAX, 2 * PAGE, 0, 3, fd), EINVAL);
    assert_int_equal(map(UINT64_MAX, 2 * PAGE, 0, 3, -1), EINVAL);
    assert_int_equal(map(0xfffc0000, 0x40000, 0, 1, -1), 0); /* ROM of a guest: no file */
    assert_null(dma_at(fake_nic->dma, 0xfffc0000, 4, false));
    assert_int_equal(unmap(0xfffc0000, 0x40000, 0), 0);
    assert_int_equal(unmap(0x900000, 0x100000, 0), 0); /* nothing was there */
    assert_int_equal(unmap(0x100000, PAGE, 0), EINVAL);
    assert_int_equal(unmap(0x100000, 2 * PAGE, 8), ENOTSUP);
    assert_int_equal(fake_nic->dma->count, 2);
    assert_int_equal(unmap(0, 1u << 30, 0), 0);
    assert_int_equal(fake_nic->dma->count, 0);
    assert_int_equal(map(0x100000, PAGE, 0, 3, fd), 0);
    assert_int_equal(unmap(0, 0, 2), 0);
    assert_int_equal(fake_nic->dma->count, 0);
    close(fd);
}

static void malformed_mappings(void **state) {
    (void)state;
    struct {
        struct protocol_dma_map map;
        uint8_t more[8];
    } map = { .map = { .argsz = 32, .flags = 3, .iova = 0x1000, .bytes = PAGE } };
    struct protocol_dma_unmap unmap = { .argsz = 24, .iova = 0x1000, .bytes = PAGE };
    int fds[2] = { memfd_create("one", MFD_CLOEXEC), STDIN_FILENO };
    assert_int_equal(ftruncate(fds[0], PAGE), 0);
    for (uint32_t bytes = 0; bytes < sizeof(map); bytes++)
        if (bytes != 32)
            assert_int_equal(client_do_fds(&client, PROTOCOL_DMA_MAP, &map, bytes, fds, 1), EINVAL);
    for (uint32_t bytes = 0; bytes < sizeof(unmap); bytes++)
        assert_int_equal(client_do(&client, PROTOCOL_DMA_UNMAP, &unmap, bytes), EINVAL);
    assert_int_equal(client_do_fds(&client, PROTOCOL_DMA_MAP, &map, 32, fds, 2), EINVAL);
    map.map.argsz = 31;
    assert_int_equal(client_do_fds(&client, PROTOCOL_DMA_MAP, &map, 32, fds, 1), EINVAL);
    unmap.argsz = 23;
    assert_int_equal(client_do(&client, PROTOCOL_DMA_UNMAP, &unmap, 24), EINVAL);
    assert_int_equal(fake_nic->dma->count, 0);
    close(fds[0]);
}

static void truncated_memory_ends_the_connection(void **state) {
    (void)state;
    int fd = memfd_create("memory", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fd, PAGE), 0);
    assert_int_equal(map(0, PAGE, 0, 3, fd), 0);
    volatile uint8_t *memory = dma_at(fake_nic->dma, 0, 1, true);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(*memory, 0); /* the device looks */
    assert_int_equal(client_receive(&client), CLOSED);
    assert_int_equal(fake_nic->dma->count, 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(device_info, set_up, tear_down),
        cmocka_unit_test_setup_teardown(region_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(doorbells_can_be_mapped, set_up, tear_down),
        cmocka_unit_test(no_doorbells_where_none_are_wanted),
        cmocka_unit_test_setup_teardown(registers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_accesses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(config_space, set_up, tear_down),
        cmocka_unit_test_setup_teardown(function_level_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(msix_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(device_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_writes_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mappings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(malformed_mappings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncated_memory_ends_the_connection, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
