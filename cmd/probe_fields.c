/* SPDX-License-Identifier: BSD-2-Clause */
/* leat probe --fields help: what there is to choose from. */
#include "probe.h"

#define SETS 3

static bool has(const struct leat_fields *fields, const struct leat_field *field) {
    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->choice[i].field == field)
            return true;
    return false;
}

void probe_print_fields(uint32_t pen) {
    static const char *const names[SETS + 1] = { "basic", "default", "full", "" };
    static struct leat_fields sets[SETS]; /* each with all of the one before */
    uint32_t count;
    const struct leat_field *table = leat_field_table(&count);
    for (uint32_t i = 0; i < SETS; i++)
        leat_fields_parse(&sets[i], names[i], false);
    printf("%-29s %-11s %-8s %-8s %s\n", "name", "element", "in set", "reverse", "what it is");
    for (uint32_t i = 0; i < count; i++) {
        const struct leat_field *field = &table[i];
        char enterprise[16] = "", element[32];
        uint32_t set = 0;
        while (set < SETS && !has(&sets[set], field))
            set++;
        if (field->pen)
            snprintf(enterprise, sizeof(enterprise), "%u/", pen ? pen : field->pen);
        snprintf(element, sizeof(element), "%s%u", enterprise, field->id);
        printf("%-29s %-11s %-8s %-8s %s\n", field->name, element, names[set],
               field->reversible ? "yes" : "", field->about);
    }
}
