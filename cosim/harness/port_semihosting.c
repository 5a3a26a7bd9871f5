/* The port of a core under an emulator or debugger: files and text by semihosting ("Semihosting for AArch32 and
 * AArch64", Arm IHI 0111, which "RISC-V Semihosting" takes over), and faults that say where the program died. */
#include "port.h"
#include "harness.h"
#include "semihost.h"
#include <stdint.h>

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_READ_BINARY = 1, MODE_WRITE_BINARY = 5 };
enum { APPLICATION_EXIT = 0x20026 };

static uint32_t inputs;
static uint32_t outputs;

/* `length` does not count the zero at the end of the name. */
static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t block[] = {(uint32_t)name, mode, length};
    return semihost(SYS_OPEN, block);
}

int port_open(void)
{
    inputs = open_file("inputs.bin", sizeof "inputs.bin" - 1, MODE_READ_BINARY);
    outputs = open_file("outputs.bin", sizeof "outputs.bin" - 1, MODE_WRITE_BINARY);
    return inputs != UINT32_MAX && outputs != UINT32_MAX ? 0 : -1;
}

size_t port_read(void *to, size_t bytes)
{
    const uint32_t block[] = {inputs, (uint32_t)to, bytes};
    return bytes - semihost(SYS_READ, block);
}

void port_write(const void *from, size_t bytes)
{
    const uint32_t block[] = {outputs, (uint32_t)from, bytes};
    if (semihost(SYS_WRITE, block) != 0) {
        port_print("tapeout: cannot write outputs.bin\n");
        port_exit(HARNESS_FAILED);
    }
}

void port_print(const char *text)
{
    (void)semihost(SYS_WRITE0, text);
}

void port_exit(int status)
{
    const uint32_t block[] = {APPLICATION_EXIT, (uint32_t)status};
    (void)semihost(SYS_CLOSE, &inputs);
    (void)semihost(SYS_CLOSE, &outputs);
    (void)semihost(SYS_EXIT_EXTENDED, block);
    for (;;) {
    }
}

/* Called by startup.c for every exception, with the address of the instruction that caused it. */
void fault(uint32_t address);
void fault(uint32_t address)
{
    char text[] = "tapeout: fault at 0x00000000\n";
    for (uint32_t i = 0; i < 8; i++) {
        text[sizeof text - 3 - i] = "0123456789abcdef"[address >> (4 * i) & 15u];
    }
    port_print(text);
    harness_report("fault", -1);
    port_exit(HARNESS_FAILED);
}
