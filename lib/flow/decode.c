/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three roads. Nearly all frames take the short one (decode_plain.h). Other IPv4 and IPv6, with
 * tags or without, is parsed once and written out. All else walks (decode_walk.h) to the outermost
 * packet and into its tunnels as far as they can be followed.
 */
#include "decode.h"
#include "decode_packet.h"
#include "decode_plain.h"
#include "decode_walk.h"
#include "lib/core/error.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct leat_flow_decoder {
    struct leat_flow_decode_opts opts;
    struct leat_flow_scopes *scopes;
    struct leat_flow_fragments *fragments;
    bool short_road;
    uint32_t interface; /* of the last frame without tags, whose numbers these are: held */
    struct leat_flow_places plain;
    struct leat_flow_scope last; /* likewise of the last other frame */
    struct leat_flow_places last_places;
};

const char *leat_flow_skip_name(enum leat_flow_skip skip) {
    static const char *const names[] = {
#define SKIP_NAME(id, name, meaning) name,
        LEAT_FLOW_SKIPS(SKIP_NAME)
#undef SKIP_NAME
    };
    return (uint32_t)skip < LEAT_FLOW_SKIP_COUNT ? names[skip] : NULL;
}

const char *leat_flow_skip_meaning(enum leat_flow_skip skip) {
    static const char *const meanings[] = {
#define SKIP_MEANING(id, name, meaning) meaning,
        LEAT_FLOW_SKIPS(SKIP_MEANING)
#undef SKIP_MEANING
    };
    return (uint32_t)skip < LEAT_FLOW_SKIP_COUNT ? meanings[skip] : NULL;
}

static void set_defaults(struct leat_flow_decode_opts *opts) {
    if (!opts->vxlan_port)
        opts->vxlan_port = 4789;
    if (!opts->geneve_port)
        opts->geneve_port = 6081;
    if (!opts->gtpu_port)
        opts->gtpu_port = 2152;
    if (!opts->fragments)
        opts->fragments = 8192;
    if (!opts->scopes)
        opts->scopes = 65536;
    if (!opts->fragment_timeout_ns)
        opts->fragment_timeout_ns = UINT64_C(30000000000);
}

int leat_flow_decoder_create(struct leat_flow_decoder **decoder,
                             const struct leat_flow_decode_opts *opts) {
    if ((uint32_t)opts->tunnels > LEAT_FLOW_TUNNELS_BOTH)
        return leat_fail(EINVAL, "flow decoder: cannot meter tunnels as %u: no such choice",
                         (uint32_t)opts->tunnels);
    struct leat_flow_decoder *made = calloc(1, sizeof(*made));
    if (!made)
        return leat_fail(ENOMEM, "flow decoder: cannot allocate: out of memory");
    made->opts = *opts;
    set_defaults(&made->opts);
    made->short_road = !opts->details && !(opts->key & LEAT_FLOW_KEY_TOS);
    int err = leat_flow_scopes_create(&made->scopes, made->opts.scopes, 0);
    if (!err)
        err = leat_flow_fragments_create(&made->fragments, made->opts.fragments,
                                         made->opts.fragment_timeout_ns, 0);
    if (err) {
        leat_flow_decoder_destroy(made);
        return err;
    }
    *decoder = made;
    return 0;
}

void leat_flow_decoder_destroy(struct leat_flow_decoder *decoder) {
    if (!decoder)
        return;
    leat_flow_fragments_destroy(decoder->fragments);
    leat_flow_scopes_destroy(decoder->scopes);
    free(decoder);
}

struct leat_flow_scopes *leat_flow_decoder_scopes(const struct leat_flow_decoder *decoder) {
    return decoder->scopes;
}

/* The lower address first, so that both directions agree. */
static void sort_outer(struct leat_flow_scope *scope) {
    if (memcmp(scope->outer[0], scope->outer[1], sizeof(scope->outer[0])) > 0) {
        uint8_t lower[16];
        memcpy(lower, scope->outer[1], sizeof(lower));
        memcpy(scope->outer[1], scope->outer[0], sizeof(lower));
        memcpy(scope->outer[0], lower, sizeof(lower));
    }
}

