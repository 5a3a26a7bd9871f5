/* Measures the init and run of a model: marks around both for the plugin counting/count.c, and the stack that a run uses.
 *
 * The linker leads the harness' calls of tapeout_init() and tapeout_run() here (--wrap). MODEL_INIT and MODEL_RUN are
 * the model's own functions, declared in MODEL_HEADER, so that between two marks lie one call and the whole function, nothing
 * else; MODEL_ARGUMENTS are the inputs that lie outside of the arena. */
#include "hooks.h"
#include "mark.h"
#include "port.h"
#include "table.h"
#include MODEL_HEADER

enum { PAINT = 0x5A5AA5A5 };

extern volatile uint32_t bss_end[]; /* of memory.ld: from here to the stack pointer nothing is in use */

void __wrap_tapeout_init(void);
void __wrap_tapeout_run(void);

static uint32_t stack_bytes;

void __wrap_tapeout_init(void)
{
    mark();
    MODEL_INIT();
    mark();
}

/* Paints the free memory under the stack pointer, runs, and looks how far down the paint is gone. */
void __wrap_tapeout_run(void)
{
    volatile uint32_t *const top = stack_pointer();
    volatile uint32_t *word;
    for (word = bss_end; word < top; word++) {
        *word = PAINT;
    }
    mark();
    MODEL_RUN(MODEL_ARGUMENTS);
    mark();
    for (word = bss_end; word < top && *word == PAINT; word++) {
    }
    stack_bytes = (uint32_t)top - (uint32_t)word;
}

void at_moment(moment now)
{
    if (now == AFTER_RUN) {
        port_write(&stack_bytes, sizeof stack_bytes);
    }
}
