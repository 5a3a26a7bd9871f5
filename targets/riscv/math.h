/* The one name of <math.h> that kernels use. A product that has a C library leaves this file out. */
#ifndef TAPEOUT_MATH_H
#define TAPEOUT_MATH_H

#define INFINITY __builtin_inff()

#endif
