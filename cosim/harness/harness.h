/* What hooks and ports may ask of the harness. */
#ifndef TAPEOUT_HARNESS_H
#define TAPEOUT_HARNESS_H

#include <stdint.h>

/* The exit status when a check of the harness or of a hook does not hold. */
enum { HARNESS_FAILED = 3 };

/* The number of the node that runs, -1 outside of a node. Hooks that hear of nodes keep it. */
extern volatile int32_t harness_node;

/* Prints `tapeout: <what> node <harness_node> offset <offset>`, which the engine turns into names;
 * the offset counts bytes of the arena, -1 when none is concerned. */
void harness_report(const char *what, int32_t offset);

#endif
