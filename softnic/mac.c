/* SPDX-License-Identifier: BSD-2-Clause */
/* The MAC: resets by CTRL, link state, PHY access (there is none), frame size. */
#include "model.h"

uint32_t mac_status(struct nic *nic, const struct access *a) {
    (void)a;
    uint32_t status = nic->config.port << STATUS_LAN_ID_SHIFT;
    if (nic->link_up)
        status |= STATUS_LINK_UP;
    if (nic->bus_master && !(nic_get(nic, R_CTRL) & CTRL_MASTER_DISABLE))
        status |= STATUS_MASTER_ENABLED;
    return status;
}

/* Both resets clear themselves (8.2.3.1.1); a software reset restarts the link as well, with what
 * the EEPROM says of AUTOC. */
void mac_control(struct nic *nic, const struct access *a) {
    if (a->value & (CTRL_DEVICE_RESET | CTRL_LINK_RESET)) {
        registers_reset(nic, false);
        nic->link_started = true;
        mac_link_update(nic);
        return;
    }
    nic_put(nic, a->offset, a->value);
}

static bool backplane(const struct nic *nic) {
    return nic->config.device_id == 0x10f7;
}

/* Restart_AN clears itself and lets the other fields take effect (8.2.3.22.19). */
void mac_autoc(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value & ~AUTOC_RESTART);
    if (a->value & AUTOC_RESTART) {
        nic->link_started = true;
        mac_link_update(nic);
    }
}

void mac_link_update(struct nic *nic) {
    bool up = nic->cable && nic->link_started && (backplane(nic) || !nic->config.sfp_absent);
    if (up == nic->link_up)
        return;
    nic->link_up = up;
    nic->link_lost = nic->link_lost || !up;
    interrupt_cause(nic, EICR_LINK);
    interrupts_deliver(nic);
}

/* Bit 7 stays 0 after a loss until it was read once (8.2.3.22.20). */
uint32_t mac_links(struct nic *nic, const struct access *a) {
    (void)a;
    uint32_t links = 0;
    if (nic->link_up) {
        links = LINKS_UP | LINKS_10G | (backplane(nic) ? LINKS_AN_COMPLETE : 0);
        if (!nic->link_lost)
            links |= LINKS_UP_NOW;
    }
    nic->link_lost = false;
    return links;
}

/* What the link partner advertised: KX and KX4, once negotiation ran (8.2.3.22.25). */
uint32_t mac_partner(struct nic *nic, const struct access *a) {
    (void)a;
    return backplane(nic) && nic->link_up ? 0x00030001 : 0;
}

/* No PHY answers: the command ends at once and an open MDIO line reads all ones (3.7.2). */
void mac_phy_command(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value & ~MSCA_COMMAND);
    if (a->value & MSCA_COMMAND)
        nic_put(nic, R_MSRWD, 0xffff0000 | (nic_get(nic, R_MSRWD) & 0xffff));
}

/* HLREG0 and MAXFRS together: the frame check sequence counts (8.2.3.22.8, 8.2.3.22.13). */
void mac_frame_size(struct nic *nic, const struct access *a) {
    nic_put(nic, a->offset, a->value);
    uint32_t core = nic_get(nic, R_HLREG0);
    nic->core = core;
    uint32_t bytes = core & HLREG0_JUMBO ? nic_get(nic, R_MAXFRS) >> 16 : 1518;
    if (bytes > RX_FRAME_BYTES)
        bytes = RX_FRAME_BYTES;
    nic->strip_crc = core & HLREG0_STRIP_CRC;
    nic->frame_bytes_max = bytes > FCS_BYTES ? bytes - FCS_BYTES : 0;
}

void mac_reset(struct nic *nic) {
    uint32_t mode = backplane(nic) ? AUTOC_BACKPLANE : AUTOC_10G_SERIAL;
    nic_put(nic, R_AUTOC, nic_get(nic, R_AUTOC) | mode << AUTOC_MODE_SHIFT);
    uint8_t *mac = nic->config.mac;
    nic_put(nic, R_RAL, mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
    struct access high = { .offset = R_RAH, .value = mac[4] | (uint32_t)mac[5] << 8 | RAH_VALID };
    filters_address(nic, &high);
    struct access vlan = { .offset = R_VLNCTRL, .value = nic_get(nic, R_VLNCTRL) };
    filters_vlan(nic, &vlan);
    nic_put(nic, R_MPSAR, 1);
    struct access core = { .offset = R_HLREG0, .value = nic_get(nic, R_HLREG0) };
    mac_frame_size(nic, &core);
}
