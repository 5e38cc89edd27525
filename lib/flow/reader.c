/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, sets and records, RFC 7011, 3; and files of messages, RFC 5655. */
#include "reader.h"
#include "ipfix.h"
#include "lib/core/error.h"
#include "reader_private.h"
#include <errno.h>
#include <leat/parse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES     16
#define SET_HEADER_BYTES 4
#define MESSAGE_MAX      65535
#define SET_TEMPLATES    2
#define SET_OPTIONS      3
#define SET_DATA         256

int leat_ipfix_reader_create(struct leat_ipfix_reader **created,
                             const struct leat_ipfix_reader_ops *ops, void *ctx) {
    struct leat_ipfix_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return leat_fail(ENOMEM, "IPFIX reader: no memory");
    reader->ops = *ops;
    reader->ops.pen = ops->pen ? ops->pen : LEAT_FLOW_PEN;
    reader->ctx = ctx;
    *created = reader;
    return 0;
}

void leat_ipfix_reader_destroy(struct leat_ipfix_reader *reader) {
    if (!reader)
        return;
    reader_templates_clear(reader);
    for (uint32_t i = 0; i < READER_BUCKETS; i++)
        while (reader->domains[i]) {
            struct reader_domain *domain = reader->domains[i];
            reader->domains[i] = domain->next;
            free(domain);
        }
    free(reader->values);
    free(reader);
}

uint64_t leat_ipfix_reader_missing(const struct leat_ipfix_reader *reader) {
    return reader->missing;
}

void reader_problem(struct leat_ipfix_reader *reader, const uint8_t *at, const char *format, ...) {
    char what[LEAT_SENTENCE_BYTES - 64], sentence[LEAT_SENTENCE_BYTES];
    va_list args;
    if (!reader->ops.problem)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(sentence, sizeof(sentence), "message %llu, byte %td: %s",
             (unsigned long long)reader->messages, at - reader->message, what);
    reader->ops.problem(reader->ctx, sentence);
}

/* One data record. Returns behind it, NULL: it goes beyond its set. */
static const uint8_t *read_record(struct leat_ipfix_reader *reader,
                                  const struct reader_template *template, const uint8_t *at,
                                  const uint8_t *end) {
    for (uint32_t i = 0; i < template->count; i++) {
        const struct reader_field *field = &template->fields[i];
        uint32_t length = field->length;
        if (length == LEAT_FIELD_VARIABLE && !(at = leat_ipfix_length(at, end, &length)))
            return NULL;
        if (length > (size_t)(end - at))
            return NULL;
        reader->values[i] = (struct leat_ipfix_value){ field->field, field->pen, field->id,
                                                       field->side,  at,         length };
        at += length;
    }
    reader->records++;
    if (reader->ops.record)
        reader->ops.record(reader->ctx, reader->domain, reader->export_time_s, template->id,
                           reader->values, template->count, template->scope_count);
    return at;
}

/* What is left and shorter than any record is padding (RFC 7011, 3.3.1). */
static void read_data_set(struct leat_ipfix_reader *reader, uint16_t id, const uint8_t *at,
                          const uint8_t *end) {
    const struct reader_template *template = reader_template_find(reader, reader->domain, id);
    if (!template) {
        reader->uncounted = true;
        reader_problem(reader, at, "records of template %u, which is unknown", id);
        return;
    }
    while (at && (size_t)(end - at) >= template->shortest) {
        const uint8_t *record = at;
        at = read_record(reader, template, at, end);
        if (!at) {
            reader->uncounted = true;
            reader_problem(reader, record, "a record of template %u goes beyond its set", id);
        }
    }
}

static void read_sets(struct leat_ipfix_reader *reader) {
    const uint8_t *at = reader->message + HEADER_BYTES, *end = reader->message + reader->bytes;
    while (at < end) {
        uint32_t length = end - at < SET_HEADER_BYTES ? 0 : leat_be16(at + 2);
        if (length < SET_HEADER_BYTES || length > (size_t)(end - at)) {
            reader->uncounted = true;
            reader_problem(reader, at, "a set of %u bytes where %td are left", length, end - at);
            return;
        }
        uint16_t id = leat_be16(at);
        if (id == SET_TEMPLATES || id == SET_OPTIONS)
            reader_template_set(reader, at + SET_HEADER_BYTES, at + length, id == SET_OPTIONS);
        else if (id >= SET_DATA)
            read_data_set(reader, id, at + SET_HEADER_BYTES, at + length);
        else
            reader_problem(reader, at, "a set of the reserved kind %u", id);
        at += length;
    }
}

