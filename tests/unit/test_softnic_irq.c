/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: SET_IRQS in all its forms, what reaches an eventfd, what waits behind a mask. */
#include "softnic_client.h"
#include "softnic_fake.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

enum { INTX, MSI, MSIX, ERR, REQ };
enum { NONE = 1, BOOL = 2, EVENTFD = 4, MASK = 8, UNMASK = 16, TRIGGER = 32 };

static struct client client;
static int events[64];

static int set_up(void **state) {
    (void)state;
    client_open_agreed(&client);
    for (int i = 0; i < 64; i++)
        events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (int i = 0; i < 64; i++)
        close(events[i]);
    client_close(&client);
    return 0;
}

static uint32_t set_with(uint32_t type, uint32_t flags, uint32_t start, uint32_t count,
                         const void *data, uint32_t bytes, const int *fds, uint32_t fd_count) {
    uint8_t payload[sizeof(struct protocol_irq_set) + 64];
    struct protocol_irq_set set = { .argsz = (uint32_t)sizeof(set) + bytes,
                                    .flags = flags,
                                    .index = type,
                                    .start = start,
                                    .count = count };
    memcpy(payload, &set, sizeof(set));
    if (bytes > 0)
        memcpy(payload + sizeof(set), data, bytes);
    return client_do_fds(&client, PROTOCOL_SET_IRQS, payload, set.argsz, fds, fd_count);
}

static uint32_t set(uint32_t type, uint32_t flags, uint32_t start, uint32_t count) {
    return set_with(type, flags, start, count, NULL, 0, NULL, 0);
}

static uint32_t assign(uint32_t type, uint32_t start, uint32_t count) {
    return set_with(type, EVENTFD | TRIGGER, start, count, NULL, 0, events + start, count);
}

