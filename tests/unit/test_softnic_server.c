/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets and ports: who may listen, who is served, what happens when either side goes away. */
#include "softnic_client.h"
#include "softnic_fake.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[32];
static char path[64];

static int make_directory(void **state) {
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/softnic-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/nic.sock", directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int serve(struct softnic **softnic, const char *at) {
    struct softnic_opts opts = { .port_count = 1 };
    opts.ports[0] = (struct softnic_port){ .socket = at, .wire = "fake" };
    return softnic_create(softnic, &opts);
}

static void open_at_path(struct client *client) {
    assert_int_equal(serve(&client->softnic, path), 0);
    client->fd = client_connect(path);
    assert_true(client->fd >= 0);
    client_agree(client);
}

static void socket_appears_and_goes(void **state) {
    (void)state;
    struct client client;
    struct stat file;
    int before = open_fds();
    open_at_path(&client);
    assert_int_equal(stat(path, &file), 0);
    assert_true(S_ISSOCK(file.st_mode));
    assert_true(softnic_connected(client.softnic, 0));
    client_close(&client);
    assert_int_equal(stat(path, &file), -1);
    assert_int_equal(fake_nics, 0);
    assert_int_equal(open_fds(), before);
}

static void stale_socket_is_replaced(void **state) {
    (void)state;
    struct client client;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
    close(stale);
    open_at_path(&client);
    client_close(&client);
}

static void used_socket_is_left_alone(void **state) {
    (void)state;
    struct client client;
    struct softnic *second;
    open_at_path(&client);
    assert_int_equal(serve(&second, path), -EADDRINUSE);
    assert_null(second);
    assert_non_null(strstr(softnic_error(), path));
    client_turn(&client);
    uint32_t value;
    assert_int_equal(client_read(&client, 0, 0, 4, &value), 0); /* the first is served as before */
    client_close(&client);
}

