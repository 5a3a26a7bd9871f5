/* The part of decode.h that tells floating-point and vector (MVE) instructions apart. */
#ifndef TAPEOUT_DECODE_VECTOR_H
#define TAPEOUT_DECODE_VECTOR_H

#include "decoded.h"

/* Half, single and double precision are the coprocessors 9, 10 and 11. */
static inline bool is_scalar_float(uint16_t second)
{
    unsigned coprocessor = second >> 8 & 15;
    return coprocessor >= 9 && coprocessor <= 11;
}

/* 0xEC.., 0xED.., 0xFC.., 0xFD..: loads and stores of both, moves of two registers, complex arithmetic. */
static inline decoded decode_extension_memory(uint16_t first, uint16_t second)
{
    bool load = first >> 4 & 1;
    if ((first & 0xFF9F) == 0xEC9F && is_scalar_float(second)) { /* VSCCLRM */
        return single(FLOAT);
    }
    if (is_scalar_float(second)) {
        if ((first & 0xFFA0) == 0xEC00) { /* VMOV of two core registers */
            return single(FLOAT);
        }
        if ((first & 0x0120) == 0x0100) { /* VLDR, VSTR; a double precision register is two words */
            return several(load, (second & 0xF00) == 0xB00 ? 2 : 1, false);
        }
        return several(load, second & 0xFF, false);
    }
    bool indexed = first & 0x0120;
    if (indexed && (second & 0x1F80) == 0x0F80) { /* VLDR, VSTR of a system register */
        return several(load, 1, false);
    }
    if ((first & 0xFE00) == 0xFC00 && (second & 0x0F00) == 0x0800) { /* VCMLA, VCADD */
        return single(first & 0x20 ? VECTOR_MULTIPLY : VECTOR);
    }
    if ((first & 0xFFA0) == 0xEC00) { /* VMOV of two lanes */
        return single(VECTOR);
    }
    bool by_vector_base = (first & 0xFF00) == 0xFD00 && second & 0x1000;
    bool by_vector_offset = !indexed && !(second & 0x1000);
    if (by_vector_base || by_vector_offset) {
        return single(VECTOR_GATHER);
    }
    return single(load ? VECTOR_LOAD : VECTOR_STORE);
}

/* Whether a vector instruction of 0xEE.. or 0xFE.. multiplies. */
static inline bool extension_multiplies(uint16_t first, uint16_t second)
{
    bool widest = (first & 0x31) == 0x31; /* where an element size would be */
    if ((second & 0x0F00) == 0x0E00) {
        if (first & 0x80) { /* VMLADAV, VMLALDAV */
            return true;
        }
        if (!widest) { /* VMUL, VMLA, VMULH, VMULL, VQDMLAH, VCMUL, but not VBRSR */
            return (first & 0xFF01) != 0xFE01 || (second & 0x1070) != 0x1060;
        }
        return second & 0x40 ? (second & 0x1020) != 0x1020 : !(second & 1); /* VFMA by a scalar but not VSHL; VMULL.P but not VQMOVN */
    }
    if (first & 0x80) { /* VRMLALDAVH and VMLADAV of bytes, but not VADDV, VMINV, VABAV, VSHRN */
        return !(second & 0x51) && !(first & 1) && (first & 0x70) != 0x60;
    }
    return (first & 0x31) == 0x30 && second & 0x41; /* VQDMULL, but not VADC */
}

/* 0xEE.. and 0xFE..: arithmetic of both, moves of one register. */
static inline decoded decode_extension_data(uint16_t first, uint16_t second)
{
    if (!is_scalar_float(second)) {
        return single(extension_multiplies(first, second) ? VECTOR_MULTIPLY : VECTOR);
    }
    if ((second & 0x10) || first >> 8 == 0xFE) { /* VMOV, VMRS, VDUP; VSEL, VMAXNM, VRINTA */
        return single(FLOAT);
    }
    bool negated = first & 0x10;
    switch (first & 0xA0) {
    case 0x00: /* VMLA, VMLS, VNMLA, VNMLS */
        return single(FLOAT_MULTIPLY_ADD);
    case 0x80: /* VFNMA, VFNMS; VDIV */
        return single(negated ? FLOAT_MULTIPLY_ADD : FLOAT_DIVIDE);
    case 0xA0: /* VFMA, VFMS; VSQRT */
        if (!negated) {
            return single(FLOAT_MULTIPLY_ADD);
        }
        return single((first & 0x0F) == 1 && (second & 0xC0) == 0xC0 ? FLOAT_DIVIDE : FLOAT);
    default:
        return single(FLOAT);
    }
}

/* 0xEF.. and 0xFF..: vectors only. */
static inline decoded decode_vector_data(uint16_t first, uint16_t second)
{
    bool last = second & 0x10;
    bool upper = first >> 8 == 0xFF;
    bool multiplies = false;
    if (!(first & 0x80)) {
        switch (second >> 8 & 15) {
        case 0x9: /* VMUL */
            multiplies = last && !upper;
            break;
        case 0xB: /* VQDMULH, VQRDMULH */
            multiplies = !last;
            break;
        case 0xC: /* VFMA, VFMS */
            multiplies = last && !upper;
            break;
        case 0xD: /* VMUL of floats */
            multiplies = last && upper;
            break;
        default:
            break;
        }
    }
    return single(multiplies ? VECTOR_MULTIPLY : VECTOR);
}

#endif
