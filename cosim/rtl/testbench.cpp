// Runs a program on a verilated CV32E40P: testbench PROGRAM.elf MOST_CYCLES NOTES
//
// The memory answers every request in the next cycle, for instructions and for data, which is what the core can do at best. A store to
// BENCH is a call of cosim/rtl/semihost.h, which costs no time, one to BENCH + 4 a mark: the number of the cycle is noted. At the
// end the notes are written, one line each. The exit status is the program's; 4 when it does not end in time or leaves its memory.
#include "Vcv32e40p_top.h"
#include "verilated.h"
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

constexpr uint32_t ORIGIN = 0x80000000u, BYTES = 8u << 20, BENCH = 0x10000000u;
constexpr int LOST = 4;
enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };

std::vector<uint8_t> memory(BYTES);
std::vector<FILE *> files(1); // a handle is an index; 0 is none
std::vector<uint64_t> notes;
uint64_t cycle;
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
        notes.push_back(cycle);
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

void reset(Vcv32e40p_top &core, uint32_t entry)
{
    core.rst_ni = 0;
    core.pulp_clock_en_i = 1;
    core.boot_addr_i = entry;
    core.mtvec_addr_i = entry;
    core.dm_halt_addr_i = entry;
    core.dm_exception_addr_i = entry;
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

// One cycle: requests before the rising edge are answered after it.
void step(Vcv32e40p_top &core)
{
    const bool fetches = core.instr_req_o, accesses = core.data_req_o, writes = core.data_we_o;
    const uint32_t from = core.instr_addr_o, address = core.data_addr_o & ~3u, enable = core.data_be_o, data = core.data_wdata_o;
    core.clk_i = 1;
    core.eval();
    cycle++;
    core.instr_rvalid_i = fetches;
    // The core fetches ahead of a jump, over the end of the memory too.
    core.instr_rdata_i = fetches && from >= ORIGIN && from - ORIGIN <= BYTES - 4 ? word(from) : 0;
    core.data_rvalid_i = accesses;
    core.data_rdata_i = accesses && !writes ? word(address) : 0;
    if (accesses && writes) {
        store(address, enable, data);
    }
    core.clk_i = 0;
    core.eval();
}

} // namespace

double sc_time_stamp()
{
    return 0;
}

int main(int count, char **arguments)
{
    if (count != 4) {
        std::fputs("usage: testbench PROGRAM.elf MOST_CYCLES NOTES\n", stderr);
        return LOST;
    }
    const uint64_t most = std::strtoull(arguments[2], nullptr, 10);
    auto core = std::make_unique<Vcv32e40p_top>();
    reset(*core, load(arguments[1]));
    while (status < 0 && cycle < most) {
        step(*core);
    }
    if (status < 0) {
        lose("still runs", core->instr_addr_o);
    }
    std::ofstream file(arguments[3]);
    for (const uint64_t note : notes) {
        file << note << '\n';
    }
    core->final();
    return status;
}