struct leat_flow_scope leat_flow_scope_key(const struct leat_flow_scope *scope, uint32_t key,
                                           bool uniflow) {
    struct leat_flow_scope part = { 0 };
    if (key & LEAT_FLOW_KEY_VLAN) {
        part.vlan_count = scope->vlan_count;
        for (uint32_t i = 0; i < scope->vlan_count; i++)
            part.vlan_tci[i] = scope->vlan_tci[i] & 0xfff;
    }
    if (key & LEAT_FLOW_KEY_MPLS) {
        part.label_count = scope->label_count;
        for (uint32_t i = 0; i < scope->label_count; i++)
            part.label[i] = scope->label[i] & 0xfffff0;
    }
    if (key & LEAT_FLOW_KEY_TUNNEL) {
        part.tunnel = scope->tunnel;
        part.tunnel_id = scope->tunnel_id;
        part.outer_version = scope->outer_version;
        memcpy(part.outer, scope->outer, sizeof(part.outer));
        if (!uniflow)
            sort_outer(&part);
        part.pppoe_session = scope->pppoe_session;
    }
    if (key & LEAT_FLOW_KEY_INTERFACE)
        part.interface = scope->interface;
    return part;
}

/* The numbers of a scope and of what of it is in the key. They are held in place of those that
 * `places` had. 0, or the skip. */
static int number(struct leat_flow_decoder *decoder, const struct leat_flow_scope *scope,
                  struct leat_flow_places *places) {
    struct leat_flow_scope part =
        leat_flow_scope_key(scope, decoder->opts.key, decoder->opts.uniflow);
    int whole = leat_flow_scopes_number(decoder->scopes, scope);
    int key = leat_flow_scopes_number(decoder->scopes, &part);
    if (whole < 0 || key < 0)
        return -1 - LEAT_FLOW_SKIP_SCOPES;
    leat_flow_scopes_release(decoder->scopes, places->scope);
    leat_flow_scopes_release(decoder->scopes, places->key);
    *places = (struct leat_flow_places){ .scope = (uint32_t)whole, .key = (uint32_t)key };
    leat_flow_scopes_hold(decoder->scopes, places->scope);
    leat_flow_scopes_hold(decoder->scopes, places->key);
    return 0;
}

/* Packets come in trains, so the last scope is asked first. */
static int number_like_last(struct leat_flow_decoder *decoder, const struct leat_flow_scope *scope,
                            struct leat_flow_places *places) {
    if (memcmp(scope, &decoder->last, sizeof(*scope)) != 0) {
        int err = number(decoder, scope, &decoder->last_places);
        if (err)
            return err;
        decoder->last = *scope;
    }
    *places = decoder->last_places;
    return 0;
}

/* ToS that is in the key is part of its scope: few packets have any, and keys have no room. */
static int add_tos(struct leat_flow_decoder *decoder, const uint8_t *frame,
                   const struct leat_headers *h, struct leat_flow_places *places) {
    const uint8_t *ip = frame + h->l3;
    uint8_t tos = h->flags & LEAT_HEADERS_IP4 ? ip[1] : (uint8_t)(leat_be16(ip) >> 4);
    if (!tos)
        return 0;
    struct leat_flow_scope part =
        leat_flow_scope_key(leat_flow_scopes_get(decoder->scopes, places->scope), decoder->opts.key,
                            decoder->opts.uniflow);
    part.tos = tos;
    int key = leat_flow_scopes_number(decoder->scopes, &part);
    if (key < 0)
        return -1 - LEAT_FLOW_SKIP_SCOPES;
    places->key = (uint32_t)key;
    return 0;
}

