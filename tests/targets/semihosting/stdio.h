/* The little of <stdio.h> that the programs of the matrix use, over the semihosting port of co-simulation: the two
 * files that the port knows, whatever their names. */
#ifndef TAPEOUT_TEST_STDIO_H
#define TAPEOUT_TEST_STDIO_H

#include "port.h"
#include <stdint.h>

typedef int FILE;

static inline FILE *fopen(const char *name, const char *mode)
{
    static FILE input, output;
    (void)name;
    return mode[0] == 'r' ? &input : port_open() == 0 ? &output : NULL;
}

static inline size_t fread(void *to, size_t size, size_t count, FILE *file)
{
    (void)file;
    return port_read(to, size * count) / size;
}

static inline size_t fwrite(const void *from, size_t size, size_t count, FILE *file)
{
    (void)file;
    port_write(from, size * count);
    return count;
}

static inline int fclose(FILE *file)
{
    (void)file;
    return 0;
}

#endif
