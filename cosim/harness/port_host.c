/* The host's port: stdio, and signals that say in which node the program died. */
#include "harness.h"
#include "port.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *inputs;
static FILE *outputs;

/* Not async-signal-safe in theory; the program is lost anyway and the line names the node. */
static void died(int signal_number)
{
    harness_report("crash", -1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

int port_open(void)
{
    const int fatal[] = {SIGABRT, SIGFPE, SIGILL, SIGSEGV};
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        signal(fatal[i], died);
    }
    inputs = fopen("inputs.bin", "rb");
    outputs = fopen("outputs.bin", "wb");
    return inputs && outputs ? 0 : -1;
}

size_t port_read(void *to, size_t bytes)
{
    return fread(to, 1, bytes, inputs);
}

void port_write(const void *from, size_t bytes)
{
    if (fwrite(from, 1, bytes, outputs) != bytes) {
        port_print("tapeout: cannot write outputs.bin\n");
        port_exit(HARNESS_FAILED);
    }
}

void port_print(const char *text)
{
    fputs(text, stderr);
}

void port_exit(int status)
{
    if (inputs) {
        fclose(inputs);
    }
    if (outputs && fclose(outputs) != 0 && status == 0) {
        status = HARNESS_FAILED;
    }
    exit(status);
}