/* Writes out a packet whose numbers are in `seen`. 0, or the skip. */
static inline int put_packet(struct leat_flow_decoder *decoder, struct leat_flow_seen *seen,
                             const struct leat_headers *h, struct leat_flow_packet *packet) {
    int err =
        decoder->opts.key & LEAT_FLOW_KEY_TOS ? add_tos(decoder, seen->frame, h, &seen->places) : 0;
    if (!err)
        leat_flow_packet_put(packet, seen, h, &decoder->opts, decoder->fragments);
    return err;
}

/* Writes out the packet that a walk reached. 0, or the skip. */
static int put(struct leat_flow_decoder *decoder, const struct leat_flow_walk *walk,
               const struct leat_flow_seen *frame, struct leat_flow_packet *packet) {
    struct leat_flow_seen seen = *frame;
    int err = number_like_last(decoder, &walk->scope, &seen.places);
    if (err)
        return err;
    seen.ether = walk->ether;
    err = put_packet(decoder, &seen, &walk->headers, packet);
    if (!err && walk->depth)
        packet->flags |= LEAT_FLOW_INNER;
    return err;
}

/* Whether the packet may carry another one. */
static inline bool is_tunnel(const struct leat_flow_decode_opts *opts, const uint8_t *frame,
                             const struct leat_headers *h) {
    if (h->protocol == LEAT_PROTO_TCP || h->flags & LEAT_HEADERS_FRAGMENT)
        return false;
    if (h->protocol == LEAT_PROTO_UDP) {
        return leat_flow_tunnel_port(opts, leat_be16(frame + h->l4 + 2));
    }
    return h->protocol == LEAT_PROTO_IP4 || h->protocol == LEAT_PROTO_IP6 ||
           h->protocol == LEAT_PROTO_GRE;
}

/* From the outermost packet inwards as far as it goes. Returns how many packets, or the skip. */
static int walk_tunnels(struct leat_flow_decoder *decoder, const struct leat_flow_seen *frame,
                        struct leat_flow_walk *walk, struct leat_flow_packet *packets) {
    struct leat_flow_walk outer = *walk, inner = *walk;
    while (leat_flow_walk_enter(walk, &decoder->opts)) {
        if (walk->depth > LEAT_FLOW_DEPTH_MAX)
            return -1 - LEAT_FLOW_SKIP_TOO_DEEP;
        if (leat_flow_walk_to_ip(walk))
            break; /* no packet that can be metered: the tunnel's is */
        inner = *walk;
    }
    uint32_t n = 0;
    if (inner.depth && decoder->opts.tunnels == LEAT_FLOW_TUNNELS_BOTH) {
        int err = put(decoder, &outer, frame, &packets[n++]);
        if (err)
            return err;
    }
    int err = put(decoder, &inner, frame, &packets[n++]);
    return err ? err : (int)n;
}

static int walk_frame(struct leat_flow_decoder *decoder, const struct leat_flow_seen *frame,
                      struct leat_flow_walk *walk, struct leat_flow_packet *packets) {
    int err = leat_flow_walk_to_ip(walk);
    if (err)
        return err;
    if (decoder->opts.tunnels != LEAT_FLOW_TUNNELS_OUTER &&
        is_tunnel(&decoder->opts, walk->frame, &walk->headers))
        return walk_tunnels(decoder, frame, walk, packets);
    err = put(decoder, walk, frame, packets);
    return err ? err : 1;
}

/* Tags that the port took off the frame were the outermost ones. */
static void add_tags(const struct leat_meta *meta, struct leat_flow_scope *scope,
                     struct leat_flow_seen *seen) {
    for (uint32_t i = 0; i < 2; i++)
        if (meta->vlan_proto[i]) {
            scope->vlan_tci[scope->vlan_count++] = meta->vlan_tci[i];
            seen->frame_octets += 4;
        }
}

