// Runs a program on verilated CV32E40P cores: testbench PROGRAM.elf CORES MOST_CYCLES NOTES STALLS
//
// Each core has its floating-point unit, and its instructions come in the next cycle. So do data, from BANKS banks of words that serve
// one core a cycle each, in turn; one core alone never waits, which is what it can do at best. A store to BENCH is a call of
// cosim/rtl/semihost.h, which costs no time, one to BENCH + 4 a mark: the number of the cycle is noted. A load of BENCH + 8 is answered
// when all cores have asked for it: a barrier. At the end the notes are written, one line each, and to STALLS what all cores together
// had waited until then, in cycles: for banks, and at barriers. The exit status is the program's; 4 when it does not end in time or
// leaves its memory.
#include "Vcv32e40p_top.h"
#include "verilated.h"
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr uint32_t ORIGIN = 0x80000000u, BYTES = 8u << 20, BENCH = 0x10000000u, BARRIER = BENCH + 8;
constexpr unsigned BANKS = 16, MOST_CORES = 16, DRAINED = 64; // cycles in which a core that waits has done all that it had begun
constexpr int LOST = 4;
enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };

std::vector<uint8_t> memory(BYTES);
std::vector<FILE *> files(1); // a handle is an index; 0 is none
std::vector<std::array<uint64_t, 3>> notes; // cycle, conflicts, waits
uint64_t cycle, conflicts, waits;
int status = -1;

void lose(const char *why, uint32_t address)
{
    std::fprintf(stderr, "tapeout: %s at 0x%08" PRIx32 " in cycle %" PRIu64 "\n", why, address, cycle);
    status = LOST;
}

uint8_t *at(uint32_t address, uint32_t count)
{
    if (address < ORIGIN || address - ORIGIN > BYTES || count > BYTES - (address - ORIGIN)) {
        lose("access outside of the memory", address);
        return nullptr;
    }
    return &memory[address - ORIGIN];
}

uint32_t word(uint32_t address)
{
    uint32_t value = 0;
    if (const uint8_t *from = at(address, 4)) {
        std::memcpy(&value, from, 4);
    }
    return value;
}

uint32_t transfer(uint32_t block, bool write)
{
    const uint32_t handle = word(block), address = word(block + 4), count = word(block + 8);
    uint8_t *place = at(address, count);
    if (!place || handle == 0 || handle >= files.size()) {
        return count;
    }
    const size_t done = write ? std::fwrite(place, 1, count, files[handle]) : std::fread(place, 1, count, files[handle]);
    return count - static_cast<uint32_t>(done);
}

uint32_t open_file(uint32_t block)
{
    const uint32_t name = word(block), mode = word(block + 4), length = word(block + 8);
    const uint8_t *text = at(name, length);
    FILE *file = text ? std::fopen(std::string(text, text + length).c_str(), mode < 4 ? "rb" : "wb") : nullptr;
    if (!file) {
        return UINT32_MAX;
    }
    files.push_back(file);
    return static_cast<uint32_t>(files.size() - 1);
}

uint32_t answer(uint32_t operation, uint32_t block)
{
    switch (operation) {
    case SYS_OPEN:
        return open_file(block);
    case SYS_CLOSE:
        return word(block) < files.size() && files[word(block)] && std::fclose(files[word(block)]) == 0 ? 0 : UINT32_MAX;
    case SYS_WRITE0:
        for (uint32_t address = block; const uint8_t *letter = at(address, 1); address++) {
            if (!*letter) {
                break;
            }
            std::fputc(*letter, stderr);
        }
        return 0;
    case SYS_WRITE:
    case SYS_READ:
        return transfer(block, operation == SYS_WRITE);
    case SYS_EXIT_EXTENDED:
        status = static_cast<int>(word(block + 4) & 0xFF);
        return 0;
    default:
        return UINT32_MAX;
    }
}