static void socket_of_a_successor_is_left_alone(void **state) {
    (void)state;
    struct softnic *first, *second;
    assert_int_equal(serve(&first, path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(serve(&second, path), 0);
    softnic_destroy(first);
    assert_int_equal(access(path, F_OK), 0);
    softnic_destroy(second);
    assert_int_equal(access(path, F_OK), -1);
}

static void places_where_no_socket_can_be(void **state) {
    (void)state;
    struct softnic *softnic;
    char other[256];
    snprintf(other, sizeof(other), "%s/missing/nic.sock", directory);
    assert_int_equal(serve(&softnic, other), -ENOENT);
    assert_non_null(strstr(softnic_error(), "directory"));
    memset(other, 'x', sizeof(other) - 1);
    other[sizeof(other) - 1] = '\0';
    assert_int_equal(serve(&softnic, other), -ENAMETOOLONG);
    assert_int_equal(serve(&softnic, ""), -EINVAL);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(file);
    assert_int_equal(serve(&softnic, path), -EEXIST);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    assert_int_equal(fake_nics, 0);
}

static void wrong_options(void **state) {
    (void)state;
    struct softnic *softnic;
    int pair[2], before = open_fds();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct softnic_opts opts = { .port_count = 0 };
    assert_int_equal(softnic_create(&softnic, &opts), -EINVAL);
    opts.port_count = SOFTNIC_PORTS_MAX + 1;
    assert_int_equal(softnic_create(&softnic, &opts), -EINVAL);
    opts.port_count = 2;
    opts.ports[0] = (struct softnic_port){ .fd = pair[0], .wire = "fake" };
    opts.ports[1] = (struct softnic_port){ .fd = pair[1], .wire = "broken" };
    assert_int_equal(softnic_create(&softnic, &opts), -EINVAL);
    opts.ports[1].wire = NULL;
    assert_int_equal(softnic_create(&softnic, &opts), -EINVAL);
    close(pair[0]); /* still ours */
    close(pair[1]);
    assert_int_equal(open_fds(), before);
    assert_int_equal(fake_nics, 0);
}

static void second_client_is_refused(void **state) {
    (void)state;
    struct client first, second;
    open_at_path(&first);
    second = first;
    second.fd = client_connect(path);
    assert_true(second.fd >= 0);
    static const char version[] = "\0\0\0\0{}";
    assert_int_equal(client_do(&second, PROTOCOL_VERSION, version, sizeof(version)), EBUSY);
    assert_int_equal(client_receive(&second), CLOSED);
    close(second.fd);
    uint32_t value;
    assert_int_equal(client_read(&first, 0, 0, 4, &value), 0);
    client_close(&first);
}

/* One that connects and says nothing does not keep the answer from the next. */
static void silent_latecomer_makes_way(void **state) {
    (void)state;
    struct client first, second;
    open_at_path(&first);
    int before = open_fds(), silent = client_connect(path);
    client_turn(&first);
    second = first;
    second.fd = client_connect(path);
    assert_int_equal(client_do(&second, PROTOCOL_GET_INFO, NULL, 0), EBUSY);
    close(second.fd);
    close(silent);
    assert_int_equal(open_fds(), before);
    client_close(&first);
}

static void next_client_finds_a_fresh_device(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    assert_int_equal(client_write(&client, 7, 4, 1, "\x06"), 0);
    assert_int_equal(client_write(&client, 0, 0, 4, "abcd"), 0);
    for (int i = 0; i < 20; i++) {
        close(client.fd);
        if (i % 2)
            client_turn(&client); /* or the next one is there before the end of the last is seen */
        client.fd = client_connect(path);
        client_agree(&client);
        uint8_t command;
        assert_int_equal(client_read(&client, 7, 4, 1, &command), 0);
        assert_int_equal(command, 0);
        assert_false(fake_nic->bus_master);
        assert_int_equal(fake_nic->registers[0], 0);
        assert_int_equal(fake_nic->resets, i + 1);
        assert_int_equal(client_write(&client, 7, 4, 1, "\x06"), 0);
        assert_int_equal(client_write(&client, 0, 0, 4, "abcd"), 0);
    }
    client_close(&client);
}

static void send_reset(int fd) {
    const struct protocol_header reset = { .command = PROTOCOL_DEVICE_RESET,
                                           .size = sizeof(reset) };
    if (write(fd, &reset, sizeof(reset)) != sizeof(reset))
        _exit(1);
}

/* The client is another process, killed in the middle of a message. */
static void killed_client(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    close(client.fd);
    client_turn(&client);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static const char version[] = "\1\0\1\0\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        int fd = client_connect(path);
        if (write(fd, version, sizeof(version) - 1) != sizeof(version) - 1)
            _exit(1);
        for (;;) {
            send_reset(fd);
            char ignored[4096];
            if (recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT) == 0)
                _exit(1);
        }
    }
    uint32_t resets = fake_nic->resets;
    int status;
    while (fake_nic->resets < resets + 10) {
        softnic_poll(client.softnic);
        assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    client.fd = client_connect(path);
    client_agree(&client);
    client_close(&client);
}

static const char *command(struct softnic *softnic, const char *line) {
    static char text[1024];
    softnic_command(softnic, line, text, sizeof(text));
    return text;
}

static void unplug_and_plug(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    assert_string_equal(command(client.softnic, "unplug 0"), "port 0: unplugged\n");
    assert_int_equal(client_receive(&client), CLOSED);
    close(client.fd);
    assert_int_equal(client_connect(path), -ECONNREFUSED);
    assert_non_null(strstr(command(client.softnic, "stats"), "port 0: unplugged, link up\n"));
    assert_string_equal(command(client.softnic, "plug 0"), "port 0: plugged\n");
    assert_non_null(strstr(command(client.softnic, "plug 0"), "it is plugged"));
    client.fd = client_connect(path);
    assert_true(client.fd >= 0);
    client_agree(&client);
    client_close(&client);
}

static void commands_and_their_mistakes(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    assert_string_equal(command(client.softnic, " link  0 down "), "port 0: link down\n");
    assert_false(fake_nic->link);
    assert_string_equal(command(client.softnic, "link 0 up"), "port 0: link up\n");
    assert_true(fake_nic->link);
    assert_non_null(strstr(command(client.softnic, "stats 0"), "port 0: connected, link up\n"));
    static const char *const wrong[] = { "",           "link",
                                         "link 0",     "link 0 sideways",
                                         "link 1 up",  "link x up",
                                         "link -1 up", "link 0 up now",
                                         "unplug",     "unplug 9999999",
                                         "plug 1",     "stats 1",
                                         "stats 0 0",  "fly" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char text[8];
        assert_true(softnic_command(client.softnic, wrong[i], text, sizeof(text)) < 0);
        assert_int_equal(strlen(text), sizeof(text) - 1);
        assert_int_equal(strncmp(text, softnic_error(), strlen(text)), 0);
    }
    assert_int_equal(softnic_command(client.softnic, "stats", NULL, 0), -EINVAL);
    client_close(&client);
}

static void handed_over_connection_cannot_be_plugged_again(void **state) {
    (void)state;
    struct client client;
    client_open_agreed(&client);
    command(client.softnic, "unplug 0");
    assert_int_equal(client_receive(&client), CLOSED);
    assert_non_null(strstr(command(client.softnic, "plug 0"), "cannot plug"));
    client_close(&client);
}

static void violation_stops_the_device(void **state) {
    (void)state;
    struct client client;
    const uint32_t forbidden = FAKE_VIOLATION;
    open_at_path(&client);
    assert_null(softnic_violation(client.softnic));
    assert_int_equal(client_write(&client, 0, 0x66 * 4, 4, &forbidden), 0);
    assert_int_equal(softnic_run(client.softnic), -EPROTO);
    assert_string_equal(softnic_error(), "register 0x66: forbidden value, datasheet page 666");
    assert_string_equal(softnic_violation(client.softnic), softnic_error());
    assert_int_equal(client_receive(&client), CLOSED);
    assert_int_equal(client_connect(path), -ECONNREFUSED);
    assert_non_null(strstr(command(client.softnic, "plug 0"), "page 666"));
    client_close(&client);
}

/* While frames flow the sockets still get their turn. */
static void busy_device_still_answers(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    fake_nic->work = 1;
    for (int i = 0; i < 10; i++) {
        struct protocol_header reset = { .command = PROTOCOL_DEVICE_RESET, .size = sizeof(reset) };
        client_send(client.fd, &reset, sizeof(reset), NULL, 0);
        uint32_t before = fake_nic->resets, turns = 0;
        while (fake_nic->resets == before && turns++ < 1000)
            softnic_poll(client.softnic);
        assert_in_range(turns, 1, 64);
    }
    client_close(&client);
}

static void sleeping_device_wakes(void **state) {
    (void)state;
    struct client client = { .next_id = 1 };
    struct softnic_opts opts = { .port_count = 1, .sleep_when_idle = true };
    opts.ports[0] = (struct softnic_port){ .socket = path, .wire = "fake" };
    assert_int_equal(softnic_create(&client.softnic, &opts), 0);
    for (int i = 0; i < 10010; i++)
        assert_int_equal(softnic_poll(client.softnic), 0);
    client.fd = client_connect(path);
    client_agree(&client);
    client_close(&client);
}

static void stop_before_and_during_a_run(void **state) {
    (void)state;
    struct client client;
    open_at_path(&client);
    softnic_stop(client.softnic);
    assert_int_equal(softnic_run(client.softnic), 0);
    assert_true(softnic_done(client.softnic));
    client_close(&client);
}

static void one_port_does_not_wait_for_another(void **state) {
    (void)state;
    struct softnic_opts opts = { .port_count = 2 };
    int pairs[2][2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[i]), 0);
        opts.ports[i] = (struct softnic_port){ .fd = pairs[i][0], .wire = "pair" };
    }
    struct client slow = { .fd = pairs[0][1], .next_id = 1 };
    assert_int_equal(softnic_create(&slow.softnic, &opts), 0);
    struct client quick = { .softnic = slow.softnic, .fd = pairs[1][1], .next_id = 1 };
    client_agree(&slow);
    client_send(slow.fd, "half a header", 13, NULL, 0);
    client_agree(&quick);
    uint32_t value;
    assert_int_equal(client_read(&quick, 0, 0, 4, &value), 0);
    assert_true(softnic_connected(slow.softnic, 0));
    assert_true(softnic_connected(slow.softnic, 1));
    assert_false(softnic_connected(slow.softnic, 2));
    close(quick.fd);
    client_close(&slow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socket_appears_and_goes),
        cmocka_unit_test(stale_socket_is_replaced),
        cmocka_unit_test(used_socket_is_left_alone),
        cmocka_unit_test(socket_of_a_successor_is_left_alone),
        cmocka_unit_test(places_where_no_socket_can_be),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(second_client_is_refused),
        cmocka_unit_test(silent_latecomer_makes_way),
        cmocka_unit_test(next_client_finds_a_fresh_device),
        cmocka_unit_test(killed_client),
        cmocka_unit_test(unplug_and_plug),
        cmocka_unit_test(commands_and_their_mistakes),
        cmocka_unit_test(handed_over_connection_cannot_be_plugged_again),
        cmocka_unit_test(violation_stops_the_device),
        cmocka_unit_test(busy_device_still_answers),
        cmocka_unit_test(sleeping_device_wakes),
        cmocka_unit_test(stop_before_and_during_a_run),
        cmocka_unit_test(one_port_does_not_wait_for_another),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
