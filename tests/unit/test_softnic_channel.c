/* SPDX-License-Identifier: BSD-2-Clause */
/* The message layer: whole messages out of any pieces, wrong sizes, descriptors, a full socket. */
#include "softnic_client.h"
#include "softnic_fake.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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

static uint32_t compose_write(uint8_t *message, uint32_t flags, uint32_t offset, uint32_t value) {
    struct protocol_header header = { .id = 7, .command = PROTOCOL_REGION_WRITE, .flags = flags };
    struct protocol_region_access access = { .offset = offset, .count = sizeof(value) };
    header.size = sizeof(header) + sizeof(access) + sizeof(value);
    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), &access, sizeof(access));
    memcpy(message + sizeof(header) + sizeof(access), &value, sizeof(value));
    return header.size;
}

static void byte_by_byte(void **state) {
    (void)state;
    uint8_t message[64];
    uint32_t bytes = compose_write(message, 0, 0x40, 0x12345678);
    for (uint32_t i = 0; i < bytes - 1; i++) {
        client_send(client.fd, message + i, 1, NULL, 0);
        client_turn(&client);
        assert_int_equal(fake_nic->writes, 0);
    }
    client_send(client.fd, message + bytes - 1, 1, NULL, 0);
    assert_int_equal(client_receive(&client), REPLIED);
    assert_int_equal(answer.header.flags, PROTOCOL_REPLY);
    assert_int_equal(fake_nic->registers[0x40 / 4], 0x12345678);
}

static void many_in_one_piece(void **state) {
    (void)state;
    enum { COUNT = 100 };
    static uint8_t messages[COUNT * 64];
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < COUNT; i++)
        bytes += compose_write(messages + bytes, 0, 4 * i, i + 1);
    client_send(client.fd, messages, bytes, NULL, 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(client_receive(&client), REPLIED);
        assert_int_equal(answer.header.flags, PROTOCOL_REPLY);
    }
    assert_int_equal(fake_nic->writes, COUNT);
    assert_int_equal(fake_nic->registers[COUNT - 1], COUNT);
}

static void no_reply_is_silence(void **state) {
    (void)state;
    uint8_t message[64];
    uint32_t bytes = compose_write(message, PROTOCOL_NO_REPLY, 0x40, 5);
    client_send(client.fd, message, bytes, NULL, 0);
    assert_int_equal(client_receive(&client), SILENT);
    assert_int_equal(fake_nic->registers[0x40 / 4], 5);
    bytes =
        compose_write(message, PROTOCOL_NO_REPLY, 0x41, 5); /* wrong, and no word of it either */
    client_send(client.fd, message, bytes, NULL, 0);
    assert_int_equal(client_receive(&client), SILENT);
    assert_true(softnic_connected(client.softnic, 0));
}

static void expect_disconnect(const struct protocol_header *header) {
    client_open_agreed(&client);
    client_send(client.fd, header, sizeof(*header), NULL, 0);
    assert_int_equal(client_receive(&client), CLOSED);
    assert_false(softnic_connected(client.softnic, 0));
    client_close(&client);
}

static void sizes_that_are_no_protocol(void **state) {
    (void)state;
    static const uint32_t sizes[] = { 0, 1, 15, PROTOCOL_MESSAGE_MAX + 1, 0x7fffffff, 0xffffffff };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        expect_disconnect(
            &(struct protocol_header){ .command = PROTOCOL_DEVICE_RESET, .size = sizes[i] });
}

static void replies_that_nobody_asked_for(void **state) {
    (void)state;
    for (uint32_t type = 1; type <= PROTOCOL_TYPE; type++)
        expect_disconnect(&(struct protocol_header){ .command = PROTOCOL_DEVICE_RESET,
                                                     .size = sizeof(struct protocol_header),
                                                     .flags = type });
}

static void largest_message(void **state) {
    (void)state;
    static uint8_t payload[PROTOCOL_REPLY_MAX];
    assert_int_equal(client_do(&client, PROTOCOL_REGION_WRITE, payload, sizeof(payload)), EINVAL);
    assert_int_equal(client_do(&client, PROTOCOL_DEVICE_RESET, NULL, 0), 0);
}

static void unknown_commands_and_flags(void **state) {
    (void)state;
    static const uint16_t unknown[] = { 0, 1, 11, 12, 14, 19, 100, 0xffff };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(client_do(&client, unknown[i], NULL, 0), EINVAL);
    static const uint16_t optional[] = { PROTOCOL_GET_REGION_IO_FDS, PROTOCOL_DEVICE_FEATURE,
                                         PROTOCOL_MIG_DATA_READ, PROTOCOL_MIG_DATA_WRITE };
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        assert_int_equal(client_do(&client, optional[i], "0123456789abcdef", 16), ENOTSUP);
    struct protocol_header header = { .command = PROTOCOL_DEVICE_RESET, .size = sizeof(header) };
    for (uint32_t bit = 5; bit < 32; bit++) {
        header.flags = 1u << bit;
        client_send(client.fd, &header, sizeof(header), NULL, 0);
        assert_int_equal(client_receive(&client), REPLIED);
        assert_int_equal(answer.header.error, EINVAL);
    }
    assert_int_equal(fake_nic->resets, 0);
}

