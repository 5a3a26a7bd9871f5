/* Which class a Thumb instruction of an M-profile core is in, by its encoding: Armv8-M Architecture Reference Manual
 * (DDI 0553), chapter C2, "Instruction set encoding". Whether a branch is taken and what stands before a load is not
 * the encoding's to say: here a branch is BRANCH_TAKEN and a single load is LOAD.
 *
 * Only what a core can execute is told apart; encodings that fault are in some class. */
#ifndef TAPEOUT_DECODE_H
#define TAPEOUT_DECODE_H

#include "decoded.h"
#include "decode_vector.h"

/* Whether a first half-word begins an instruction of 32 bits. */
static inline bool is_wide(uint16_t first)
{
    return first >= 0xE800;
}

/* Whether a branch takes longer to an instruction: no model of these cores says so. */
static inline bool is_unaligned(uint64_t address, uint16_t first)
{
    (void)address;
    (void)first;
    return false;
}

/* Whether this is the mark of mark.h. */
static inline bool is_mark(uint16_t first, uint16_t second)
{
    (void)second;
    return first == 0xBFD0;
}

static inline decoded decode_narrow(uint16_t code)
{
    bool load = code >> 11 & 1;
    switch (code >> 12) {
    case 0x4:
        if (code >> 11 == 0x9) { /* LDR (literal) */
            return single(LOAD);
        }
        if ((code & 0xFFC0) == 0x4340) { /* MUL */
            return single(MULTIPLY);
        }
        /* BX, BLX; ADD and MOV to the program counter */
        return single((code & 0xFF00) == 0x4700 || (code & 0xFD87) == 0x4487 ? BRANCH_TAKEN : ALU);
    case 0x5: /* register offset: STR STRH STRB LDRSB LDR LDRH LDRB LDRSH */
        return single((code >> 9 & 7) >= 3 ? LOAD : STORE);
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9:
        return single(load ? LOAD : STORE);
    case 0xB:
        if ((code & 0xF500) == 0xB100) { /* CBZ, CBNZ */
            return single(BRANCH_TAKEN);
        }
        if ((code & 0xF600) == 0xB400) { /* PUSH, POP */
            return several(load, bits_set(code & 0x1FF), load && code & 0x100);
        }
        return single(ALU);
    case 0xC: /* STM, LDM */
        return several(load, bits_set(code & 0xFF), false);
    case 0xD: /* B with a condition; UDF and SVC */
        return single((code & 0xFE00) == 0xDE00 ? ALU : BRANCH_TAKEN);
    case 0xE: /* B */
        return single(BRANCH_TAKEN);
    default:
        return single(ALU);
    }
}

/* 0xE8.. and 0xE9..: LDM, STM, LDRD, STRD, exclusive and ordered accesses, TBB, TBH, CLRM, SG, TT. */
static inline decoded decode_multiple(uint16_t first, uint16_t second)
{
    bool load = first >> 4 & 1;
    if (first == 0xE89F || first == 0xE97F) { /* CLRM, SG */
        return single(ALU);
    }
    if (!(first & 0x40)) {
        return several(load, bits_set(second), load && second & 0x8000);
    }
    if (first & 0x120) { /* with an immediate offset or write-back */
        return several(load, 2, false);
    }
    if ((first & 0xFFF0) == 0xE8D0 && (second & 0xFFE0) == 0xF000) { /* TBB, TBH */
        return (decoded){LOAD, 0, true, false};
    }
    if ((first & 0xFFF0) == 0xE840 && (second & 0xF03F) == 0xF000) { /* TT */
        return single(ALU);
    }
    return single(load ? LOAD : STORE);
}

/* 0xF0.. to 0xF7..: immediates, branches, loops of Armv8.1-M. */
static inline decoded decode_immediate(uint16_t first, uint16_t second)
{
    if (!(second & 0x8000)) {
        return single(ALU);
    }
    if ((second & 0xD000) == 0x8000) { /* B with a condition, or MSR, MRS, hints, barriers */
        return single((first & 0x0380) == 0x0380 ? ALU : BRANCH_TAKEN);
    }
    if ((second & 0xD000) == 0xC000) {
        if ((first & 0xFFC0) == 0xF000 && (second & 0xF800) == 0xE800) { /* VCTP */
            return single(VECTOR);
        }
        if ((second & 0x2000) || (first & 0x0080)) { /* DLS, LCTP, BF */
            return single(ALU);
        }
        return single((first & 0xFFCF) == 0xF00F ? LOOP_END : BRANCH_TAKEN); /* LE, LETP; WLS, WLSTP */
    }
    return single(BRANCH_TAKEN); /* B, BL */
}

/* 0xF8.. and 0xF9..: loads and stores of one register, PLD. */
static inline decoded decode_single(uint16_t first, uint16_t second)
{
    bool word = (first & 0x0060) == 0x0040;
    if (!(first & 0x10)) {
        return single(STORE);
    }
    if (second >> 12 == 0xF) { /* into the program counter, or nowhere */
        return word ? (decoded){LOAD, 0, true, false} : single(ALU);
    }
    return single(LOAD);
}

/* 0xFB..: multiplications and divisions. */
static inline decoded decode_multiplication(uint16_t first, uint16_t second)
{
    if (!(first & 0x80)) {
        return single(MULTIPLY);
    }
    bool divide = (first & 0x50) == 0x10 && (second & 0xF0) == 0xF0;
    return single(divide ? DIVIDE : MULTIPLY_LONG);
}

static inline decoded decode_wide(uint16_t first, uint16_t second)
{
    switch (first >> 8) {
    case 0xE8:
    case 0xE9:
        return decode_multiple(first, second);
    case 0xEC:
    case 0xED:
    case 0xFC:
    case 0xFD:
        return decode_extension_memory(first, second);
    case 0xEE:
    case 0xFE:
        return decode_extension_data(first, second);
    case 0xEF:
    case 0xFF:
        return decode_vector_data(first, second);
    case 0xF8:
    case 0xF9:
        return decode_single(first, second);
    case 0xFB:
        return decode_multiplication(first, second);
    default: /* 0xEA, 0xEB and 0xFA hold arithmetic on registers */
        return first >> 12 == 0xF && !(first & 0x0800) ? decode_immediate(first, second) : single(ALU);
    }
}

static inline decoded decode(uint16_t first, uint16_t second)
{
    return is_wide(first) ? decode_wide(first, second) : decode_narrow(first);
}

#endif
