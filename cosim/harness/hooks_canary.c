/* Fills the arena before the inputs come, with 0xAA for even samples and 0x55 for odd ones, and writes all of it
 * after the run. A byte that differs from what it was filled with, for one of two equal samples, was written. */
#include "harness.h"
#include "hooks.h"
#include "table.h"
#include "port.h"
#include <string.h>

void at_moment(moment now)
{
    static int fill = 0xAA;
    if (now == BEFORE_INPUTS) {
        tapeout_init(); /* both samples begin with the same states, if there are any */
        memset(tapeout_arena, fill, tapeout_arena_bytes);
        fill ^= 0xFF;
    } else if (now == AFTER_RUN) {
        port_write(tapeout_arena, tapeout_arena_bytes);
    }
}

void node_begin(int32_t index)
{
    harness_node = index;
}

void node_end(int32_t index)
{
    (void)index;
}
