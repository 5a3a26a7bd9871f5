/* Runs a model on every sample of a file, so that one start of an engine serves many samples.
 *
 * inputs.bin:  the number of samples as 32 bits, little endian; then for each sample its network inputs in order.
 * outputs.bin: for each sample what the hooks write, then its network outputs in order. */
#include "harness.h"
#include "hooks.h"
#include "table.h"
#include "port.h"
#include <stddef.h>

volatile int32_t harness_node = -1;

static void print_number(int32_t number)
{
    char digits[12];
    size_t at = sizeof digits - 1;
    uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + rest % 10u);
        rest /= 10u;
    } while (rest > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    port_print(digits + at);
}

void harness_report(const char *what, int32_t offset)
{
    port_print("tapeout: ");
    port_print(what);
    port_print(" node ");
    print_number(harness_node);
    port_print(" offset ");
    print_number(offset);
    port_print("\n");
}

static void must_read(void *to, size_t bytes)
{
    if (port_read(to, bytes) != bytes) {
        port_print("tapeout: inputs.bin ends too early\n");
        port_exit(HARNESS_FAILED);
    }
}

int main(void)
{
    uint32_t samples = 0;
    if (port_open() != 0) {
        port_print("tapeout: cannot open inputs.bin and outputs.bin\n");
        port_exit(HARNESS_FAILED);
    }
    must_read(&samples, sizeof samples);
    at_moment(BEFORE_INIT);
    tapeout_init();
    at_moment(AFTER_INIT);
    for (uint32_t sample = 0; sample < samples; sample++) {
        at_moment(BEFORE_INPUTS);
        for (uint32_t i = 0; i < tapeout_input_count; i++) {
            must_read(tapeout_input(i), tapeout_input_bytes[i]);
        }
        at_moment(BEFORE_RUN);
        tapeout_run();
        at_moment(AFTER_RUN);
        harness_node = -1;
        for (uint32_t i = 0; i < tapeout_output_count; i++) {
            port_write(tapeout_output(i), tapeout_output_bytes[i]);
        }
    }
    port_exit(0);
    return 0;
}
