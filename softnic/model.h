/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the model: its state, and what its parts offer each other. */
#ifndef SOFTNIC_MODEL_H
#define SOFTNIC_MODEL_H

#include "counters.h"
#include "nic.h"
#include "registers.h"
#include <stdatomic.h>
#include <string.h>

#define NIC_QUEUES           128
#define NIC_PAGES            (NIC_BAR0_BYTES / 4096)
#define NIC_PAGE_WORDS       1024
#define DESCRIPTOR_BYTES     16
#define RX_PENDING           32   /* write-backs held until a burst ends */
#define TX_FRAME_BYTES       9728 /* 9.5 KiB, datasheet 1.3 */
#define TX_FRAME_DESCRIPTORS 40
#define FRAME_BYTES_MIN      60 /* without frame check sequence */
#define FCS_BYTES            4
#define RX_FRAME_BYTES       15872 /* 15.5 KiB, the largest MAXFRS that works (datasheet 1.3) */

struct descriptor {
    uint64_t low, high;
};

/* What both directions know of a ring. Registers say what the driver wants; this says what the
 * device does, so that a client writing into a mapped page cannot confuse it. */
struct ring {
    uint8_t *memory; /* NULL: not mapped */
    uint64_t base;
    uint32_t count; /* descriptors */
    uint32_t head;
    uint32_t *tail_register, *head_register;
    uint8_t number;
    uint8_t counter; /* which of the 16 statistics */
    uint8_t vector;  /* or NO_VECTOR */
    bool enabled;
};
#define NO_VECTOR 0xff

struct rx_queue {
    struct ring ring;
    uint32_t tail; /* as last read */
    uint32_t buffer_bytes;
    uint64_t address_bits; /* of a descriptor's buffer address: bit 0 of advanced ones is a flag */
    bool advanced, drop, strip_vlan;
    bool dirty;             /* on the list of queues that a burst touched */
    uint32_t pending_count; /* descriptors before the head that are not written back yet */
    struct descriptor pending[RX_PENDING];
    uint64_t frames, bytes; /* since the last fold into counters */
};

struct tx_context {
    struct descriptor descriptor;
    bool valid;
};

struct tx_queue {
    struct ring ring;
    uint32_t write_back_threshold;
    struct tx_context contexts[2];
    uint64_t frames, bytes;
};

struct interrupts {
    uint32_t causes;      /* EICR 30:16 */
    uint32_t mask_others; /* EIMS 30:16 */
    uint64_t pending;     /* by vector (EICR 15:0 are the first): an event that was not signalled */
    uint64_t bits;        /* as EICR 15:0 shows them */
    uint64_t mask;        /* EIMS_EX */
    uint64_t others_wait; /* vectors that have other causes to tell */
    uint64_t next_ns[128]; /* by EITR; vectors have the first 64 */
    bool asserted;         /* legacy line */
};

#define EEPROM_WORDS 2048
struct eeprom {
    uint16_t words[EEPROM_WORDS];
    uint32_t control;                   /* EEC bits as the driver wrote them */
    uint32_t shift_in, shift_out, bits; /* SPI */
    uint32_t address;
    bool reading;
};

enum i2c_state { I2C_IDLE, I2C_RECEIVE, I2C_ACKNOWLEDGE, I2C_SEND, I2C_AWAIT };
struct sfp {
    uint8_t bytes[256];
    enum i2c_state state;
    uint32_t shift, bits, received;
    uint8_t pointer;
    bool clock, data; /* as the driver drives them */
    bool drive_low;   /* we pull the data line down */
    bool reading, acknowledged;
};

struct rss {
    bool dirty;              /* the key changed */
    uint32_t table[36][256]; /* hash of each byte value at each place */
};

struct nic {
    struct nic_config config;
    struct nic_host host;
    struct dma *dma;
    struct wire *wire;
    uint32_t dma_generation;
    uint32_t *pages[NIC_PAGES];
    uint32_t *bar;       /* all pages but the doorbells */
    uint32_t *doorbells; /* both, mapped from the memfd */
    int doorbell_fd;

    /* What the hot paths ask, derived from registers when these change. */
    bool bus_master, rx_on, tx_on, link_up, rss_on;
    bool strip_crc;
    uint32_t core;            /* HLREG0 */
    uint32_t frame_bytes_max; /* without frame check sequence */

    uint8_t rx_list[NIC_QUEUES], tx_list[NIC_QUEUES];
    uint64_t addresses[128]; /* filters */
    uint32_t address_count;
    uint16_t vlan_type; /* VLNCTRL.VET, in the order of a frame's bytes */
    bool vlan_filter;
    uint32_t rx_count, tx_count, tx_turn;
    uint8_t rx_dirty[NIC_QUEUES];
    uint32_t rx_dirty_count;