void store(uint32_t address, uint32_t enable, uint32_t data)
{
    if (address == BENCH) {
        const uint32_t result = answer(word(data), word(data + 4));
        if (uint8_t *to = at(data + 8, 4)) {
            std::memcpy(to, &result, 4);
        }
    } else if (address == BENCH + 4) {
        notes.push_back({cycle, conflicts, waits});
    } else if (uint8_t *to = at(address, 4)) {
        for (unsigned i = 0; i < 4; i++) {
            if (enable >> i & 1) {
                to[i] = static_cast<uint8_t>(data >> (8 * i));
            }
        }
    }
}

template <typename T> T field(const std::vector<uint8_t> &image, size_t offset)
{
    T value{};
    if (offset + sizeof value <= image.size()) {
        std::memcpy(&value, &image[offset], sizeof value);
    }
    return value;
}

// Loads the segments of an ELF of 32 bits to where they lie before the start-up moves them; returns its entry.
uint32_t load(const char *path)
{
    std::ifstream stream(path, std::ios::binary);
    const std::vector<uint8_t> image((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    const uint32_t headers = field<uint32_t>(image, 28);
    for (uint32_t i = 0; i < field<uint16_t>(image, 44); i++) {
        const size_t header = headers + i * 32;
        const uint32_t offset = field<uint32_t>(image, header + 4), address = field<uint32_t>(image, header + 12);
        const uint32_t count = field<uint32_t>(image, header + 16);
        if (field<uint32_t>(image, header) == 1 && count && offset + count <= image.size()) {
            if (uint8_t *to = at(address, count)) {
                std::memcpy(to, &image[offset], count);
            }
        }
    }
    return field<uint32_t>(image, 24);
}

struct Core {
    std::unique_ptr<Vcv32e40p_top> rtl;
    uint64_t waited = 0; // at a barrier
    bool waits = false, fetches = false, accesses = false, writes = false;
    uint32_t from = 0, address = 0, enable = 0, data = 0;

    bool idle() const { return waited > DRAINED && !rtl->instr_req_o; }
};

void reset(Vcv32e40p_top &core, uint32_t entry, uint32_t identity)
{
    core.rst_ni = 0;
    core.pulp_clock_en_i = 1;
    core.boot_addr_i = entry;
    core.mtvec_addr_i = entry;
    core.dm_halt_addr_i = entry;
    core.dm_exception_addr_i = entry;
    core.hart_id_i = identity;
    core.fetch_enable_i = 1;
    core.instr_gnt_i = 1;
    core.data_gnt_i = 1;
    for (int i = 0; i < 8; i++) {
        core.clk_i = i & 1;
        core.eval();
    }
    core.clk_i = 0;
    core.rst_ni = 1;
    core.eval();
}

// Takes the requests of this cycle, and grants each bank to one of the cores that ask for it: the next in turn.
void arbitrate(std::vector<Core> &cores)
{
    static unsigned turn[BANKS];
    unsigned asked[BANKS] = {}; // a bit for each core
    for (unsigned i = 0; i < cores.size(); i++) {
        Core &core = cores[i];
        core.fetches = core.rtl->instr_req_o;
        core.from = core.rtl->instr_addr_o;
        core.accesses = core.rtl->data_req_o && !core.waits;
        core.writes = core.rtl->data_we_o;
        core.address = core.rtl->data_addr_o & ~3u;
        core.enable = core.rtl->data_be_o;
        core.data = core.rtl->data_wdata_o;
        if (core.accesses && core.address >= ORIGIN) {
            asked[core.address / 4 % BANKS] |= 1u << i;
        }
    }
    for (unsigned i = 0; i < cores.size(); i++) {
        Core &core = cores[i];
        const unsigned bank = core.address / 4 % BANKS;
        if (core.accesses && core.address >= ORIGIN) {
            const unsigned later = asked[bank] >> turn[bank] << turn[bank];
            core.accesses = static_cast<unsigned>(__builtin_ctz(later ? later : asked[bank])) == i;
            conflicts += !core.accesses;
        }
        core.rtl->data_gnt_i = !core.waits && (core.accesses || !core.rtl->data_req_o);
    }
    for (unsigned i = 0; i < cores.size(); i++) {
        if (cores[i].accesses && cores[i].address >= ORIGIN) {
            turn[cores[i].address / 4 % BANKS] = (i + 1) % MOST_CORES;
        }
    }
}

void respond(Core &core)
{
    core.rtl->instr_rvalid_i = core.fetches;
    // The core fetches ahead of a jump, over the end of the memory too.
    core.rtl->instr_rdata_i = core.fetches && core.from >= ORIGIN && core.from - ORIGIN <= BYTES - 4 ? word(core.from) : 0;
    core.waits |= core.accesses && !core.writes && core.address == BARRIER;
    core.rtl->data_rvalid_i = core.accesses && !core.waits;
    core.rtl->data_rdata_i = core.accesses && !core.writes && !core.waits ? word(core.address) : 0;
    if (core.accesses && core.writes) {
        store(core.address, core.enable, core.data);
    }
}

// Lets the cores go on when all of them wait.
void pass_barrier(std::vector<Core> &cores)
{
    unsigned waiting = 0;
    for (Core &core : cores) {
        waiting += core.waits;
        core.waited += core.waits;
    }
    waits += waiting;
    if (waiting == cores.size()) {
        for (Core &core : cores) {
            core.waits = false;
            core.waited = 0;
            core.rtl->data_rvalid_i = 1;
        }
    }
}

void clock(std::vector<Core> &cores, bool level)
{
    for (Core &core : cores) {
        if (!core.idle()) {
            core.rtl->clk_i = level;
            core.rtl->eval();
        }
    }
}

// One cycle: requests before the rising edge are answered after it.
void step(std::vector<Core> &cores)
{
    arbitrate(cores);
    clock(cores, true);
    cycle++;
    for (Core &core : cores) {
        respond(core);
    }
    pass_barrier(cores);
    clock(cores, false);
}

// In cycle MOST_CYCLES: where a core that is at no barrier runs.
void lose_time(const std::vector<Core> &cores)
{
    unsigned waiting = 0, running = 0;
    for (unsigned i = 0; i < cores.size(); i++) {
        waiting += cores[i].waits;
        running = cores[running].waits ? i : running;
    }
    std::fprintf(stderr, "tapeout: still runs at 0x%08" PRIx32 " in cycle %" PRIu64, cores[running].rtl->instr_addr_o, cycle);
    if (waiting) {
        std::fprintf(stderr, ": core %u, while %u of %zu cores wait at a barrier", running, waiting, cores.size());
    }
    std::fputc('\n', stderr);
    status = LOST;
}

} // namespace

double sc_time_stamp()
{
    return 0;
}

int main(int count, char **arguments)
{
    const unsigned long wanted = count == 6 ? std::strtoul(arguments[2], nullptr, 10) : 0;
    if (wanted < 1 || wanted > MOST_CORES) {
        std::fputs("usage: testbench PROGRAM.elf CORES MOST_CYCLES NOTES STALLS\n", stderr);
        return LOST;
    }
    const uint64_t most = std::strtoull(arguments[3], nullptr, 10);
    const uint32_t entry = load(arguments[1]);
    std::vector<Core> cores(wanted);
    for (uint32_t i = 0; i < wanted; i++) {
        cores[i].rtl = std::make_unique<Vcv32e40p_top>(("core" + std::to_string(i)).c_str());
        reset(*cores[i].rtl, entry, static_cast<uint32_t>(wanted - 1) << 16 | i);
    }
    while (status < 0 && cycle < most) {
        step(cores);
    }
    if (status < 0) {
        lose_time(cores);
    }
    std::ofstream file(arguments[4]), stalls(arguments[5]);
    for (const auto &[at, conflicted, waited] : notes) {
        file << at << '\n';
        stalls << conflicted << ' ' << waited << '\n';
    }
    for (Core &core : cores) {
        core.rtl->final();
    }
    return status;
}
