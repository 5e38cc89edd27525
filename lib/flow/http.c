/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1 (RFC 9112): the request's authority, from an absolute target, which goes before Host, or
 * from Host. */
#include "application.h"
#include "escape.h"
#include <string.h>
#include <strings.h>

#define METHOD_MAX 16

struct span {
    const uint8_t *at;
    uint32_t n;
};

/* Up to the next line feed, without it and a carriage return before. False: it is not there yet. */
static bool take_line(struct span *rest, struct span *line) {
    const uint8_t *end = rest->n ? memchr(rest->at, '\n', rest->n) : NULL;
    if (!end)
        return false;
    *line = (struct span){ rest->at, (uint32_t)(end - rest->at) };
    rest->n -= line->n + 1;
    rest->at = end + 1;
    if (line->n > 0 && line->at[line->n - 1] == '\r')
        line->n--;
    return true;
}

static uint32_t until(struct span span, const char *ends) {
    uint32_t i = 0;
    while (i < span.n && (!span.at[i] || !strchr(ends, span.at[i])))
        i++;
    return i;
}

static struct span behind(struct span span, uint32_t n) {
    return (struct span){ span.at + n, span.n - n };
}

static bool begins(struct span span, const char *with) {
    return span.n >= strlen(with) && !strncasecmp((const char *)span.at, with, strlen(with));
}

/* Letters and a space: RFC 9110 allows more in a method, but nobody has used it. */
static enum leat_flow_found check_method(struct span bytes, uint32_t *length) {
    uint32_t i = 0;
    while (i < bytes.n && bytes.at[i] >= 'A' && bytes.at[i] <= 'Z')
        i++;
    *length = i;
    if (i > METHOD_MAX)
        return LEAT_FLOW_OTHER;
    if (i == bytes.n)
        return LEAT_FLOW_MORE;
    return i >= 3 && bytes.at[i] == ' ' ? LEAT_FLOW_DONE : LEAT_FLOW_OTHER;
}

/* "GET /x HTTP/1.1" without its version. False: that is no request. */
static bool without_version(struct span *line) {
    static const char version[] = " HTTP/d.d";
    const uint32_t n = sizeof(version) - 1;
    if (line->n < n || memcmp(line->at + line->n - n, version, n - 3) != 0)
        return false;
    line->n -= n;
    return true;
}

/* Of "http://user@host:port/path", or of "host:port" that CONNECT has; else empty. Who asks is not
 * for a record. */
static struct span authority_of(struct span target, bool connect) {
    if (!connect) {
        uint32_t scheme = until(target, ":/?#");
        target = behind(target, scheme);
        if (scheme == 0 || !begins(target, "://"))
            return (struct span){ target.at, 0 };
        target = behind(target, 3);
    }
    target.n = until(target, "/?#");
    uint32_t user = until(target, "@");
    return user < target.n ? behind(target, user + 1) : target;
}

static struct span trim(struct span value) {
    while (value.n > 0 && (value.at[0] == ' ' || value.at[0] == '\t'))
        value = behind(value, 1);
    while (value.n > 0 && (value.at[value.n - 1] == ' ' || value.at[value.n - 1] == '\t'))
        value.n--;
    return value;
}

static void set_name(struct leat_flow_application *application, struct span name) {
    leat_flow_escape(application->name, 0, sizeof(application->name), name.at, name.n, 0);
}

static enum leat_flow_found find_host(struct leat_flow_application *application,
                                      struct span headers) {
    struct span line;
    while (take_line(&headers, &line)) {
        if (line.n == 0)
            return LEAT_FLOW_DONE;
        if (begins(line, "host:")) {
            set_name(application, trim(behind(line, 5)));
            return LEAT_FLOW_DONE;
        }
    }
    return LEAT_FLOW_MORE;
}

enum leat_flow_found leat_flow_http(struct leat_flow_application *application, const uint8_t *bytes,
                                    uint32_t n) {
    struct span rest = { bytes, n < LEAT_PIECES_BYTES ? n : LEAT_PIECES_BYTES }, line;
    uint32_t method;

    if (n >= 5 && !memcmp(bytes, "HTTP/", 5)) { /* an answer, whose question was not seen */
        application->kind = LEAT_FLOW_APPLICATION_HTTP;
        return LEAT_FLOW_DONE;
    }
    enum leat_flow_found found = check_method(rest, &method);
    if (found != LEAT_FLOW_DONE)
        return found;
    if (!take_line(&rest, &line))
        return LEAT_FLOW_MORE;
    if (!without_version(&line) || line.n <= method)
        return LEAT_FLOW_OTHER;
    application->kind = LEAT_FLOW_APPLICATION_HTTP;
    struct span authority =
        authority_of(behind(line, method + 1), method == 7 && !memcmp(bytes, "CONNECT", 7));
    if (authority.n == 0)
        return find_host(application, rest);
    set_name(application, authority);
    return LEAT_FLOW_DONE;
}