static int decode_by_walk(struct leat_flow_decoder *decoder, struct leat_flow_seen *seen,
                          uint32_t interface, const struct leat_meta *tags,
                          struct leat_flow_packet *packets) {
    struct leat_flow_walk walk = {
        .frame = seen->frame,
        .captured = seen->captured,
        .limit = seen->frame_octets,
        .start = LEAT_FLOW_START_ETHERNET,
        .scope.interface = interface,
    };
    if (tags)
        add_tags(tags, &walk.scope, seen);
    return walk_frame(decoder, seen, &walk, packets);
}

/* Whole, on Ethernet with or without tags, not a fragment, and not a tunnel to be entered. */
static inline bool is_plain(const struct leat_flow_decode_opts *opts, const uint8_t *frame,
                            uint32_t len, const struct leat_headers *h) {
    return !h->problem && h->flags & (LEAT_HEADERS_IP4 | LEAT_HEADERS_IP6) &&
           !(h->flags & LEAT_HEADERS_FRAGMENT) && h->end <= len &&
           (opts->tunnels == LEAT_FLOW_TUNNELS_OUTER || !is_tunnel(opts, frame, h));
}

static int number_tagged(struct leat_flow_decoder *decoder, uint32_t interface,
                         const struct leat_headers *h, struct leat_flow_places *places) {
    struct leat_flow_scope scope = { .interface = interface, .vlan_count = h->vlan_count };
    memcpy(scope.vlan_tci, h->vlan_tci, sizeof(scope.vlan_tci));
    return number_like_last(decoder, &scope, places);
}

static inline int number_untagged(struct leat_flow_decoder *decoder, uint32_t interface,
                                  struct leat_flow_places *places) {
    if (interface != decoder->interface) {
        struct leat_flow_scope scope = { .interface = interface };
        int err = number(decoder, &scope, &decoder->plain);
        if (err)
            return err;
        decoder->interface = interface;
    }
    *places = decoder->plain;
    return 0;
}

/* 1, 0 if the frame must take another road, or the skip. */
static inline int decode_plain(struct leat_flow_decoder *decoder, struct leat_flow_seen *seen,
                               uint32_t interface, struct leat_flow_packet *packets) {
    if (!decoder->short_road || seen->captured < PLAIN_IP)
        return 0;
    int err = number_untagged(decoder, interface, &seen->places);
    if (err)
        return err;
    uint16_t ether_type = leat_be16(seen->frame + 12);
    if (ether_type == LEAT_ETHER_IP4)
        return put_plain(&decoder->opts, seen, false, packets);
    return ether_type == LEAT_ETHER_IP6 && put_plain(&decoder->opts, seen, true, packets);
}

static int decode_parsed(struct leat_flow_decoder *decoder, struct leat_flow_seen *seen,
                         uint32_t interface, struct leat_flow_packet *packets) {
    struct leat_headers h;
    leat_parse(seen->frame, seen->frame + seen->captured, &h);
    if (!is_plain(&decoder->opts, seen->frame, seen->frame_octets, &h))
        return decode_by_walk(decoder, seen, interface, NULL, packets);
    int err = h.vlan_count ? number_tagged(decoder, interface, &h, &seen->places)
                           : number_untagged(decoder, interface, &seen->places);
    if (!err)
        err = put_packet(decoder, seen, &h, packets);
    return err ? err : 1;
}

int leat_flow_decode(struct leat_flow_decoder *decoder, const uint8_t *frame, uint32_t captured,
                     uint32_t len, uint64_t time_ns, uint32_t interface,
                     const struct leat_meta *meta, uint16_t pkt_flags,
                     struct leat_flow_packet *packets) {
    struct leat_flow_seen seen = {
        .frame = frame,
        .captured = captured < len ? captured : len,
        .frame_octets = len,
        .time_ns = time_ns,
    };
    if (__builtin_expect(meta && pkt_flags & LEAT_PKT_VLAN, 0))
        return decode_by_walk(decoder, &seen, interface, meta, packets);
    int done = decode_plain(decoder, &seen, interface, packets);
    return __builtin_expect(done, 1) ? done : decode_parsed(decoder, &seen, interface, packets);
}
