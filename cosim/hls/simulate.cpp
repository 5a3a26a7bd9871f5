// Runs the sources of a project of hls4ml as a program: reads samples of doubles, calls the top function through hls4ml's own bridge, and
// writes its outputs, and behind those of each sample those of every layer when told to trace. layout.h is written beside the program.
// Doubles hold each fixed-point number of up to 53 bits exactly, so nothing is rounded on the way in or out.
#include BRIDGE
#include "layout.h"
#include <cstdio>
#include <cstring>
#include <vector>

int main(int count, char **arguments) {
    const bool trace = count > 1 && !std::strcmp(arguments[1], "trace");
    std::FILE *from = std::fopen("inputs.bin", "rb"), *to = std::fopen("outputs.bin", "wb");
    std::vector<double> in(INPUTS), out(OUTPUTS);
    if (!from || !to) {
        return 1;
    }
    if (trace) {
        allocate_trace_storage(sizeof(double));
    }
    while (std::fread(in.data(), sizeof(double), INPUTS, from) == INPUTS) {
        CALL(in.data(), out.data());
        std::fwrite(out.data(), sizeof(double), OUTPUTS, to);
        for (const layer &layer : traced) {
            if (trace && nnet::trace_outputs->count(layer.name)) {
                std::fwrite((*nnet::trace_outputs)[layer.name], sizeof(double), layer.size, to);
            }
        }
    }
    return std::fclose(to) != 0;
}
