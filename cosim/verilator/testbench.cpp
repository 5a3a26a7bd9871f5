// Feeds the streams of a design from files and writes what comes out: many frames back to back, with random stalls on every port.
//
// ports.h has IN(index, port, bytes of a beat, beats of a frame) and OUT(...) for the ports, and includes the model as `Design`.
// Reads in<index>.bin, writes out<index>.bin: beats of whole bytes. Prints cycles, latency and interval. Checks the rules of
// AXI streams: what is offered stays until it is taken, tlast is at the end of each frame and nowhere else, and nothing comes after.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "ports.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

using Bytes = std::vector<uint8_t>;

template <typename T> void put(T &port, const uint8_t *from, size_t bytes) { std::memset(&port, 0, sizeof port); std::memcpy(&port, from, bytes); }
template <typename T> void get(const T &port, uint8_t *to, size_t bytes) { std::memcpy(to, &port, bytes); }

[[noreturn]] void fail(const std::string &what, uint64_t cycle) {
    std::printf("failed: %s in cycle %llu\n", what.c_str(), static_cast<unsigned long long>(cycle));
    std::exit(1);
}

struct Source {
    size_t bytes, beats, next = 0;
    Bytes data;
    bool offered = false;
    Source(int index, size_t bytes_, size_t beats_) : bytes(bytes_), beats(beats_) {
        std::ifstream file("in" + std::to_string(index) + ".bin", std::ios::binary);
        data.assign(std::istreambuf_iterator<char>(file), {});
    }
    bool left() const { return next * bytes < data.size(); }
    bool last() const { return next % beats == beats - 1; }
};

struct Sink {
    std::string port;
    size_t bytes, beats, wanted;
    Bytes data, held;
    std::vector<uint64_t> ends;  // the cycle of each frame's last beat
    bool pending = false, pending_last = false;
    Sink(const char *port_, size_t bytes_, size_t beats_, size_t frames)
        : port(port_), bytes(bytes_), beats(beats_), wanted(beats_ * frames), held(bytes_) {}
    size_t taken() const { return data.size() / bytes; }
    void see(const uint8_t *beat, bool valid, bool last, bool ready, uint64_t cycle) {
        if (pending && (!valid || last != pending_last || std::memcmp(beat, held.data(), bytes) != 0))
            fail(port + ": a beat changed before it was taken", cycle);
        pending = valid && !ready;
        if (pending) { std::memcpy(held.data(), beat, bytes); pending_last = last; }
        if (!valid || !ready) return;
        if (taken() == wanted) fail(port + ": a beat after the last frame", cycle);
        bool end = taken() % beats == beats - 1;
        if (last != end) fail(port + (end ? ": no tlast at the end of a frame" : ": tlast within a frame"), cycle);
        data.insert(data.end(), beat, beat + bytes);
        if (end) ends.push_back(cycle);
    }
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) return 2;  // frames, stalls of 256 cycles on average, seed, cycles after which nothing has come out
    const size_t frames = std::strtoull(argv[1], nullptr, 10);
    const unsigned stalls = static_cast<unsigned>(std::atoi(argv[2]));
    std::mt19937 random(static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)));
    const uint64_t patience = std::strtoull(argv[4], nullptr, 10);
    auto go = [&] { return stalls == 0 || (random() & 255u) >= stalls; };

    Design design;
    std::vector<Source> sources;
    std::vector<Sink> sinks;
#define IN(index, port, bytes, beats) sources.emplace_back(index, bytes, beats);
#define OUT(index, port, bytes, beats) sinks.emplace_back(#port, bytes, beats, frames);
    PORTS
#undef IN
#undef OUT
    uint64_t cycle = 0, first = 0, moved = 0, quiet = 0;
    std::vector<uint8_t> beat(1 << 16);
    for (bool done = false; !done || quiet < 64; cycle++) {
        const bool reset = cycle < 4;
        design.aresetn = !reset;
        design.aclk = 0;
#define IN(index, port, bytes, beats) { Source &s = sources[index]; \
        if (!s.offered) s.offered = !reset && s.left() && go(); \
        design.port##_tvalid = s.offered; design.port##_tlast = s.offered && s.last(); \
        if (s.offered) put(design.port##_tdata, s.data.data() + s.next * bytes, bytes); }
#define OUT(index, port, bytes, beats) design.port##_tready = !reset && go();
        PORTS
#undef IN
#undef OUT
        design.eval();
        done = true;
        if (!reset) {
#define IN(index, port, bytes, beats) { Source &s = sources[index]; \
            if (s.offered && design.port##_tready) { if (first == 0) first = cycle; s.next++; s.offered = false; moved = cycle; } }
#define OUT(index, port, bytes, beats) { Sink &s = sinks[index]; const size_t before = s.taken(); \
            get(design.port##_tdata, beat.data(), bytes); \
            s.see(beat.data(), design.port##_tvalid, design.port##_tlast, design.port##_tready, cycle); \
            if (s.taken() != before) moved = cycle; done = done && s.taken() == s.wanted; }
            PORTS
#undef IN
#undef OUT
        } else {
            done = false;
        }
        quiet = done ? quiet + 1 : 0;
        if (!done && cycle > moved + patience) fail("nothing moves any more", cycle);
        design.aclk = 1;
        design.eval();
    }
    uint64_t last = 0, latency = 0, interval = 0;
    for (const Sink &s : sinks) {
        std::ofstream("out" + std::to_string(&s - sinks.data()) + ".bin", std::ios::binary)
            .write(reinterpret_cast<const char *>(s.data.data()), static_cast<std::streamsize>(s.data.size()));
        const uint64_t end = s.ends.back(), begin = s.ends.front();
        last = std::max(last, end);
        latency = std::max(latency, begin - first + 1);
        if (s.ends.size() > 1) interval = std::max(interval, (end - begin + s.ends.size() - 2) / (s.ends.size() - 1));
    }
    std::printf("cycles %llu latency %llu interval %llu\n", static_cast<unsigned long long>(last - first + 1),
                static_cast<unsigned long long>(latency), static_cast<unsigned long long>(interval));
    return 0;
}
