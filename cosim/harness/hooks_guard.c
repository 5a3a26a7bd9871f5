/* Paints every byte of the arena that lies in no live buffer before a node runs, and checks it after.
 * A write outside the live buffers is found, and a read there finds no useful number. */
#include "gaps.h"
#include "harness.h"
#include "hooks.h"
#include "table.h"
#include "port.h"
#include <string.h>

enum { PAINT = 0xA5 };

static void paint(uint32_t begin, uint32_t end)
{
    memset(tapeout_arena + begin, PAINT, end - begin);
}

static void check(uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++) {
        if (tapeout_arena[i] != PAINT) {
            harness_report("bad write", (int32_t)i);
            port_exit(HARNESS_FAILED);
        }
    }
}

void at_moment(moment now)
{
    (void)now;
}

void node_begin(int32_t index)
{
    harness_node = index;
    for_each_gap(index, paint);
}

void node_end(int32_t index)
{
    for_each_gap(index, check);
}
