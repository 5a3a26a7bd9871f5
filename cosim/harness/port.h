/* What the harness needs from the machine that runs it. A port reads the file inputs.bin and writes the
 * file outputs.bin in the working directory: by stdio on the host, by semihosting in an emulator. */
#ifndef TAPEOUT_PORT_H
#define TAPEOUT_PORT_H

#include <stddef.h>

/* Opens inputs.bin for reading and outputs.bin for writing, emptied. Returns 0, or -1 when one cannot be opened. */
int port_open(void);

/* Reads the next bytes of inputs.bin; returns how many there were. */
size_t port_read(void *to, size_t bytes);

/* Appends to outputs.bin. A port may buffer; port_exit() writes what is left. */
void port_write(const void *from, size_t bytes);

/* Prints text where the engine reads it: stderr on the host. */
void port_print(const char *text);

/* Closes the files and ends the program with this status. */
void port_exit(int status);

#endif
