/* small: where each tensor lies in the arena, and while which nodes of small_run() it is live. */
#ifndef SMALL_ARENA_H
#define SMALL_ARENA_H

#include <stdint.h>

#define SMALL_ARENA_BYTES 224
extern uint8_t small_arena[SMALL_ARENA_BYTES];

#define SMALL_AT_X 0 /* 126 bytes, nodes -1 to 0 */
#define SMALL_AT_DEEP 0 /* 96 bytes, nodes 1 to 2 */
#define SMALL_AT_Y 96 /* 120 bytes, nodes 2 to 3 */
#define SMALL_AT_FIRST 128 /* 96 bytes, nodes 0 to 1 */

#endif
