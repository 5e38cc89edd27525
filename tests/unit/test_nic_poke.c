/* SPDX-License-Identifier: BSD-2-Clause */
/* Random drivers on the 82599 model: the fuzz target's actions, from a seed that is printed
 * (LEAT_SEED repeats a run). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DRIVERS = 100, INPUT_BYTES = 16384 };

static uint64_t seed;

static uint64_t random_word(void) { /* splitmix64 */
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void random_drivers(void **state) {
    (void)state;
    static uint64_t input[INPUT_BYTES / 8];
    const char *given = getenv("LEAT_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("LEAT_SEED=%llu\n", (unsigned long long)seed);
    for (uint32_t driver = 0; driver < DRIVERS; driver++) {
        for (uint32_t i = 0; i < INPUT_BYTES / 8; i++)
            input[i] = random_word();
        assert_int_equal(LLVMFuzzerTestOneInput((const uint8_t *)input, INPUT_BYTES), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_drivers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
