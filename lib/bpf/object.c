/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *   header | sections' contents, each at a multiple of 8 | section headers
 *
 * The format is ELF's, e_machine EM_BPF; .BTF and .BTF.ext are described in
 * Documentation/bpf/btf.rst.
 */
#include "object.h"
#include <bpf/btf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_SECTION "xdp.frags"

enum section { NONE, STRINGS, SYMBOLS, PROGRAM, TERMS, TYPES, FUNCTIONS, SECTIONS };

struct content {
    const void *data;
    size_t bytes;
};

/* .BTF.ext with nothing but where the program's only function starts, and its type. */
struct functions {
    uint16_t magic;
    uint8_t version, flags;
    uint32_t header_bytes;
    uint32_t function_offset, function_bytes, line_offset, line_bytes;
    uint32_t record_bytes;
    uint32_t section_name, count; /* the name is a string of .BTF */
    uint32_t instruction, type;
};

static void add_xdp_md(struct btf *btf, int word) {
    static const char *const fields[] = { "data",           "data_end",
                                          "data_meta",      "ingress_ifindex",
                                          "rx_queue_index", "egress_ifindex" };
    btf__add_struct(btf, "xdp_md", sizeof(fields) / sizeof(*fields) * 4);
    for (uint32_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        btf__add_field(btf, fields[i], word, i * 32, 0);
}

/* Each add gives the next number, or fails; a failure shows in the last one's. */
static struct btf *make_types(const char *name, struct functions *functions) {
    struct btf *btf = btf__new_empty();
    if (!btf)
        return NULL;
    int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
    add_xdp_md(btf, btf__add_int(btf, "unsigned int", 4, 0));
    int pointer = btf__add_ptr(btf, integer + 2);
    int prototype = btf__add_func_proto(btf, integer);
    btf__add_func_param(btf, "ctx", pointer);
    int function = btf__add_func(btf, name, BTF_FUNC_GLOBAL, prototype);
    int section = btf__add_str(btf, PROGRAM_SECTION);
    if (function != integer + 5 || section < 0) {
        btf__free(btf);
        return NULL;
    }
    const uint32_t offset = offsetof(struct functions, record_bytes);
    *functions = (struct functions){ .magic = BTF_MAGIC,
                                     .version = BTF_VERSION,
                                     .header_bytes = offset,
                                     .function_bytes = sizeof(*functions) - offset,
                                     .line_offset = sizeof(*functions) - offset,
                                     .record_bytes = 8,
                                     .section_name = (uint32_t)section,
                                     .count = 1,
                                     .type = (uint32_t)function };
    return btf;
}

static size_t aligned(size_t bytes) {
    return (bytes + 7) & ~(size_t)7;
}

/* Lays the contents out behind the header, and their headers behind them. */
static void *lay_out(const struct content contents[SECTIONS], Elf64_Shdr headers[SECTIONS],
                     size_t *bytes) {
    const uint16_t one = 1;
    size_t at = sizeof(Elf64_Ehdr);
    for (int i = 1; i < SECTIONS; i++) {
        headers[i].sh_offset = at;
        headers[i].sh_size = contents[i].bytes;
        headers[i].sh_addralign = 8;
        at += aligned(contents[i].bytes);
    }
    *bytes = at + SECTIONS * sizeof(*headers);
    char *object = calloc(1, *bytes);
    if (!object)
        return NULL;
    *(Elf64_Ehdr *)object = (Elf64_Ehdr){
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                     *(const uint8_t *)&one ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT },
        .e_type = ET_REL,
        .e_machine = EM_BPF,
        .e_version = EV_CURRENT,
        .e_shoff = at,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = STRINGS,
    };
    for (int i = 1; i < SECTIONS; i++)
        memcpy(object + headers[i].sh_offset, contents[i].data, contents[i].bytes);
    memcpy(object + at, headers, SECTIONS * sizeof(*headers));
    return object;
}

/* Names of sections and of the one symbol; returns where the name begins that was added. */
static uint32_t add_name(char *strings, size_t *used, const char *name) {
    uint32_t at = (uint32_t)*used;
    memcpy(strings + at, name, strlen(name) + 1);
    *used += strlen(name) + 1;
    return at;
}

void *leat_object_make(const char *name, const char *terms, const struct code *code,
                       size_t *bytes) {
    static const struct {
        const char *name;
        uint32_t type;
        uint64_t flags;
    } sections[SECTIONS] = {
        [STRINGS] = { ".strtab", SHT_STRTAB, 0 },
        [SYMBOLS] = { ".symtab", SHT_SYMTAB, 0 },
        [PROGRAM] = { PROGRAM_SECTION, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR },
        [TERMS] = { "license", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE },
        [TYPES] = { ".BTF", SHT_PROGBITS, 0 },
        [FUNCTIONS] = { ".BTF.ext", SHT_PROGBITS, 0 },
    };
    char strings[128] = ""; /* BPF names have 15 characters at most */
    size_t used = 1;
    uint32_t types_bytes;
    struct functions functions;
    Elf64_Shdr headers[SECTIONS] = { 0 };
    struct btf *btf = make_types(name, &functions);
    if (!btf)
        return NULL;
    for (int i = 1; i < SECTIONS; i++) {
        headers[i].sh_name = add_name(strings, &used, sections[i].name);
        headers[i].sh_type = sections[i].type;
        headers[i].sh_flags = sections[i].flags;
    }
    size_t code_bytes = code->count * sizeof(*code->insns);
    const Elf64_Sym symbols[] = {
        { 0 },
        { .st_name = add_name(strings, &used, name),
          .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
          .st_shndx = PROGRAM,
          .st_size = code_bytes },
    };
    headers[SYMBOLS].sh_link = STRINGS;
    headers[SYMBOLS].sh_info = 1; /* the first that is not local */
    headers[SYMBOLS].sh_entsize = sizeof(*symbols);
    const void *types = btf__raw_data(btf, &types_bytes);
    const struct content contents[SECTIONS] = {
        [STRINGS] = { strings, used },           [SYMBOLS] = { symbols, sizeof(symbols) },
        [PROGRAM] = { code->insns, code_bytes }, [TERMS] = { terms, strlen(terms) + 1 },
        [TYPES] = { types, types_bytes },        [FUNCTIONS] = { &functions, sizeof(functions) },
    };
    void *object = types ? lay_out(contents, headers, bytes) : NULL;
    btf__free(btf);
    return object;
}