/* Each command, with 0 to 20 descriptors: too many are an error, none ever stays open. */
static void descriptors_do_not_leak(void **state) {
    (void)state;
    static uint8_t payload[64];
    int fds[20];
    for (size_t i = 0; i < 20; i++)
        fds[i] = eventfd(0, EFD_CLOEXEC);
    int before = open_fds();
    for (uint16_t command = 0; command < 20; command++) {
        for (uint32_t count = 0; count <= 20; count++) {
            uint32_t error = client_do_fds(&client, command, payload, sizeof(payload), fds, count);
            if (count > PROTOCOL_FDS_MAX || (count > 0 && command == PROTOCOL_GET_INFO))
                assert_int_equal(error, EINVAL);
        }
    }
    while (client_receive(&client) == REPLIED)
        ;
    assert_int_equal(open_fds(), before);
    for (size_t i = 0; i < 20; i++)
        close(fds[i]);
}

/* Descriptors with each byte of one message add up. */
static void descriptors_in_pieces(void **state) {
    (void)state;
    uint8_t message[64] = { 0 };
    struct protocol_header header = { .command = PROTOCOL_SET_IRQS,
                                      .size = sizeof(header) + sizeof(struct protocol_irq_set) };
    struct protocol_irq_set set = { .argsz = sizeof(set), .flags = 4 | 32, .index = 2, .count = 2 };
    memcpy(message, &header, sizeof(header));
    memcpy(message + sizeof(header), &set, sizeof(set));
    int before = open_fds(), fd = eventfd(0, EFD_CLOEXEC);
    client_send(client.fd, message, 3, &fd, 1);
    client_send(client.fd, message + 3, 20, &fd, 1);
    client_send(client.fd, message + 23, header.size - 23, NULL, 0);
    assert_int_equal(client_receive(&client), REPLIED);
    assert_int_equal(answer.header.error, 0);
    assert_int_equal(open_fds(), before + 3);
    for (uint32_t i = 0; i < header.size; i++)
        client_send(client.fd, message + i, 1, &fd, 1);
    assert_int_equal(client_receive(&client), REPLIED);
    assert_int_equal(answer.header.error, EINVAL);
    assert_int_equal(open_fds(), before + 3);
    close(fd);
}

/* The client goes away after each byte of a message with descriptors. */
static void gone_in_mid_message(void **state) {
    (void)state;
    uint8_t message[64];
    uint32_t bytes = compose_write(message, 0, 0x40, 5);
    int before = open_fds(), fd = eventfd(0, EFD_CLOEXEC);
    for (uint32_t cut = 0; cut <= bytes; cut++) {
        client_open_agreed(&client);
        if (cut > 0)
            client_send(client.fd, message, cut, &fd, 1);
        if (cut % 2)
            client_turn(&client); /* what came was read before the end was seen, or with it */
        close(client.fd);
        client.fd = -1;
        client_turn(&client);
        assert_false(softnic_connected(client.softnic, 0));
        assert_int_equal(fake_nic->resets, 1);
        client_close(&client);
    }
    close(fd);
    assert_int_equal(open_fds(), before);
}

/* A client that asks and never reads fills its socket, and is left alone until it reads. */
static void replies_wait_for_room(void **state) {
    (void)state;
    struct {
        struct protocol_header header;
        struct protocol_region_access access;
    } ask = { { .command = PROTOCOL_REGION_READ, .size = sizeof(ask) }, { .region = 7 } };
    ask.access.count = PROTOCOL_TRANSFER_MAX;
    uint32_t asked = 0, answered = 0;
    int small = 1;
    assert_int_equal(setsockopt(client.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    for (int quiet = 0; quiet < 3; quiet++) {
        ask.header.id = (uint16_t)asked;
        while (send(client.fd, &ask, sizeof(ask), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(ask)) {
            ask.header.id = (uint16_t)++asked;
            quiet = 0;
        }
        client_turn(&client);
    }
    assert_true(softnic_connected(client.softnic, 0));
    while (answered < asked) {
        assert_int_equal(recv(client.fd, &answer.header, sizeof(answer.header), MSG_WAITALL),
                         sizeof(answer.header));
        assert_int_equal(answer.header.id, answered++);
        uint32_t left = answer.header.size - (uint32_t)sizeof(answer.header);
        for (uint32_t have = 0; have < left;) {
            ssize_t n = recv(client.fd, answer.payload, left - have, MSG_DONTWAIT);
            if (n > 0)
                have += (uint32_t)n;
            client_turn(&client);
        }
        client_turn(&client);
    }
    assert_true(asked > 8);
}

static void gone_while_a_reply_waits(void **state) {
    (void)state;
    struct {
        struct protocol_header header;
        struct protocol_region_access access;
    } ask = { { .command = PROTOCOL_REGION_READ, .size = sizeof(ask) }, { .region = 7 } };
    ask.access.count = PROTOCOL_TRANSFER_MAX;
    while (send(client.fd, &ask, sizeof(ask), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(ask))
        ;
    client_turn(&client);
    close(client.fd);
    client.fd = -1;
    client_turn(&client);
    assert_false(softnic_connected(client.softnic, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(byte_by_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_in_one_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_reply_is_silence, set_up, tear_down),
        cmocka_unit_test(sizes_that_are_no_protocol),
        cmocka_unit_test(replies_that_nobody_asked_for),
        cmocka_unit_test_setup_teardown(largest_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_commands_and_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors_do_not_leak, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors_in_pieces, set_up, tear_down),
        cmocka_unit_test(gone_in_mid_message),
        cmocka_unit_test_setup_teardown(replies_wait_for_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gone_while_a_reply_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