static struct reader_domain *domain_of(struct leat_ipfix_reader *reader) {
    struct reader_domain **link = &reader->domains[reader->domain % READER_BUCKETS];
    for (struct reader_domain *domain = *link; domain; domain = domain->next)
        if (domain->domain == reader->domain)
            return domain;
    struct reader_domain *domain =
        reader->domain_count < READER_DOMAINS_MAX ? calloc(1, sizeof(*domain)) : NULL;
    if (!domain)
        return NULL;
    domain->domain = reader->domain;
    domain->next = *link;
    *link = domain;
    reader->domain_count++;
    return domain;
}

/* A number ahead of the one expected: records are missing. One behind it: another session. */
static void check_sequence(struct leat_ipfix_reader *reader, uint32_t sequence) {
    struct reader_domain *domain = domain_of(reader);
    if (!domain) {
        reader_problem(reader, reader->message, "domain %u is one too many to count for",
                       reader->domain);
        return;
    }
    uint32_t ahead = sequence - domain->sequence;
    if (domain->known && ahead != 0 && ahead <= INT32_MAX)
        reader->missing += ahead;
    domain->sequence = sequence + reader->records;
    domain->known = !reader->uncounted;
}

int leat_ipfix_reader_message(struct leat_ipfix_reader *reader, const uint8_t *message,
                              uint32_t n) {
    reader->messages++;
    if (n < HEADER_BYTES)
        return leat_fail(EBADMSG, "message %llu: %u bytes are no IPFIX message",
                         (unsigned long long)reader->messages, n);
    if (leat_be16(message) != LEAT_IPFIX_VERSION)
        return leat_fail(EBADMSG, "message %llu: version %u; IPFIX is %d",
                         (unsigned long long)reader->messages, leat_be16(message),
                         LEAT_IPFIX_VERSION);
    if (leat_be16(message + 2) != n)
        return leat_fail(EBADMSG, "message %llu: says it has %u bytes, and has %u",
                         (unsigned long long)reader->messages, leat_be16(message + 2), n);
    reader->message = message;
    reader->bytes = n;
    reader->export_time_s = leat_be32(message + 4);
    reader->domain = leat_be32(message + 12);
    reader->records = 0;
    reader->uncounted = false;
    read_sets(reader);
    check_sequence(reader, leat_be32(message + 8));
    return 0;
}

/* The length says where the next message begins; with a wrong one nothing behind it can be found.
 */
static int read_file(struct leat_ipfix_reader *reader, FILE *file, const char *path,
                     uint8_t *message) {
    for (uint64_t offset = 0;;) {
        size_t got = fread(message, 1, HEADER_BYTES, file);
        if (got == 0)
            return ferror(file) ? leat_fail(EIO, "%s: cannot read", path) : 0;
        uint32_t length = got == HEADER_BYTES ? leat_be16(message + 2) : 0;
        if (length < HEADER_BYTES || leat_be16(message) != LEAT_IPFIX_VERSION)
            return leat_fail(EBADMSG, "%s: no IPFIX message at byte %llu", path,
                             (unsigned long long)offset);
        got += fread(message + HEADER_BYTES, 1, length - HEADER_BYTES, file);
        if (got != length)
            return leat_fail(EBADMSG, "%s: ends inside of the message at byte %llu", path,
                             (unsigned long long)offset);
        int err = leat_ipfix_reader_message(reader, message, length);
        if (err < 0)
            return leat_fail_in(err, path);
        offset += length;
    }
}

int leat_ipfix_reader_file(struct leat_ipfix_reader *reader, const char *path) {
    FILE *file = fopen(path, "rbe");
    if (!file)
        return leat_fail(errno, "%s: cannot open: %s", path, strerror(errno));
    uint8_t *message = malloc(MESSAGE_MAX);
    int err =
        message ? read_file(reader, file, path, message) : leat_fail(ENOMEM, "%s: no memory", path);
    free(message);
    fclose(file);
    return err;
}
