// Feeds the streams of a design from files and writes what comes out: many frames back to back, with stalls on the ports.
//
// ports.h has IN(index, port, bytes of a beat, beats of a frame) and OUT(...) for the ports, LOAD(prefix) for a register port if there
// is one, and includes the model as `Design`, and as `Wave` what writes its waveforms, if that is built. Reads in<index>.bin, and
// load.bin, the addresses and words that the register port writes before the first frame; writes out<index>.bin: beats of whole bytes.
// Prints cycles, latency and interval. Checks the rules of AXI streams: what is offered stays until it is taken, tlast is at the end of
// each frame and nowhere else, and nothing comes after.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "ports.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

using Bytes = std::vector<uint8_t>;

template <typename T> void put(T &port, const uint8_t *from, size_t bytes) { std::memset(&port, 0, sizeof port); std::memcpy(&port, from, bytes); }
template <typename T> void get(const T &port, uint8_t *to, size_t bytes) { std::memcpy(to, &port, bytes); }

[[noreturn]] void fail(const std::string &what, uint64_t cycle) { throw std::runtime_error(what + " in cycle " + std::to_string(cycle)); }

Bytes read(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

// When a port may move a beat: at random, or, when it is held, a frame at a time as soon as nothing has moved for `settle` cycles.
struct Pace {
    bool held = false, open = false;
    bool go(bool chance, bool quiet) {
        open = open || quiet;
        return held ? open : chance;
    }
};

struct Source {
    size_t bytes, beats, next = 0;
    Bytes data;
    bool offered = false;
    Pace pace;
    Source(int index, size_t bytes_, size_t beats_) : bytes(bytes_), beats(beats_), data(read("in" + std::to_string(index) + ".bin")) {}
    bool left() const { return next * bytes < data.size(); }
    bool last() const { return next % beats == beats - 1; }
    size_t frame() const { return next / beats; }
    void took() {
        if (last()) pace.open = false;
        next++;
        offered = false;
    }
};

struct Sink {
    std::string port;
    size_t bytes, beats, wanted;
    Bytes data, held;
    std::vector<uint64_t> ends;  // the cycle of each frame's last beat
    bool pending = false, pending_last = false;
    Pace pace;
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
        if (end) { ends.push_back(cycle); pace.open = false; }
    }
};

// Writes words by AXI4-Lite, one after another; address and word come in either order.
struct Loader {
    Bytes data = read("load.bin");
    size_t next = 0;
    bool address_sent = false, word_sent = false, address_offered = false, word_offered = false;
    bool left() const { return next * 8 < data.size(); }
    uint32_t number(size_t part) const { uint32_t n = 0; std::memcpy(&n, data.data() + next * 8 + part * 4, 4); return n; }
    void offer(bool address, bool word) {
        address_offered = left() && !address_sent && (address_offered || address);
        word_offered = left() && !word_sent && (word_offered || word);
    }
    void took(bool address, bool word, bool answered, unsigned response, uint64_t cycle) {
        if (address && address_offered) { address_sent = true; address_offered = false; }
        if (word && word_offered) { word_sent = true; word_offered = false; }
        if (!answered) return;
        if (!address_sent || !word_sent) fail("an answer before the write", cycle);
        if (response != 0) fail("address " + std::to_string(number(0)) + " is refused", cycle);
        address_sent = word_sent = false;
        next++;
    }
};

struct Options {
    size_t frames = 0, frame = 0;
    unsigned stalls = 0;
    uint32_t seed = 0;
    uint64_t patience = 1000, settle = 1000;
    std::string wave, held;  // the file; the names of held ports, each behind a comma
    Options(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
            const std::string text = argv[i], key = text.substr(0, text.find('=')), value = text.substr(text.find('=') + 1);
            if (key == "wave") wave = value;
            else if (key == "held") held = value + ",";
            else set(key, std::strtoull(value.c_str(), nullptr, 10));
        }
    }
    void set(const std::string &key, uint64_t number) {
        if (key == "frames") frames = number;
        else if (key == "frame") frame = number;  // of the waveform
        else if (key == "stalls") stalls = static_cast<unsigned>(number);  // of 256 cycles on average
        else if (key == "seed") seed = static_cast<uint32_t>(number);
        else if (key == "patience") patience = number;  // cycles after which something has come out
        else if (key == "settle") settle = number;
        else throw std::runtime_error("no option " + key);
    }
    bool holds(const char *port) const { return held.find("," + std::string(port) + ",") != std::string::npos; }
};