static uint64_t signals(int fd) {
    uint64_t count = 0;
    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void raise_msix(uint32_t vector) {
    fake_nic->host.interrupt(fake_nic->host.ctx, vector);
}

static void raise_intx(void) {
    fake_nic->host.legacy_interrupt(fake_nic->host.ctx);
}

static void assign_all_in_chunks(void) {
    for (uint32_t start = 0; start < 64; start += 8)
        assert_int_equal(assign(MSIX, start, 8), 0);
}

static void types(void **state) {
    (void)state;
    static const uint32_t counts[] = { 1, 0, 64, 0, 0 }, flags[] = { 7, 0, 3, 0, 0 };
    for (uint32_t type = 0; type < 5; type++) {
        struct protocol_irq_info info = { .argsz = sizeof(info), .index = type };
        assert_int_equal(client_do(&client, PROTOCOL_GET_IRQ_INFO, &info, sizeof(info)), 0);
        assert_int_equal(answer.payload_bytes, sizeof(info));
        memcpy(&info, answer.payload, sizeof(info));
        assert_int_equal(info.argsz, sizeof(info));
        assert_int_equal(info.index, type);
        assert_int_equal(info.count, counts[type]);
        assert_int_equal(info.flags, flags[type]);
    }
    struct protocol_irq_info wrong = { .argsz = sizeof(wrong), .index = 5 };
    assert_int_equal(client_do(&client, PROTOCOL_GET_IRQ_INFO, &wrong, sizeof(wrong)), EINVAL);
    wrong = (struct protocol_irq_info){ .argsz = sizeof(wrong) - 1 };
    assert_int_equal(client_do(&client, PROTOCOL_GET_IRQ_INFO, &wrong, sizeof(wrong)), EINVAL);
}

static void each_vector_has_its_eventfd(void **state) {
    (void)state;
    assign_all_in_chunks();
    for (uint32_t vector = 0; vector < 64; vector++)
        for (uint32_t times = 0; times <= vector % 3; times++)
            raise_msix(vector);
    raise_msix(64); /* the model must not reach beyond */
    raise_msix(UINT32_MAX);
    for (uint32_t vector = 0; vector < 64; vector++)
        assert_int_equal(signals(events[vector]), vector % 3 + 1);
}

static void unassigned_vectors_are_silent(void **state) {
    (void)state;
    assign_all_in_chunks();
    assert_int_equal(set(MSIX, EVENTFD | TRIGGER, 8, 4), 0); /* no descriptors */
    raise_msix(7);
    raise_msix(8);
    raise_msix(11);
    raise_msix(12);
    assert_int_equal(signals(events[7]) + signals(events[12]), 2);
    assert_int_equal(signals(events[8]) + signals(events[11]), 0);
    assert_int_equal(set(MSIX, NONE | TRIGGER, 0, 0), 0); /* all of them */
    raise_msix(7);
    assert_int_equal(signals(events[7]), 0);
}

static void eventfds_are_closed_when_replaced(void **state) {
    (void)state;
    int before = open_fds();
    assign_all_in_chunks();
    assert_int_equal(open_fds(), before + 64);
    assign_all_in_chunks();
    assert_int_equal(open_fds(), before + 64);
    assert_int_equal(set(MSIX, EVENTFD | TRIGGER, 0, 64), 0);
    assert_int_equal(open_fds(), before);
    assert_int_equal(assign(INTX, 0, 1), 0);
    close(client.fd);
    client.fd = -1;
    client_turn(&client);
    assert_int_equal(open_fds(), before - 2); /* both ends of the connection too */
}

static void client_triggers(void **state) {
    (void)state;
    assign_all_in_chunks();
    assert_int_equal(set(MSIX, NONE | TRIGGER, 3, 2), 0);
    assert_int_equal(set_with(MSIX, BOOL | TRIGGER, 4, 3, "\0\1\377", 3, NULL, 0), 0);
    for (uint32_t vector = 0; vector < 8; vector++)
        assert_int_equal(signals(events[vector]), vector >= 3 && vector <= 6);
}

static uint64_t pending_bits(void) {
    uint64_t bits;
    assert_int_equal(client_read(&client, 4, 0x2000, 8, &bits), 0);
    return bits;
}

static void masked_vectors_wait(void **state) {
    (void)state;
    assign_all_in_chunks();
    assert_int_equal(set(MSIX, NONE | MASK, 60, 4), 0);
    raise_msix(61);
    raise_msix(61);
    raise_msix(63);
    assert_int_equal(pending_bits(), 1ull << 61 | 1ull << 63);
    assert_int_equal(signals(events[61]), 0);
    assert_int_equal(set_with(MSIX, BOOL | UNMASK, 60, 4, "\1\1\1\0", 4, NULL, 0), 0);
    assert_int_equal(signals(events[60]), 0);
    assert_int_equal(signals(events[61]), 1);
    assert_int_equal(signals(events[63]), 0);
    assert_int_equal(pending_bits(), 1ull << 63);
    assert_int_equal(client_do(&client, PROTOCOL_DEVICE_RESET, NULL, 0), 0);
    assert_int_equal(pending_bits(), 0);
    raise_msix(63);
    assert_int_equal(signals(events[63]), 1); /* its eventfd outlived the reset */
}

static uint8_t pci_status(void) {
    uint8_t status;
    assert_int_equal(client_read(&client, 7, 6, 1, &status), 0);
    return status;
}

static void intx_masks_itself(void **state) {
    (void)state;
    assert_int_equal(assign(INTX, 0, 1), 0);
    assert_int_equal(pci_status() & 8, 0);
    raise_intx();
    assert_int_equal(signals(events[0]), 1);
    assert_int_equal(pci_status() & 8, 8);
    raise_intx();
    raise_intx();
    assert_int_equal(signals(events[0]), 0);
    assert_int_equal(set(INTX, NONE | UNMASK, 0, 1), 0);
    assert_int_equal(signals(events[0]), 1);
    assert_int_equal(set(INTX, NONE | UNMASK, 0, 1), 0);
    assert_int_equal(signals(events[0]), 0);
    assert_int_equal(pci_status() & 8, 0);
}

static void intx_disabled_in_the_command_register(void **state) {
    (void)state;
    assert_int_equal(assign(INTX, 0, 1), 0);
    assert_int_equal(client_write(&client, 7, 5, 1, "\x04"), 0);
    raise_intx();
    assert_int_equal(signals(events[0]), 0);
    assert_int_equal(pci_status() & 8, 8);
    assert_int_equal(client_write(&client, 7, 5, 1, "\x00"), 0);
    assert_int_equal(signals(events[0]), 1);
}

static void wrong_requests(void **state) {
    (void)state;
    static const struct {
        uint32_t type, flags, start, count, error;
    } wrong[] = {
        { MSIX, 0, 0, 1, EINVAL },
        { MSIX, NONE, 0, 1, EINVAL },
        { MSIX, TRIGGER, 0, 1, EINVAL },
        { MSIX, NONE | BOOL | TRIGGER, 0, 1, EINVAL },
        { MSIX, NONE | MASK | UNMASK, 0, 1, EINVAL },
        { MSIX, NONE | TRIGGER | 64, 0, 1, EINVAL },
        { MSIX, NONE | TRIGGER, 64, 1, EINVAL },
        { MSIX, NONE | TRIGGER, 0, 65, EINVAL },
        { MSIX, NONE | TRIGGER, 1, 64, EINVAL },
        { MSIX, NONE | TRIGGER, UINT32_MAX, 2, EINVAL },
        { MSIX, NONE | TRIGGER, 1, UINT32_MAX, EINVAL },
        { MSIX, NONE | TRIGGER, 1, 0, EINVAL },
        { MSIX, EVENTFD | TRIGGER, 0, 0, EINVAL },
        { MSIX, BOOL | TRIGGER, 0, 0, EINVAL },
        { MSIX, BOOL | TRIGGER, 0, 1, EINVAL }, /* the boolean is missing */
        { MSIX, EVENTFD | MASK, 0, 1, ENOTSUP },
        { INTX, EVENTFD | UNMASK, 0, 1, ENOTSUP },
        { INTX, NONE | TRIGGER, 0, 2, EINVAL },
        { MSI, NONE | TRIGGER, 0, 1, EINVAL },
        { ERR, EVENTFD | TRIGGER, 0, 1, EINVAL },
        { REQ, EVENTFD | TRIGGER, 0, 1, EINVAL },
        { 5, NONE | TRIGGER, 0, 0, EINVAL },
        { UINT32_MAX, NONE | TRIGGER, 0, 1, EINVAL },
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(set(wrong[i].type, wrong[i].flags, wrong[i].start, wrong[i].count),
                         wrong[i].error);
    assert_int_equal(set(MSI, NONE | TRIGGER, 0, 0), 0); /* as QEMU disables what there is not */
}

static void wrong_descriptors(void **state) {
    (void)state;
    int pipes[2], mixed[2];
    assert_int_equal(pipe(pipes), 0);
    mixed[0] = events[0];
    mixed[1] = pipes[1];
    int before = open_fds();
    assert_int_equal(set_with(MSIX, EVENTFD | TRIGGER, 0, 3, NULL, 0, events, 2), EINVAL);
    assert_int_equal(set_with(MSIX, EVENTFD | TRIGGER, 0, 1, NULL, 0, events, 2), EINVAL);
    assert_int_equal(set_with(MSIX, NONE | TRIGGER, 0, 1, NULL, 0, events, 1), EINVAL);
    assert_int_equal(set_with(MSIX, EVENTFD | TRIGGER, 0, 2, NULL, 0, mixed, 2), EINVAL);
    assert_int_equal(set_with(MSIX, EVENTFD | TRIGGER, 0, 8, NULL, 0, events, 12), EINVAL);
    assert_int_equal(open_fds(), before);
    raise_msix(0);
    assert_int_equal(signals(events[0]), 0);
    assert_int_equal(assign(MSIX, 0, 8), 0); /* and the right ones are taken as ever */
    close(pipes[0]);
    close(pipes[1]);
}

static void wrong_sizes(void **state) {
    (void)state;
    struct protocol_irq_set short_one = {
        .argsz = 19, .flags = NONE | TRIGGER, .index = MSIX, .count = 1
    };
    assert_int_equal(client_do(&client, PROTOCOL_SET_IRQS, &short_one, sizeof(short_one)), EINVAL);
    short_one.argsz = sizeof(short_one);
    for (uint32_t bytes = 0; bytes < sizeof(short_one); bytes++)
        assert_int_equal(client_do(&client, PROTOCOL_SET_IRQS, &short_one, bytes), EINVAL);
    assert_int_equal(client_do(&client, PROTOCOL_SET_IRQS, &short_one, sizeof(short_one)), 0);
}

/* A counter that its client filled up must not stop the device. */
static void full_eventfd_does_not_block(void **state) {
    (void)state;
    const uint64_t most = UINT64_MAX - 1;
    int full = eventfd(0, EFD_CLOEXEC); /* blocking */
    assert_int_equal(write(full, &most, sizeof(most)), sizeof(most));
    assert_int_equal(set_with(MSIX, EVENTFD | TRIGGER, 0, 1, NULL, 0, &full, 1), 0);
    raise_msix(0);
    raise_msix(0);
    assert_int_equal(signals(full), most);
    raise_msix(0);
    assert_int_equal(signals(full), 1);
    close(full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_vector_has_its_eventfd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unassigned_vectors_are_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(eventfds_are_closed_when_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(client_triggers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masked_vectors_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(intx_masks_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(intx_disabled_in_the_command_register, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_requests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_descriptors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_eventfd_does_not_block, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
