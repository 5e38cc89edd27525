/* SPDX-License-Identifier: BSD-2-Clause */
#include "softnic_fake.h"
#include "softnic/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct nic *fake_nic;
uint32_t fake_nics;

int nic_create(struct nic **nic, const struct nic_config *config, const struct nic_host *host,
               struct dma *dma) {
    (void)config;
    fake_nic = calloc(1, sizeof(*fake_nic));
    if (!fake_nic)
        return -ENOMEM;
    fake_nic->host = *host;
    fake_nic->dma = dma;
    fake_nic->link = true;
    fake_nic->doorbell_fd = memfd_create("doorbells", MFD_CLOEXEC);
    if (ftruncate(fake_nic->doorbell_fd, 0x7000) != 0)
        abort();
    fake_nics++;
    *nic = fake_nic;
    return 0;
}

void nic_destroy(struct nic *nic) {
    close(nic->doorbell_fd);
    free(nic);
    fake_nics--;
}

uint32_t nic_read(struct nic *nic, uint32_t offset) {
    nic->reads++;
    return nic->registers[offset / 4];
}

void nic_write(struct nic *nic, uint32_t offset, uint32_t value) {
    nic->writes++;
    nic->registers[offset / 4] = value;
    if (value == FAKE_VIOLATION)
        nic->host.violation(nic->host.ctx, "register 0x66: forbidden value, datasheet page 666");
}

int nic_doorbell_fd(const struct nic *nic) {
    return nic->doorbell_fd;
}

void nic_reset(struct nic *nic) {
    nic->resets++;
    memset(nic->registers, 0, sizeof(nic->registers));
}

void nic_set_bus_master(struct nic *nic, bool on) {
    nic->bus_master = on;
}

void nic_set_link(struct nic *nic, bool up) {
    nic->link = up;
}

bool nic_link_up(const struct nic *nic) {
    return nic->link;
}

uint32_t nic_poll(struct nic *nic, uint32_t budget) {
    (void)budget;
    return nic->work;
}

void nic_deliver_done(struct nic *nic) {
    (void)nic;
}

void nic_attach_wire(struct nic *nic, struct wire *wire) {
    (void)nic;
    (void)wire;
}

void nic_stats(const struct nic *nic, struct nic_stats *stats) {
    *stats = (struct nic_stats){ .rx_frames = nic->reads, .tx_frames = nic->writes };
}

static uint32_t poll_nothing(struct wire *wire, uint32_t budget) {
    (void)wire;
    (void)budget;
    return 0;
}

static bool always_done(const struct wire *wire) {
    (void)wire;
    return true;
}

int wire_open(struct wire **wire, const char *spec, struct nic *nic, struct wire *peer) {
    static const struct wire_ops ops = { .name = "fake",
                                         .poll = poll_nothing,
                                         .done = always_done };
    (void)peer;
    if (strcmp(spec, "broken") == 0)
        return -EINVAL;
    *wire = calloc(1, sizeof(**wire));
    if (!*wire)
        return -ENOMEM;
    (*wire)->ops = &ops;
    (*wire)->nic = nic;
    return 0;
}

void wire_close(struct wire *wire) {
    free(wire);
}

void wire_stats(const struct wire *wire, struct wire_stats *stats) {
    *stats = wire->stats;
}
