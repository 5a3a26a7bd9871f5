/* Which class an instruction of a RISC-V core of 32 bits is in, by its encoding: "The RISC-V Instruction Set Manual", volume I, chapters
 * "RV32/64G Instruction Set Listings" and "C". Whether a branch is taken and what stands before a load is not the encoding's to
 * say: here a branch is BRANCH_TAKEN and a load is LOAD, also one into a floating-point register.
 *
 * Only what our targets execute is told apart: I, M, F and C of RV32, halves of floats, and
 * vectors. */
#ifndef TAPEOUT_DECODE_H
#define TAPEOUT_DECODE_H

#include "decoded.h"

/* Whether a first half-word begins an instruction of 32 bits. */
static inline bool is_wide(uint16_t first)
{
    return (first & 3) == 3;
}

/* Whether an instruction lies in two words of memory, both of which a core fetches when it jumps there. */
static inline bool is_unaligned(uint64_t address, uint16_t first)
{
    return is_wide(first) && (address & 2) != 0;
}

/* Whether this is the mark of mark.h. */
static inline bool is_mark(uint16_t first, uint16_t second)
{
    return first == 0x2013 && second == 0x0010;
}

static inline decoded decode_narrow(uint16_t code)
{
    unsigned kind = code >> 13 & 7;
    switch (code & 3) {
    case 0: /* C.ADDI4SPN; C.LW, C.FLW; C.SW, C.FSW */
        return single((kind & 3) == 0 ? ALU : kind < 4 ? LOAD : STORE);
    case 1: /* C.JAL; C.J, C.BEQZ, C.BNEZ */
        return kind == 1 || kind == 5 ? jump() : single(kind > 5 ? BRANCH_TAKEN : ALU);
    default: /* C.SLLI; C.LWSP, C.FLWSP; C.SWSP, C.FSWSP */
        if (kind == 4) { /* C.JR, C.JALR; C.MV, C.ADD, C.EBREAK */
            return (code & 0x7C) == 0 && (code & 0xF80) != 0 ? jump() : single(ALU);
        }
        return single(kind == 0 ? ALU : kind < 4 ? LOAD : STORE);
    }
}

/* Arithmetic on two registers. */
static inline decoded decode_registers(uint16_t first, uint16_t second)
{
    unsigned kind = first >> 12 & 7;
    if (second >> 9 != 1) {
        return single(ALU);
    }
    return single(kind == 0 ? MULTIPLY : kind < 4 ? MULTIPLY_LONG : DIVIDE);
}

/* A load or store of floats, whose width says that it is one of vectors; of these those in one piece, else by strides or indices. */
static inline decoded decode_floats_or_vectors(uint16_t first, uint16_t second, bool load)
{
    unsigned width = first >> 12 & 7;
    if (width >= 1 && width <= 4) {
        return single(load ? LOAD : STORE);
    }
    return single(second >> 10 & 3 ? VECTOR_GATHER : load ? VECTOR_LOAD : VECTOR_STORE);
}

/* Arithmetic on vectors, by its field funct6: "The RISC-V Vector Extension", chapter "Vector Instruction Listing". */
static inline decoded decode_vector(uint16_t first, uint16_t second)
{
    unsigned kind = first >> 12 & 7, function = second >> 10;
    bool integers = kind == 2 || kind == 6, floats = kind == 1 || kind == 5;
    if (integers) { /* VMULHU to VMULH; VMADD to VNMSAC; VWMULU to VWMACCSU */
        return single((function >= 0x24 && function <= 0x27) || (function >= 0x29 && function <= 0x2F && function & 1) || function >= 0x38
                          ? VECTOR_MULTIPLY
                          : VECTOR);
    }
    if (floats) { /* VFMUL; VFMADD to VFNMSAC; VFWMUL; VFWMACC to VFWNMSAC */
        return single(function == 0x24 || (function >= 0x28 && function <= 0x2F) || function == 0x38 || function >= 0x3C ? VECTOR_MULTIPLY
                                                                                                                         : VECTOR);
    }
    return single((kind == 0 || kind == 4) && function == 0x27 ? VECTOR_MULTIPLY : VECTOR); /* VSMUL */
}

static inline decoded decode_wide(uint16_t first, uint16_t second)
{
    switch (first & 0x7F) {
    case 0x03: /* LB to LHU */
        return single(LOAD);
    case 0x07: /* FLH, FLW */
    case 0x27:
        return decode_floats_or_vectors(first, second, !(first & 0x20));
    case 0x23:
        return single(STORE);
    case 0x57:
        return decode_vector(first, second);
    case 0x33:
        return decode_registers(first, second);
    case 0x43: /* FMADD, FMSUB, FNMSUB, FNMADD */
    case 0x47:
    case 0x4B:
    case 0x4F:
        return single(FLOAT_MULTIPLY_ADD);
    case 0x53: /* FDIV, FSQRT */
        return single(second >> 11 == 0x03 || second >> 11 == 0x0B ? FLOAT_DIVIDE : FLOAT);
    case 0x63: /* BEQ to BGEU */
        return single(BRANCH_TAKEN);
    case 0x67: /* JALR, JAL */
    case 0x6F:
        return jump();
    default:
        return single(ALU);
    }
}

static inline decoded decode(uint16_t first, uint16_t second)
{
    return is_wide(first) ? decode_wide(first, second) : decode_narrow(first);
}

#endif
