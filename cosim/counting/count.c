/* A plugin of QEMU that counts the instructions a guest executes, exactly, in all and by class.
 *
 * Each time the guest executes a mark, an instruction that does nothing, the counts of the instructions executed before it
 * are noted. Which instruction that is and which class any other is in says decode.h of the guest's family of cores, in
 * cosim/cores. At the end the notes are written to the file that the plugin's argument out=FILE names: a line of names, "instructions" and those of classes.h with a bar before the events,
 * and a line of decimal numbers for each mark.
 *
 * Which way a branch went is seen at the block of code that runs next. A block ends at every branch, and a block that
 * starts right behind a branch is where it does not go.
 *
 * The interface is "QEMU TCG Plugins", version 1, of QEMU 4.2 to 9.x. Debian packages no header for it, so what is
 * used of it is declared here. */
#include "decode.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
typedef void (*translation_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*execution_callback)(unsigned int, void *);
typedef void (*exit_callback)(qemu_plugin_id_t, void *);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translation_callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, execution_callback, int flags, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *counter, uint64_t amount);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, execution_callback, int flags, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_callback, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

#define EXPORT __attribute__((visibility("default")))
enum { ADD_U64 = 0, NO_REGISTERS = 0 };

EXPORT int qemu_plugin_version = 1;

/* A block of code, as translated; `behind` is the address after it, `unaligned` says that it is one of UNALIGNED_TARGETS. */
typedef struct {
    uint64_t start, behind;
    bool branches, unaligned;
} block_record;

typedef struct {
    uint64_t executed, counts[KINDS];
} note;

static const char *const NAMES[KINDS] = {FOR_EACH_CLASS(TEXT) FOR_EACH_EVENT(TEXT)};
static note now;
static note *notes;
static size_t noted, room;
static const block_record *last;
static const char *out;

static void *must(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

static void on_mark(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (noted == room) {
        room = room ? 2 * room : 1024;
        notes = must(realloc(notes, room * sizeof *notes));
    }
    notes[noted++] = now;
}

/* A block is about to run: the one before it has ended. */
static void on_block(unsigned int cpu, void *record)
{
    (void)cpu;
    const block_record *next = record;
    if (last && last->branches) {
        const bool taken = next->start != last->behind;
        now.counts[taken ? BRANCH_TAKEN : BRANCH_NOT_TAKEN]++;
        now.counts[UNALIGNED_TARGETS] += taken && next->unaligned;
    }
    last = next;
}

static void count(struct qemu_plugin_insn *instruction, uint64_t *counter, uint64_t amount)
{
    if (amount) {
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, counter, amount);
    }
}

/* The unit that runs a class of vector instructions, as a class of its own; KINDS for other instructions. */
static unsigned vector_unit(unsigned class)
{
    if (class < VECTOR_LOAD) {
        return KINDS;
    }
    return class == VECTOR_STORE || class == VECTOR_GATHER ? VECTOR_LOAD : class;
}

/* Counts what an instruction adds each time it runs, right behind one of class `before`; a branch counts in on_block(). */
static void count_instruction(struct qemu_plugin_insn *instruction, decoded found, unsigned before)
{
    unsigned class = found.class == LOAD && before == LOAD ? LOAD_NEXT : found.class;
    unsigned unit = vector_unit(class);
    count(instruction, &now.executed, 1);
    if (class != BRANCH_TAKEN) {
        count(instruction, &now.counts[class], 1);
    }
    if (class == LOAD_MULTIPLE || class == STORE_MULTIPLE) {
        count(instruction, &now.counts[class == LOAD_MULTIPLE ? REGISTERS_LOADED : REGISTERS_STORED], found.registers);
    }
    count(instruction, &now.counts[PROGRAM_COUNTER_LOADS], found.loads_program_counter);
    count(instruction, &now.counts[JUMPS], found.jumps);
    count(instruction, &now.counts[VECTOR_OVERLAPS], unit != KINDS && vector_unit(before) != KINDS && unit != vector_unit(before));
}

/* QEMU runs callbacks before inline operations, so a note does not yet count the mark itself.
 * The first two bytes decide whether four are looked at: the size that QEMU 7.2 states is 4 for a 16-bit instruction
 * at the end of a page, whose successor the translator has looked at. Records of blocks live as long as QEMU. */
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    unsigned before = ALU;
    block_record *record = must(calloc(1, sizeof *record));
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, NO_REGISTERS, record);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        const uint8_t *bytes = qemu_plugin_insn_data(instruction);
        uint16_t first = (uint16_t)(bytes[0] | bytes[1] << 8);
        bool wide = is_wide(first);
        uint16_t second = wide ? (uint16_t)(bytes[2] | bytes[3] << 8) : 0;
        decoded found = decode(first, second);
        uint64_t address = qemu_plugin_insn_vaddr(instruction);
        if (i == 0) {
            record->start = address;
            record->unaligned = is_unaligned(address, first);
        }
        record->behind = address + (wide ? 4 : 2);
        record->branches = found.class == BRANCH_TAKEN;
        if (is_mark(first, second)) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, NO_REGISTERS, NULL);
        }
        count_instruction(instruction, found, before);
        before = found.class;
    }
}

static void on_exit_of_qemu(qemu_plugin_id_t id, void *unused)
{
    (void)id;
    (void)unused;
    FILE *file = fopen(out, "w");
    if (!file) {
        return;
    }
    fputs("instructions", file);
    for (size_t kind = 0; kind < KINDS; kind++) {
        fprintf(file, "%s %s", kind == CLASSES ? " |" : "", NAMES[kind]);
    }
    for (size_t i = 0; i < noted; i++) {
        fprintf(file, "\n%" PRIu64, notes[i].executed);
        for (size_t kind = 0; kind < KINDS; kind++) {
            fprintf(file, " %" PRIu64, notes[i].counts[kind]);
        }
    }
    fputc('\n', file);
    fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (!strncmp(arguments[i], "out=", 4)) {
            out = arguments[i] + 4;
        }
    }
    if (!out) {
        fputs("count: say out=FILE\n", stderr);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
    return 0;
}
