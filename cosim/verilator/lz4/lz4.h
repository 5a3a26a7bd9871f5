// What Verilator's writer of .fst files calls of LZ4, so that it needs no library: blocks of literals alone, which every reader takes.
#pragma once
#include <cstring>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

// The length of the literals is 15 in the token and then bytes of 255 and a rest, after https://github.com/lz4/lz4, doc/lz4_Block_format.md.
inline int LZ4_compress_default(const char *from, char *to, int size, int room) {
    if (room < LZ4_compressBound(size)) return 0;
    char *at = to;
    *at++ = static_cast<char>((size < 15 ? size : 15) << 4);
    if (size >= 15) {
        int left = size - 15;
        for (; left >= 255; left -= 255) *at++ = static_cast<char>(255);
        *at++ = static_cast<char>(left);
    }
    std::memcpy(at, from, static_cast<size_t>(size));
    return static_cast<int>(at - to) + size;
}
