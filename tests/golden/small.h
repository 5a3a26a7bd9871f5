/* small: a neural network compiled by tapeout. Call small_init() once; then, as often as you like, fill the
 * inputs, call small_run() and read the outputs. A run uses the whole arena: it overwrites inputs and
 * outputs that the plan does not keep. Not reentrant. */
#ifndef SMALL_H
#define SMALL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "small_arena.h"

/* Clears the arena, so that outputs read before the first run are zero. */
void small_init(void);

/* Runs the network once. */
void small_run(void);

/* input x: s8 1x7x6x3 as in the model, real = (code - 3) * 0.1 */
static inline int8_t *small_input_x(void) { return (int8_t *)(small_arena + SMALL_AT_X); }

/* output y: s8 1x4x6x5 as in the model, real = (code - 3) * 0.1 */
static inline int8_t *small_output_y(void) { return (int8_t *)(small_arena + SMALL_AT_Y); }

#ifdef __cplusplus
}
#endif

#endif
