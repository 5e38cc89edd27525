/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks fields up, and reads which of them the user wants. */
#include "field.h"
#include "field_table.h"
#include "lib/core/error.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES   64
#define BIFLOW_DIRECTION 239

/* Each set with what it adds to the one before, so that one reads which collectors get what. */
#define BASIC                                                                            \
    "sourceIPv4Address,destinationIPv4Address,sourceIPv6Address,destinationIPv6Address," \
    "sourceTransportPort,destinationTransportPort,protocolIdentifier,"                   \
    "octetDeltaCount,packetDeltaCount,flowStartMilliseconds,flowEndMilliseconds,"        \
    "tcpControlBits,flowEndReason,reverseOctetDeltaCount,reversePacketDeltaCount"
#define DEFAULT                                                                 \
    BASIC ",ipVersion,ipClassOfService,minimumTTL,maximumTTL,icmpTypeCodeIPv4," \
          "icmpTypeCodeIPv6,vlanId,ingressInterface,biflowDirection,"           \
          "reverseFlowStartMilliseconds,reverseFlowEndMilliseconds,reverseTcpControlBits"
#define FULL                                                                               \
    DEFAULT                                                                                \
    ",layer2OctetDeltaCount,transportOctetDeltaCount,flowStartNanoseconds,"                \
    "flowEndNanoseconds,initialTcpFlags,fragmentFlags,fragmentIdentification,ipv4Options," \
    "ipv6ExtensionHeaders,flowLabelIPv6,tcpOptions,tcpWindowSize,sourceMacAddress,"        \
    "destinationMacAddress,flowId,meteringWorker,limitedFeatures,dot1qVlanId,"             \
    "dot1qPriority,dot1qCustomerVlanId,dot1qCustomerPriority,vlanStack,"                   \
    "mplsTopLabelStackSection,mplsLabelStackSection2,mplsLabelStackSection3,"              \
    "mplsLabelStackSection4,pppoeSession,tunnelKind,tunnelId,tunnelSourceIPv4Address,"     \
    "tunnelDestinationIPv4Address,tunnelSourceIPv6Address,tunnelDestinationIPv6Address,"   \
    "layer2SegmentId,greKey,"                                                              \
    "reverseLayer2OctetDeltaCount,reverseTransportOctetDeltaCount,"                        \
    "reverseFlowStartNanoseconds,reverseFlowEndNanoseconds,reverseInitialTcpFlags,"        \
    "reverseMinimumTTL,reverseMaximumTTL,reverseIpClassOfService,reverseFragmentFlags,"    \
    "reverseIpv4Options,reverseIpv6ExtensionHeaders,reverseFlowLabelIPv6,"                 \
    "reverseTcpOptions,reverseTcpWindowSize,reverseIcmpTypeCodeIPv4,"                      \
    "reverseIcmpTypeCodeIPv6,ipv6ExtensionHeadersFull,tcpOptionsFull,"                     \
    "reverseIpv6ExtensionHeadersFull,reverseTcpOptionsFull,ipv6ExtensionHeadersLimit,"     \
    "payloadByteHistogram/2,payloadEntropy,firstPacketLengths,firstPacketTimes,"           \
    "firstPacketSides,firstPacketTcpFlags,packetSizeHistogram,packetGapHistogram,"         \
    "reversePacketSizeHistogram,reversePacketGapHistogram,applicationName,tlsServerName,"  \
    "tlsJa4,dnsQueryName,dnsQueryType,dnsResponseCode,httpRequestHost,quicVersion,"        \
    "quicServerName"

static const struct {
    const char *name, *fields;
} sets[] = {
    { "basic", BASIC },
    { "default", DEFAULT },
    { "full", FULL },
};

