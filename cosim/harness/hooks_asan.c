/* AddressSanitizer watches every byte of the arena that lies in no live buffer of the node that runs.
 * Its shadow holds one state per 8 bytes, so a buffer's first byte must lie at a multiple of 8 for exact edges. */
#include "gaps.h"
#include "harness.h"
#include "hooks.h"
#include "table.h"
#include <sanitizer/asan_interface.h>

static void poison(uint32_t begin, uint32_t end)
{
    ASAN_POISON_MEMORY_REGION(tapeout_arena + begin, end - begin);
}

void at_moment(moment now)
{
    if (now == AFTER_RUN) {
        ASAN_UNPOISON_MEMORY_REGION(tapeout_arena, tapeout_arena_bytes);
    }
}

void node_begin(int32_t index)
{
    harness_node = index;
    ASAN_UNPOISON_MEMORY_REGION(tapeout_arena, tapeout_arena_bytes);
    for_each_gap(index, poison);
}

void node_end(int32_t index)
{
    (void)index;
}

/* AddressSanitizer calls this before it reports. */
void __asan_on_error(void);
void __asan_on_error(void)
{
    const uintptr_t address = (uintptr_t)__asan_get_report_address();
    const uintptr_t begin = (uintptr_t)tapeout_arena;
    const int inside = address >= begin && address - begin < tapeout_arena_bytes;
    harness_report("bad access", inside ? (int32_t)(address - begin) : -1);
}
