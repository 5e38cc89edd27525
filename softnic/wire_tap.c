/* SPDX-License-Identifier: BSD-2-Clause */
/* A cable into the kernel: a TAP device, made if it is not there and gone with this process. */
#include "error.h"
#include "wire_line.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TAP_FRAME_MAX 65535 /* of a device with the largest MTU, and of the buffer */
#define FRAME_MIN     60    /* what a sending MAC pads to; the kernel does not */

struct tap {
    struct wire_line line;
    int fd;
    uint32_t held; /* bytes of the frame in the buffer that the NIC has refused; 0: none */
    uint8_t frame[TAP_FRAME_MAX + 1];
};

static int fail(const struct wire_spec *spec, int fd, const char *what, const char *mend) {
    int err = errno;
    if (fd >= 0)
        close(fd);
    return softnic_fail(err, "wire '%s': cannot %s: %s; %s", spec->whole, what, strerror(err),
                        mend);
}

static int tap_open(struct wire_line *line, const struct wire_spec *spec, struct wire *peer) {
    struct tap *tap = (struct tap *)line;
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    const char *name = wire_spec_text(spec, "tap");
    (void)peer;
    if (!name || !*name || strlen(name) >= sizeof request.ifr_name)
        return softnic_fail(EINVAL, "wire '%s': a tap wire needs tap=NAME of 1 to %zu characters",
                            spec->whole, sizeof request.ifr_name - 1);
    memcpy(request.ifr_name, name, strlen(name) + 1);
    tap->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tap->fd < 0)
        return fail(spec, -1, "open /dev/net/tun", "is the module tun loaded?");
    if (ioctl(tap->fd, TUNSETIFF, &request))
        return fail(spec, tap->fd, "attach to the device",
                    "run as root, or make it first with 'ip tuntap add NAME mode tap user USER'");
    return 0;
}

static bool tap_transmit(struct wire *wire, const uint8_t *frame, uint32_t bytes) {
    struct tap *tap = (struct tap *)wire;
    ssize_t written = write(tap->fd, frame, bytes);
    if (written < 0 && (errno == EAGAIN || errno == EINTR) && tap->line.waits)
        return false;
    if (written < 0)
        wire->stats.lost_far++; /* the device is down, or its queue full */
    wire_line_sent(&tap->line, bytes);
    return true;
}

/* The bytes of the next frame, in tap->frame; 0: there is none. */
static uint32_t next_frame(struct tap *tap) {
    if (tap->held)
        return tap->held;
    ssize_t bytes = read(tap->fd, tap->frame, sizeof tap->frame);
    if (bytes <= 0)
        return 0;
    if (bytes < FRAME_MIN) {
        memset(tap->frame + bytes, 0, (size_t)(FRAME_MIN - bytes));
        bytes = FRAME_MIN;
    }
    return (uint32_t)bytes;
}

static uint32_t tap_poll(struct wire *wire, uint32_t budget) {
    struct tap *tap = (struct tap *)wire;
    for (uint32_t i = 0; i < budget; i++) {
        uint32_t bytes = next_frame(tap);
        if (!bytes)
            break;
        bool brought = wire_line_bring(&tap->line, tap->frame, bytes);
        tap->held = brought ? 0 : bytes;
        if (!brought)
            break;
    }
    return wire_line_turn(&tap->line);
}

static void tap_close(struct wire *wire) {
    close(((struct tap *)wire)->fd);
}

static const char *const tap_keys[] = { "tap", NULL };

const struct wire_kind wire_tap = {
    .ops = { .name = "tap",
             .transmit = tap_transmit,
             .poll = tap_poll,
             .done = wire_line_done,
             .close = tap_close },
    .bytes = sizeof(struct tap),
    .keys = tap_keys,
    .loses_both_ways = true,
    .open = tap_open,
};
