/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that records are made of: what JSON and CSV have to escape, numbers and times. */
#include "lib/flow/text.h"
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TIME_NS 1700000000000000000ull /* 2023-11-14T22:13:20Z */

static void json_escapes_what_is_no_plain_text(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *json;
        size_t n;
    } cases[] = {
        { "plain", "plain", 5 },
        { "a\"b\\c", "a\\\"b\\\\c", 5 },
        { "\b\f\n\r\t", "\\b\\f\\n\\r\\t", 5 },
        { "\0\x1f\x7f", "\\u0000\\u001f\\u007f", 3 },
        { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 6 },
        { "\xc2\x80\xc2\x9b\xc2\xa0", "\\u0080\\u009b\xc2\xa0", 6 }, /* C1 controls, and none */
        { "\xff\xfe", "\\u00ff\\u00fe", 2 },
        { "\xc0\xaf", "\\u00c0\\u00af", 2 },            /* overlong */
        { "\xed\xa0\x80", "\\u00ed\\u00a0\\u0080", 3 }, /* surrogate */
        { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 4 },
        { "\xf0\x9f\x98", "\\u00f0\\u009f\\u0098", 3 }, /* cut off */
        { "\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080", 4 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_text text = { 0 };
        leat_text_json_string(&text, cases[i].bytes, cases[i].n);
        leat_text_char(&text, '\0');
        assert_string_equal(text.bytes, cases[i].json);
        leat_text_free(&text);
    }
}

/* All bytes, in quotes: another reader takes them, and nothing ends the string early. */
static void json_strings_are_read_by_jansson(void **state) {
    (void)state;
    for (uint32_t a = 0; a < 256; a++)
        for (uint32_t b = 0; b < 256; b++) {
            const char bytes[] = { (char)a, (char)b, 'x' };
            struct leat_text text = { 0 };
            leat_text_char(&text, '"');
            leat_text_json_string(&text, bytes, sizeof(bytes));
            leat_text_char(&text, '"');
            json_t *read = json_loadb(text.bytes, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            if (!read)
                fail_msg("bytes %02x %02x", a, b);
            assert_int_equal(json_string_value(read)[json_string_length(read) - 1], 'x');
            json_decref(read);
            leat_text_free(&text);
        }
}

static void csv_quotes_what_needs_it(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        { "plain", "plain" },
        { "", "" },
        { "a,b", "\"a,b\"" },
        { "say \"x\"", "\"say \"\"x\"\"\"" },
        { "two\r\nlines", "\"two\r\nlines\"" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct leat_text text = { 0 };
        leat_text_csv_string(&text, cases[i][0], strlen(cases[i][0]));
        leat_text_char(&text, '\0');
        assert_string_equal(text.bytes, cases[i][1]);
        leat_text_free(&text);
    }
}

static void numbers_and_times(void **state) {
    (void)state;
    struct leat_text text = { 0 };
    leat_text_number(&text, 0);
    leat_text_char(&text, ' ');
    leat_text_number(&text, UINT64_MAX);
    leat_text_char(&text, ' ');
    leat_text_time(&text, TIME_NS + 1234567, 0);
    leat_text_time(&text, TIME_NS + 1234567, 3);
    leat_text_time(&text, TIME_NS + 1234567, 9);
    leat_text_char(&text, '\0');
    assert_string_equal(text.bytes, "0 18446744073709551615 2023-11-14T22:13:20Z"
                                    "2023-11-14T22:13:20.001Z2023-11-14T22:13:20.001234567Z");
    leat_text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes_what_is_no_plain_text),
        cmocka_unit_test(json_strings_are_read_by_jansson),
        cmocka_unit_test(csv_quotes_what_needs_it),
        cmocka_unit_test(numbers_and_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
