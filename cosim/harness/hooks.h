/* What watches a run. A build links exactly one hooks_*.c, which defines both kinds of hook below.
 * The model calls node_begin() and node_end() only when it is compiled with -DTAPEOUT_HOOKS. */
#ifndef TAPEOUT_HOOKS_H
#define TAPEOUT_HOOKS_H

#include <stdint.h>

typedef enum {
    BEFORE_INIT,
    AFTER_INIT,
    BEFORE_INPUTS, /* of a sample: the arena may be filled, its inputs are not yet read */
    BEFORE_RUN,
    AFTER_RUN,     /* the outputs are not yet written; what a hook writes with port_write() comes before them */
} moment;

/* Called by the harness at each of these moments. */
void at_moment(moment now);

/* Called by the model before and after node number `index` runs. */
void node_begin(int32_t index);
void node_end(int32_t index);

#endif
