/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake: VERSION comes first, its JSON is read strictly, anything else is disconnected. */
#include "softnic/json.h"
#include "softnic_client.h"
#include "softnic_fake.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum outcome propose(struct client *client, uint16_t major, uint16_t minor,
                            const char *json) {
    uint8_t payload[1024];
    memcpy(payload, &major, 2);
    memcpy(payload + 2, &minor, 2);
    uint32_t bytes = 4;
    if (json) {
        memcpy(payload + 4, json, strlen(json) + 1);
        bytes += (uint32_t)strlen(json) + 1;
    }
    return client_ask(client, PROTOCOL_VERSION, payload, bytes, NULL, 0);
}

static void expect_agreement(const char *json, const char *promised) {
    struct client client;
    client_open(&client);
    assert_int_equal(propose(&client, 0, 1, json), REPLIED);
    assert_int_equal(answer.header.flags, PROTOCOL_REPLY);
    assert_memory_equal(answer.payload, "\0\0\0\0", 4);
    const char *text = (const char *)answer.payload + 4;
    assert_int_equal(answer.payload_bytes, 4 + strlen(text) + 1);
    assert_string_equal(text, promised);
    assert_true(softnic_connected(client.softnic, 0));
    client_close(&client);
}

static void expect_refusal(uint16_t major, const char *json, uint32_t error) {
    struct client client;
    client_open(&client);
    assert_int_equal(propose(&client, major, 0, json), REPLIED);
    assert_true(answer.header.flags & PROTOCOL_ERROR);
    assert_int_equal(answer.header.error, error);
    assert_int_equal(client_receive(&client), CLOSED);
    assert_false(softnic_connected(client.softnic, 0));
    client_close(&client);
}

#define BASIC "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096,\"pgsizes\":4096"

static void agreements(void **state) {
    (void)state;
    expect_agreement(NULL, BASIC "}}");
    expect_agreement("{}", BASIC "}}");
    expect_agreement(" { \"capabilities\" : { } } ", BASIC "}}");
    expect_agreement("{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
                     "\"max_dma_maps\":65535,\"pgsizes\":4096,\"migration\":{\"pgsize\":4096,"
                     "\"max_bitmap_size\":268435456},\"write_multiple\":true}}",
                     BASIC ",\"write_multiple\":true}}");
    expect_agreement("{\"capabilities\":{\"write_multiple\":false,\"new\":[1,{\"a\":null}]},"
                     "\"write_multiple\":3,\"a\":-1.5e+3}",
                     BASIC "}}");
}

static void malformed_texts(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "{",
        "{\"capabilities\"}",
        "{\"capabilities\":}",
        "{\"capabilities\":{\"max_msg_fds\":8}",
        "{\"capabilities\":{\"max_msg_fds\":8},}",
        "{\"capabilities\":{\"max_msg_fds\":08}}",
        "{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_msg_fds\":1.5}}",
        "{\"capabilities\":{\"max_msg_fds\":99999999999999999999999}}",
        "{\"capabilities\":{\"max_data_xfer_size\":true}}",
        "{\"capabilities\":{\"write_multiple\":1}}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":tru}",
        "{} {}",
        "[[[[[[[[[]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_refusal(0, wrong[i], EINVAL);
}

static void other_major_versions(void **state) {
    (void)state;
    expect_refusal(1, NULL, EPROTONOSUPPORT);
    expect_refusal(0xffff, "{}", EPROTONOSUPPORT);
}

static void text_without_its_nul(void **state) {
    (void)state;
    struct client client;
    client_open(&client);
    assert_int_equal(client_do(&client, PROTOCOL_VERSION, "\0\0\0\0{}", 6), EINVAL);
    assert_int_equal(client_receive(&client), CLOSED);
    client_close(&client);
}

static void too_short_for_two_numbers(void **state) {
    (void)state;
    struct client client;
    for (uint32_t bytes = 0; bytes < 4; bytes++) {
        client_open(&client);
        assert_int_equal(client_do(&client, PROTOCOL_VERSION, "\0\0\0", bytes), EINVAL);
        assert_int_equal(client_receive(&client), CLOSED);
        client_close(&client);
    }
}

static void nothing_before_version(void **state) {
    (void)state;
    struct client client;
    for (uint16_t command = 0; command < 32; command++) {
        if (command == PROTOCOL_VERSION)
            continue;
        client_open(&client);
        assert_int_equal(client_do(&client, command, NULL, 0), EINVAL);
        assert_int_equal(client_receive(&client), CLOSED);
        client_close(&client);
    }
}

static void version_once_only(void **state) {
    (void)state;
    struct client client;
    client_open_agreed(&client);
    assert_int_equal(propose(&client, 0, 0, "{}"), REPLIED);
    assert_int_equal(answer.header.error, EINVAL);
    assert_true(softnic_connected(client.softnic, 0));
    client_close(&client);
}

static void small_transfers_are_respected(void **state) {
    (void)state;
    struct client client;
    uint8_t bytes[256];
    client_open(&client);
    assert_int_equal(propose(&client, 0, 0, "{\"capabilities\":{\"max_data_xfer_size\":64}}"),
                     REPLIED);
    assert_int_equal(client_read(&client, 7, 0, 64, bytes), 0);
    assert_int_equal(client_read(&client, 7, 0, 65, bytes), EINVAL);
    client_close(&client);
}

struct seen {
    char text[512];
};

static void remember(void *ctx, const char *path, const struct json_value *value) {
    struct seen *seen = ctx;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%d/%d/%d/%llu ", path,
             (int)value->kind, value->truth, value->whole, (unsigned long long)value->number);
}

static void json_paths_and_values(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\":{\"b\":18446744073709551615,\"c\":true},\"d\":[5,{\"e\":6}],\"f\":\"g\",\"h\\n\":1,"
        "\"i.j\":2,\"k\":null,\"0123456789012345678901234567890123456789012345678901234567890123\":"
        "3,"
        "\"l\":7}";
    struct seen seen = { "" };
    assert_int_equal(json_read(text, sizeof(text) - 1, remember, &seen), 0);
    assert_string_equal(seen.text, "a.b=2/0/1/18446744073709551615 a.c=1/1/0/0 =2/0/1/5 =2/0/1/6 "
                                   "f=3/0/0/0 =2/0/1/1 =2/0/1/2 k=0/0/0/0 =2/0/1/3 l=2/0/1/7 ");
}

/* Every beginning of a text is refused, and read within its bounds (the sanitizer looks). */
static void json_beginnings(void **state) {
    (void)state;
    static const char text[] = "{\"a\":[1,-2.5e-3,\"\\u00e9\\\"\",true,false,null],\"b\":{}}";
    for (size_t bytes = 0; bytes < sizeof(text) - 1; bytes++) {
        char exact[sizeof(text)];
        struct seen seen = { "" };
        memcpy(exact, text, bytes);
        assert_int_equal(json_read(exact, bytes, remember, &seen), -EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreements),
        cmocka_unit_test(malformed_texts),
        cmocka_unit_test(other_major_versions),
        cmocka_unit_test(text_without_its_nul),
        cmocka_unit_test(too_short_for_two_numbers),
        cmocka_unit_test(nothing_before_version),
        cmocka_unit_test(version_once_only),
        cmocka_unit_test(small_transfers_are_respected),
        cmocka_unit_test(json_paths_and_values),
        cmocka_unit_test(json_beginnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
