/* SPDX-License-Identifier: BSD-2-Clause */
/* The model from outside: creation, reset, one turn, and what the world tells it. */
#include "nic.h"
#include "error.h"
#include "model.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, DOORBELL_BYTES = NIC_DOORBELL_TX + PAGE_BYTES };

/* Locally administered: 02:82:59:90:00:<port>. */
static void choose_address(struct nic *nic) {
    static const uint8_t none[6];
    uint8_t made_up[6] = { 0x02, 0x82, 0x59, 0x90, 0x00, (uint8_t)nic->config.port };
    if (memcmp(nic->config.mac, none, sizeof(none)) == 0)
        memcpy(nic->config.mac, made_up, sizeof(made_up));
}

static int map_doorbells(struct nic *nic) {
    nic->doorbell_fd = memfd_create("softnic-doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (nic->doorbell_fd < 0)
        return softnic_fail(errno, "softnic: cannot create the doorbell pages: %s",
                            strerror(errno));
    if (ftruncate(nic->doorbell_fd, DOORBELL_BYTES) != 0 ||
        fcntl(nic->doorbell_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return softnic_fail(errno, "softnic: cannot size the doorbell pages: %s", strerror(errno));
    void *pages =
        mmap(NULL, DOORBELL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, nic->doorbell_fd, 0);
    if (pages == MAP_FAILED)
        return softnic_fail(errno, "softnic: cannot map the doorbell pages: %s", strerror(errno));
    nic->doorbells = pages;
    return 0;
}

static int map_pages(struct nic *nic) {
    nic->bar = calloc(NIC_PAGES, PAGE_BYTES);
    if (!nic->bar)
        return softnic_fail(ENOMEM, "softnic: no memory for the registers");
    int err = map_doorbells(nic);
    if (err)
        return err;
    for (uint32_t i = 0; i < NIC_PAGES; i++)
        nic->pages[i] = nic->bar + i * NIC_PAGE_WORDS;
    nic->pages[NIC_DOORBELL_RX >> 12] = nic->doorbells + NIC_DOORBELL_RX / 4;
    nic->pages[NIC_DOORBELL_TX >> 12] = nic->doorbells + NIC_DOORBELL_TX / 4;
    return 0;
}

int nic_create(struct nic **created, const struct nic_config *config, const struct nic_host *host,
               struct dma *dma) {
    struct nic *nic = calloc(1, sizeof(*nic));
    if (!nic)
        return softnic_fail(ENOMEM, "softnic: no memory for a NIC");
    nic->doorbell_fd = -1;
    nic->config = *config;
    nic->host = *host;
    nic->dma = dma;
    if (!nic->config.device_id)
        nic->config.device_id = 0x10fb;
    choose_address(nic);
    int err = map_pages(nic);
    if (err) {
        nic_destroy(nic);
        return err;
    }
    eeprom_init(nic);
    sfp_init(nic);
    nic->cable = true;
    nic_reset(nic);
    *created = nic;
    return 0;
}

void nic_destroy(struct nic *nic) {
    if (!nic)
        return;
    if (nic->doorbells)
        munmap(nic->doorbells, DOORBELL_BYTES);
    if (nic->doorbell_fd >= 0)
        close(nic->doorbell_fd);
    free(nic->bar);
    free(nic);
}

int nic_doorbell_fd(const struct nic *nic) {
    return nic->doorbell_fd;
}

void nic_reset(struct nic *nic) {
    nic->bus_master = nic->link_started = nic->link_lost = false;
    nic->link_up = false;
    nic->eeprom.control = 0;
    registers_reset(nic, true);
}

void nic_set_bus_master(struct nic *nic, bool on) {
    nic->bus_master = on;
}

void nic_set_link(struct nic *nic, bool up) {
    nic->cable = up;
    mac_link_update(nic);
}

bool nic_link_up(const struct nic *nic) {
    return nic->link_up;
}

uint32_t nic_poll(struct nic *nic, uint32_t budget) {
    if (__builtin_expect(nic->dma_generation != nic->dma->generation, 0))
        queues_resolve(nic);
    nic_deliver_done(nic);
    uint32_t frames = tx_poll(nic, budget);
    if (interrupts_waiting(nic))
        interrupts_deliver(nic);
    return frames;
}

void nic_attach_wire(struct nic *nic, struct wire *wire) {
    nic->wire = wire;
}