    bool cable, link_started, link_lost;
    struct interrupts interrupts;
    struct eeprom eeprom;
    struct sfp sfp;
    struct rss rss;

    struct tally rx_tally, tx_tally;
    uint64_t counters[COUNTERS];
    struct nic_stats stats;

    struct rx_queue rx[NIC_QUEUES];
    struct tx_queue tx[NIC_QUEUES];
    /* Frames put together or padded, and frames changed on their way in. Two, because a wire may
     * bring a frame back while it is still being sent. */
    uint8_t gathered[TX_FRAME_BYTES];
    uint8_t reshaped[RX_FRAME_BYTES + FCS_BYTES];
};

static inline uint32_t *nic_register(const struct nic *nic, uint32_t offset) {
    return &nic->pages[offset >> 12][(offset >> 2) & (NIC_PAGE_WORDS - 1)];
}

/* Pages that a client may map change under our hands: every look is one load. */
static inline uint32_t nic_get(const struct nic *nic, uint32_t offset) {
    return atomic_load_explicit((_Atomic uint32_t *)nic_register(nic, offset),
                                memory_order_relaxed);
}

static inline void nic_put(struct nic *nic, uint32_t offset, uint32_t value) {
    atomic_store_explicit((_Atomic uint32_t *)nic_register(nic, offset), value,
                          memory_order_release);
}

static inline uint32_t rx_register(uint32_t queue, uint32_t offset) {
    return queue < 64 ? offset + 0x40 * queue : offset + 0xc000 + 0x40 * (queue - 64);
}

static inline uint32_t tx_register(uint32_t queue, uint32_t offset) {
    return offset + 0x40 * queue;
}

/* One access to a register, as handlers see it. */
struct access {
    const struct reg *reg;
    uint32_t index, offset;
    uint32_t value; /* written, reserved bits already as they were */
};

/* One row of the register table: an array of `count` registers `stride` bytes apart. */
struct reg {
    uint32_t offset;
    uint16_t count, stride;
    const char *name, *section;
    uint32_t reset, writable;
    uint32_t alias; /* without a name: where the true array is, with `alias_stride` */
    uint16_t alias_stride;
    uint16_t first; /* number of its first element */
    uint16_t counter;
    bool high;              /* of a 64-bit counter */
    uint32_t ignored;       /* read-only bits in which anything may be written */
    uint32_t self_clearing; /* commands that are done at once */
    uint32_t enable;        /* what switches a filter on that is not modelled */
    bool survives;          /* CTRL.RST */
    const char *why;        /* why its reserved bits must stay, where there is more to say */
    uint32_t (*read)(struct nic *nic, const struct access *a);
    void (*write)(struct nic *nic, const struct access *a);
};

extern const struct reg register_table[];
extern const uint32_t register_table_rows;

/* registers.c */
void registers_reset(struct nic *nic, bool all);
/* Strict mode stops with that sentence; otherwise it is counted and tolerated. */
void nic_violate(struct nic *nic, const char *format, ...) __attribute__((format(printf, 2, 3)));
void register_violate(struct nic *nic, const struct access *a, const char *why);

/* mac.c */
uint32_t mac_status(struct nic *nic, const struct access *a);
uint32_t mac_links(struct nic *nic, const struct access *a);
uint32_t mac_partner(struct nic *nic, const struct access *a);
void mac_control(struct nic *nic, const struct access *a);
void mac_autoc(struct nic *nic, const struct access *a);
void mac_phy_command(struct nic *nic, const struct access *a);
void mac_frame_size(struct nic *nic, const struct access *a);
void mac_reset(struct nic *nic);
void mac_link_update(struct nic *nic);

/* eeprom.c */
void eeprom_init(struct nic *nic);
uint32_t eeprom_control_read(struct nic *nic, const struct access *a);
void eeprom_control_write(struct nic *nic, const struct access *a);
void eeprom_read_word(struct nic *nic, const struct access *a);
uint32_t eeprom_semaphore_read(struct nic *nic, const struct access *a);

/* sfp.c */
void sfp_init(struct nic *nic);
uint32_t sfp_read(struct nic *nic, const struct access *a);
void sfp_write(struct nic *nic, const struct access *a);
uint32_t sfp_pins_read(struct nic *nic, const struct access *a);