class Bench {
public:
    explicit Bench(const Options &options_) : options(options_), random(options_.seed) {
        Verilated::randSeed(static_cast<int>(options.seed) + 1);
#define IN(index, port, bytes, beats) sources.emplace_back(index, bytes, beats); sources[index].pace.held = options.holds(#port);
#define OUT(index, port, bytes, beats) sinks.emplace_back(#port, bytes, beats, options.frames); sinks[index].pace.held = options.holds(#port);
        PORTS
#undef IN
#undef OUT
#if VM_TRACE
        if (!options.wave.empty()) {
            Verilated::traceEverOn(true);
            design.trace(&wave, 99);
            wave.open(options.wave.c_str());
        }
#endif
    }
    ~Bench() { design.final(); }

    void run() {
        for (uint64_t quiet = 0; quiet < 64; cycle++) {
            const bool reset = cycle < 4;
            drive(reset);
            design.eval();
            dump(0);
            const bool done = !reset && see();
            quiet = done ? quiet + 1 : 0;
            if (!done && cycle > moved + options.patience) fail("nothing moves any more", cycle);
            design.aclk = 1;
            design.eval();
            dump(1);
        }
    }

    size_t frame() const {  // of which the end has not come out everywhere
        size_t least = options.frames;
        for (const Sink &s : sinks) least = std::min(least, s.ends.size());
        return least;
    }

    void report() const {
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
    }

private:
    const Options options;
    std::mt19937 random;
    Design design;
#if VM_TRACE
    Wave wave;
#endif
    Loader loader;
    std::vector<Source> sources;
    std::vector<Sink> sinks;
    std::vector<uint8_t> beat = std::vector<uint8_t>(1 << 16);
    uint64_t cycle = 0, first = 0, moved = 0;

    bool chance() { return options.stalls == 0 || (random() & 255u) >= options.stalls; }

    void drive(bool reset) {
        const bool feeds = !reset && !loader.left(), quiet = cycle > moved + options.settle;
        design.aresetn = !reset;
        design.aclk = 0;
#define IN(index, port, bytes, beats) { Source &s = sources[index]; \
        if (!s.offered) s.offered = feeds && s.left() && s.pace.go(chance(), quiet); \
        design.port##_tvalid = s.offered; design.port##_tlast = s.offered && s.last(); \
        if (s.offered) put(design.port##_tdata, s.data.data() + s.next * bytes, bytes); }
#define OUT(index, port, bytes, beats) design.port##_tready = !reset && sinks[index].pace.go(chance(), quiet);
        PORTS
#undef IN
#undef OUT
#ifdef LOAD
#define LOADS(port) \
        loader.offer(!reset && chance(), !reset && chance()); \
        design.port##_awvalid = loader.address_offered; design.port##_wvalid = loader.word_offered; \
        design.port##_awaddr = loader.left() ? loader.number(0) : 0; design.port##_wdata = loader.left() ? loader.number(1) : 0; \
        design.port##_awprot = 0; design.port##_wstrb = 15; design.port##_bready = chance(); \
        design.port##_arvalid = 0; design.port##_araddr = 0; design.port##_arprot = 0; design.port##_rready = 1;
        LOAD(LOADS)
#undef LOADS
#endif
    }

    bool see() {
        bool done = true;
#define IN(index, port, bytes, beats) { Source &s = sources[index]; \
        if (s.offered && design.port##_tready) { if (first == 0) first = cycle; s.took(); moved = cycle; } }
#define OUT(index, port, bytes, beats) { Sink &s = sinks[index]; const size_t before = s.taken(); \
        get(design.port##_tdata, beat.data(), bytes); \
        s.see(beat.data(), design.port##_tvalid, design.port##_tlast, design.port##_tready, cycle); \
        if (s.taken() != before) moved = cycle; done = done && s.taken() == s.wanted; }
        PORTS
#undef IN
#undef OUT
#ifdef LOAD
#define LOADS(port) { const size_t before = loader.next; \
        loader.took(design.port##_awready, design.port##_wready, design.port##_bvalid && design.port##_bready, design.port##_bresp, cycle); \
        if (loader.next != before) moved = cycle; }
        LOAD(LOADS)
#undef LOADS
#else
        if (loader.left()) fail("words to load, and no port for them", cycle);
#endif
        return done;
    }

    // Of one frame, from its first beat in to its last one out.
    void dump(unsigned half) {
#if VM_TRACE
        if (options.wave.empty() || frame() > options.frame) return;
        for (const Source &s : sources)
            if (s.frame() > options.frame || (s.frame() == options.frame && (s.next % s.beats != 0 || s.offered))) {
                wave.dump(2 * cycle + half);
                return;
            }
#else
        (void)half;
#endif
    }
};

}  // namespace

int main(int argc, char **argv) {
    try {
        Bench bench{Options(argc, argv)};
        try {
            bench.run();
        } catch (const std::runtime_error &error) {
            std::printf("failed: %s\nframe %zu\n", error.what(), bench.frame());
            return 1;
        }
        bench.report();
    } catch (const std::runtime_error &error) {
        std::printf("failed: %s\n", error.what());
        return 2;
    }
    return 0;
}
