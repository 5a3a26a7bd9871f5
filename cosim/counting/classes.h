/* The classes of instructions that the decoders of cosim/cores tell apart, and what is counted beside them. Every executed
 * instruction is in one class; of classes that a core lacks there are none. The names are those of the report and of the families'
 * cycles.toml. */
#ifndef TAPEOUT_CLASSES_H
#define TAPEOUT_CLASSES_H

/* Loads and stores of the floating-point unit are multiple ones, of one register at least, as ARM times them so. An instruction
 * that an IT block skips is executed, in its class. */
#define FOR_EACH_CLASS(X)                                                                             \
    X(ALU, "alu")                               /* all that is not below: arithmetic, moves, hints */ \
    X(MULTIPLY, "multiply")                     /* 32-bit result: MUL, MLA, SMLAD, SMMLA, USAD8 */    \
    X(MULTIPLY_LONG, "multiply_long")           /* 64-bit result: SMULL, UMLAL, SMLALD */             \
    X(DIVIDE, "divide")                         /* SDIV, UDIV */                                      \
    X(LOAD, "load")                             /* one register; also TBB and TBH */                  \
    X(LOAD_NEXT, "load_next")                   /* a load right behind a load */                      \
    X(STORE, "store")                           /* one register */                                    \
    X(LOAD_MULTIPLE, "load_multiple")           /* LDM, POP, LDRD, VLDR, VLDM */                      \
    X(STORE_MULTIPLE, "store_multiple")         /* STM, PUSH, STRD, VSTR, VSTM */                     \
    X(BRANCH_TAKEN, "branch_taken")             /* calls and returns by BX among them */              \
    X(BRANCH_NOT_TAKEN, "branch_not_taken")     /* also a branch to the next instruction */           \
    X(LOOP_END, "loop_end")                     /* LE, LETP */                                        \
    X(FLOAT, "float")                           /* scalar, and moves between register files */        \
    X(FLOAT_MULTIPLY_ADD, "float_multiply_add") /* VMLA, VFMA */                                      \
    X(FLOAT_DIVIDE, "float_divide")             /* VDIV, VSQRT */                                     \
    X(VECTOR_LOAD, "vector_load")               /* contiguous, VLD2, VLD4 */                          \
    X(VECTOR_STORE, "vector_store")                                                                   \
    X(VECTOR_GATHER, "vector_gather")           /* gathers and scatters */                            \
    X(VECTOR_MULTIPLY, "vector_multiply")       /* with or without a sum: VMLADAV, VMUL, VFMA */      \
    X(VECTOR, "vector")                         /* other vector instructions */

#define FOR_EACH_EVENT(X)                                                                                      \
    X(REGISTERS_LOADED, "registers_loaded")           /* by load_multiple; words of the floating-point unit */ \
    X(REGISTERS_STORED, "registers_stored")           /* by store_multiple */                                  \
    X(PROGRAM_COUNTER_LOADS, "program_counter_loads") /* of load and load_multiple: POP {pc}, TBB */           \
    X(VECTOR_OVERLAPS, "vector_overlaps")             /* vector instructions behind one of another unit: memory, multiplier, rest */ \
    X(JUMPS, "jumps")                                 /* of branch_taken: those without a condition; of RISC-V alone */ \
    X(UNALIGNED_TARGETS, "unaligned_targets")         /* of branch_taken: to 4 bytes across two words; of RISC-V alone */

#define NAME_OF_CONSTANT(constant, text) constant,
#define TEXT(constant, text) text,

enum { FOR_EACH_CLASS(NAME_OF_CONSTANT) FOR_EACH_EVENT(NAME_OF_CONSTANT) KINDS };
enum { CLASSES = REGISTERS_LOADED };

#endif
