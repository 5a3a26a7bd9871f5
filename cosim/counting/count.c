/* A plugin of QEMU that counts the instructions a guest executes, exactly.
 *
 * Each time the guest executes a mark (the Thumb instruction 0xBFD0, a hint that does nothing on any M profile
 * core), the number of instructions executed before it is noted. At the end the notes are written, one decimal
 * number a line, to the file that the plugin's argument out=FILE names.
 *
 * The interface is "QEMU TCG Plugins", version 1, of QEMU 4.2 to 9.x. Debian packages no header for it, so what is
 * used of it is declared here. */
#include <inttypes.h>
#include <stdint.h>
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
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int operation, void *counter, uint64_t amount);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, execution_callback, int flags, void *);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_callback, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);

#define EXPORT __attribute__((visibility("default")))
enum { ADD_U64 = 0, NO_REGISTERS = 0 };
static const uint16_t MARK = 0xBFD0;

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;
static uint64_t *notes;
static size_t noted, room;
static const char *out;

static void on_mark(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (noted == room) {
        room = room ? 2 * room : 1024;
        notes = realloc(notes, room * sizeof *notes);
        if (!notes) {
            abort();
        }
    }
    notes[noted++] = executed;
}

/* QEMU runs callbacks before inline operations, so a note does not yet count the mark itself.
 * The first two bytes decide: no 32-bit instruction begins like the mark, and the size that QEMU 7.2 states is 4 for
 * a 16-bit instruction at the end of a page, whose successor the translator has looked at. */
static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        if (!memcmp(qemu_plugin_insn_data(instruction), &MARK, sizeof MARK)) {
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_mark, NO_REGISTERS, NULL);
        }
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, ADD_U64, &executed, 1);
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
    for (size_t i = 0; i < noted; i++) {
        fprintf(file, "%" PRIu64 "\n", notes[i]);
    }
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
