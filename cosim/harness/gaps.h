/* The bytes of the arena that lie in no live buffer. */
#ifndef TAPEOUT_GAPS_H
#define TAPEOUT_GAPS_H

#include "table.h"

/* Calls visit(begin, end) for each stretch of the arena that no buffer uses while node `node` runs. */
static inline void for_each_gap(int32_t node, void (*visit)(uint32_t begin, uint32_t end))
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < tapeout_buffer_count; i++) {
        const tapeout_buffer *buffer = &tapeout_buffers[i];
        if (buffer->first <= node && node <= buffer->last) {
            if (buffer->offset > at) {
                visit(at, buffer->offset);
            }
            if (buffer->offset + buffer->bytes > at) {
                at = buffer->offset + buffer->bytes;
            }
        }
    }
    if (at < tapeout_arena_bytes) {
        visit(at, tapeout_arena_bytes);
    }
}

#endif
