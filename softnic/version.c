/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The version handshake: two numbers and a JSON text of capabilities, unknown ones ignored.
 */
#include "version.h"
#include "json.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_FDS      1 /* where the client does not say */
#define DEFAULT_TRANSFER 1048576

struct proposal {
    struct version_terms *terms;
    bool wrong; /* a capability that we know has a value of the wrong kind */
};

static void read_natural(struct proposal *proposal, const struct json_value *value, uint32_t *to) {
    if (value->kind != JSON_NUMBER || !value->whole)
        proposal->wrong = true;
    else
        *to = value->number > UINT32_MAX ? UINT32_MAX : (uint32_t)value->number;
}

static void read_capability(void *ctx, const char *path, const struct json_value *value) {
    struct proposal *proposal = ctx;
    struct version_terms *terms = proposal->terms;
    if (strcmp(path, "capabilities.max_msg_fds") == 0)
        read_natural(proposal, value, &terms->fds_max);
    else if (strcmp(path, "capabilities.max_data_xfer_size") == 0)
        read_natural(proposal, value, &terms->transfer_max);
    else if (strcmp(path, "capabilities.write_multiple") == 0 && value->kind != JSON_BOOL)
        proposal->wrong = true;
    else if (strcmp(path, "capabilities.write_multiple") == 0)
        terms->write_multiple = value->truth;
}

int version_read(const struct message *proposal, struct version_terms *terms) {
    const struct protocol_version *version = proposal->payload;
    const char *json = (const char *)(version + 1);
    if (proposal->payload_bytes < sizeof(*version))
        return -EINVAL;
    if (version->major != PROTOCOL_MAJOR)
        return -EPROTONOSUPPORT;
    *terms = (struct version_terms){ .fds_max = DEFAULT_FDS, .transfer_max = DEFAULT_TRANSFER };
    uint32_t bytes = proposal->payload_bytes - (uint32_t)sizeof(*version);
    if (bytes > 0) {
        struct proposal read = { .terms = terms };
        if (json[bytes - 1] != '\0' || json_read(json, strlen(json), read_capability, &read) != 0 ||
            read.wrong)
            return -EINVAL;
    }
    if (terms->transfer_max > PROTOCOL_TRANSFER_MAX)
        terms->transfer_max = PROTOCOL_TRANSFER_MAX;
    return 0;
}

uint32_t version_write(const struct version_terms *terms, void *payload) {
    struct protocol_version *version = payload;
    char *json = (char *)(version + 1);
    *version = (struct protocol_version){ .major = PROTOCOL_MAJOR, .minor = PROTOCOL_MINOR };
    int length = snprintf(json, PROTOCOL_REPLY_MAX - sizeof(*version),
                          "{\"capabilities\":{\"max_msg_fds\":%d,\"max_data_xfer_size\":%d,"
                          "\"pgsizes\":%d%s}}",
                          PROTOCOL_FDS_MAX, PROTOCOL_TRANSFER_MAX, PROTOCOL_PAGE_SIZES,
                          terms->write_multiple ? ",\"write_multiple\":true" : "");
    return (uint32_t)(sizeof(*version) + (size_t)length + 1);
}