/* queues.c */
void ring_configure(struct nic *nic, const struct access *a);
void ring_tail(struct nic *nic, const struct access *a);
void rx_control(struct nic *nic, const struct access *a);
void rx_split_control(struct nic *nic, const struct access *a);
void tx_control(struct nic *nic, const struct access *a);
void tx_head_write_back(struct nic *nic, const struct access *a);
void rx_enable(struct nic *nic, const struct access *a);
void tx_enable(struct nic *nic, const struct access *a);
void tx_queue_mode(struct nic *nic, const struct access *a);
void write_before_receive(struct nic *nic, const struct access *a);
void queue_statistics_map(struct nic *nic, const struct access *a);
void queues_reset(struct nic *nic);
void queues_resolve(struct nic *nic); /* rings again, after the driver's memory changed */

/* The driver's core wrote these lines last; ask for them a few frames before they are needed. */
static inline void ring_prefetch(const struct nic *nic, const struct ring *ring, bool write) {
    enum { AHEAD = 6 };
    uint32_t at = ring->head + AHEAD;
    if (at >= ring->count)
        return;
    uint64_t address;
    memcpy(&address, ring->memory + DESCRIPTOR_BYTES * at, sizeof(address));
    uint64_t offset = address - nic->dma->last.iova;
    if (offset >= nic->dma->last.bytes)
        return;
    const uint8_t *first = nic->dma->last.memory + offset, *last = first + FRAME_BYTES_MIN - 1;
    if (write) {
        __builtin_prefetch(first, 1);
        __builtin_prefetch(last, 1);
    } else {
        __builtin_prefetch(first, 0);
        __builtin_prefetch(last, 0);
    }
}

/* tx.c; the receive side is nic_deliver() in rx.c */
uint32_t tx_poll(struct nic *nic, uint32_t budget);

/* filters.c: accept the frame? *inexact: only a hash table said so. */
void filters_unknown(struct nic *nic, const struct access *a);
void filters_address(struct nic *nic, const struct access *a);
bool filters_accept(const struct nic *nic, const uint8_t *frame, bool *inexact);

void filters_vlan(struct nic *nic, const struct access *a);
static inline bool is_tagged(const struct nic *nic, const uint8_t *frame) {
    return memcmp(frame + 12, &nic->vlan_type, 2) == 0;
}

/* fcs.c: as it follows the frame, first byte in the low bits */
uint32_t frame_check(const uint8_t *frame, uint32_t bytes);

/* rss.c */
struct rss_result {
    uint32_t packet_type; /* RX_TYPE_* */
    uint32_t hash_type;   /* RX_RSS_* */
    uint32_t hash;
};
void rss_classify(struct nic *nic, const uint8_t *frame, uint32_t bytes, bool tagged,
                  struct rss_result *result);
uint32_t rss_queue(const struct nic *nic, const struct rss_result *result);
void rss_key(struct nic *nic, const struct access *a);
void rss_mode(struct nic *nic, const struct access *a);

/* interrupts.c */
void interrupts_reset(struct nic *nic);
void interrupt_raise(struct nic *nic, uint32_t vector);
void interrupt_cause(struct nic *nic, uint32_t cause); /* of EICR 30:16 */
void interrupts_deliver(struct nic *nic);
static inline bool interrupts_waiting(const struct nic *nic) {
    const struct interrupts *i = &nic->interrupts;
    return i->pending & (i->mask | i->others_wait) || i->causes & i->mask_others;
}
uint32_t interrupt_cause_read(struct nic *nic, const struct access *a);
void interrupt_cause_write(struct nic *nic, const struct access *a);
uint32_t interrupt_cause_peek(struct nic *nic, const struct access *a);
void interrupt_trigger(struct nic *nic, const struct access *a);
uint32_t interrupt_mask_read(struct nic *nic, const struct access *a);
void interrupt_mask_set(struct nic *nic, const struct access *a);
void interrupt_mask_clear(struct nic *nic, const struct access *a);
void interrupt_throttle(struct nic *nic, const struct access *a);
void interrupt_vectors(struct nic *nic, const struct access *a);

/* counters.c */
void counters_fold(struct nic *nic);
uint32_t counter_read(struct nic *nic, const struct access *a);
static inline uint32_t size_class(uint32_t bytes) { /* 64, -127, -255, -511, -1023, more */
    if (bytes <= 64)
        return 0;
    uint32_t bits = 32 - (uint32_t)__builtin_clz(bytes);
    return bits <= 10 ? bits - 6 : 5;
}
static inline void tally(struct tally *t, const uint8_t *frame, uint32_t bytes_with_fcs) {
    t->bytes += bytes_with_fcs;
    t->sizes[size_class(bytes_with_fcs)]++;
    if (__builtin_expect(frame[0] & 1, 0)) {
        bool broadcast = memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6) == 0;
        t->broadcast += broadcast;
        t->multicast += !broadcast;
    }
}

#endif