static const struct leat_field *find_plain(const char *name) {
    uint32_t count;
    const struct leat_field *table = leat_field_table(&count);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

const struct leat_field *leat_field_find(const char *name, uint32_t *side) {
    char forward[NAME_MAX_BYTES];
    *side = 0;
    const struct leat_field *field = find_plain(name);
    if (field || strncmp(name, "reverse", 7) != 0 || !isupper((unsigned char)name[7]))
        return field;
    snprintf(forward, sizeof(forward), "%c%s", tolower((unsigned char)name[7]), name + 8);
    field = find_plain(forward);
    *side = 1;
    return field && field->reversible ? field : NULL;
}

static const struct leat_field *by_id_in(const struct leat_field *table, uint32_t count,
                                         uint32_t pen, uint16_t id) {
    for (uint32_t i = 0; i < count; i++)
        if (table[i].id == id && table[i].pen == pen)
            return &table[i];
    return NULL;
}

const struct leat_field *leat_field_by_id(uint32_t pen, uint16_t id, uint32_t own_pen,
                                          uint32_t *side) {
    uint32_t count;
    const struct leat_field *table = leat_field_table(&count), *field;
    bool own = pen == own_pen;

    *side = pen == LEAT_FLOW_PEN_REVERSE || (own && (id & LEAT_FIELD_REVERSE));
    if (pen == LEAT_FLOW_PEN_REVERSE)
        pen = 0;
    else if (own)
        pen = LEAT_FLOW_PEN;
    else if (pen != 0)
        return NULL;
    if (own)
        id &= (uint16_t)~LEAT_FIELD_REVERSE;
    field = by_id_in(table, count, pen, id);
    if (*side)
        return field && field->reversible ? field : NULL;
    if (!field) {
        table = leat_field_table_elements(&count);
        field = by_id_in(table, count, pen, id);
    }
    if (!field) {
        table = leat_field_table_options(&count);
        field = by_id_in(table, count, pen, id);
    }
    return field;
}

uint16_t leat_field_width(enum leat_field_type type) {
    switch (type) {
    case LEAT_FIELD_U8:
    case LEAT_FIELD_BOOLEAN:
        return 1;
    case LEAT_FIELD_U16:
        return 2;
    case LEAT_FIELD_U32:
    case LEAT_FIELD_SECONDS:
    case LEAT_FIELD_IP4:
        return 4;
    case LEAT_FIELD_MAC:
        return 6;
    case LEAT_FIELD_IP6:
        return 16;
    case LEAT_FIELD_U64:
    case LEAT_FIELD_FLOAT64:
    case LEAT_FIELD_MILLISECONDS:
    case LEAT_FIELD_MICROSECONDS:
    case LEAT_FIELD_NANOSECONDS:
        return 8;
    case LEAT_FIELD_U256:
        return 32;
    case LEAT_FIELD_OCTETS:
    case LEAT_FIELD_STRING:
    case LEAT_FIELD_BASIC_LIST:
        break;
    }
    return LEAT_FIELD_VARIABLE;
}

bool leat_field_is_integer(enum leat_field_type type) {
    return (type >= LEAT_FIELD_U8 && type <= LEAT_FIELD_U64) || type == LEAT_FIELD_U256;
}

/* RFC 7011, 6.2: integers may be sent with fewer bytes, floats with four, all else as it is. */
static bool length_fits(const struct leat_field *field, unsigned long length) {
    const struct leat_field *of = field->element ? field->element : field;
    if (leat_field_is_integer(of->type))
        return length >= 1 && length <= leat_field_width(of->type);
    if (of->type == LEAT_FIELD_FLOAT64)
        return length == 4 || length == 8;
    if (of->type == LEAT_FIELD_STRING)
        return length >= 1 && length <= LEAT_FIELD_VARIABLE;
    return length == of->length;
}

static int choose(struct leat_fields *fields, char *name, bool uniflow, bool from_set) {
    struct leat_field_choice choice = { 0 };
    uint32_t side;
    char *slash = strchr(name, '/'), *end = NULL;

    if (slash)
        *slash++ = '\0';
    choice.field = leat_field_find(name, &side);
    if (!choice.field)
        return leat_fail(EINVAL,
                         "field %s: there is none of this name; 'leat probe --fields help' "
                         "lists them",
                         name);
    choice.side = (uint8_t)side;
    choice.length = choice.field->element ? choice.field->element->length : choice.field->length;
    if (slash) {
        unsigned long length = strtoul(slash, &end, 10);
        if (!isdigit((unsigned char)*slash) || *end || !length_fits(choice.field, length))
            return leat_fail(EINVAL, "field %s: cannot be sent with a length of '%s'", name, slash);
        choice.length = (uint16_t)length;
    }
    if (uniflow && (side || choice.field->id == BIFLOW_DIRECTION))
        return 0;
    for (uint32_t i = 0; from_set && i < fields->count; i++)
        if (fields->choice[i].field == choice.field && fields->choice[i].side == choice.side)
            return 0;
    if (fields->count == LEAT_FIELDS_MAX)
        return leat_fail(EINVAL, "field %s: more than %d fields", name, LEAT_FIELDS_MAX);
    fields->choice[fields->count++] = choice;
    return 0;
}

static const char *set_named(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        if (strlen(sets[i].name) == length && memcmp(sets[i].name, name, length) == 0)
            return sets[i].fields;
    return NULL;
}

static int choose_all(struct leat_fields *fields, const char *text, bool uniflow, bool from_set) {
    for (;;) {
        char name[NAME_MAX_BYTES];
        size_t length = strcspn(text, ",");
        const char *set = from_set ? NULL : set_named(text, length);
        int err;
        if (length == 0 || length >= sizeof(name))
            return leat_fail(EINVAL, "fields '%.80s': %s; separate names by one comma each", text,
                             length ? "no name is that long" : "a name is missing");
        memcpy(name, text, length);
        name[length] = '\0';
        err =
            set ? choose_all(fields, set, uniflow, true) : choose(fields, name, uniflow, from_set);
        if (err < 0)
            return err;
        if (text[length] == '\0')
            return 0;
        text += length + 1;
    }
}

int leat_fields_parse(struct leat_fields *fields, const char *text, bool uniflow) {
    fields->count = 0;
    return choose_all(fields, text, uniflow, false);
}

uint32_t leat_fields_features(const struct leat_fields *fields) {
    uint32_t features = 0;
    for (uint32_t i = 0; i < fields->count; i++)
        features |= fields->choice[i].field->features;
    return features;
}
