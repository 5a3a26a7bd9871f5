// Writes a table of WORDS words from the bus `load`: {write, address, 32 bits}. A word takes as many addresses as it has parts of 32 bits,
// the lowest first, up to the next power of two; the last part writes all of it. The table begins at BASE, a multiple of its size.
`default_nettype none
module table_writer #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned WORDS = 1,
    parameter int unsigned BASE  = 0,
    localparam int unsigned PLACE_BITS = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire  [62:0]           load,
    output logic                  write,
    output logic [PLACE_BITS-1:0] place,
    output logic [WIDTH-1:0]      word
);
  localparam int unsigned PARTS = (WIDTH + 31) / 32;
  localparam int unsigned PART_BITS = $clog2(PARTS);
  localparam int unsigned SIZE_BITS = PART_BITS + PLACE_BITS;

  logic [29:0] address;
  logic [31:0] data;
  logic hit, last;
  assign address = load[61:32];
  assign data    = load[31:0];
  assign hit     = load[62] & (address >> SIZE_BITS == 30'(BASE >> SIZE_BITS)) & (32'(address[PART_BITS+:PLACE_BITS]) < WORDS);

  always_ff @(posedge clk)
    if (rst) write <= 1'b0;
    else write <= hit & last;

  if (PARTS == 1) begin : g_one
    logic unused;
    assign unused = ^{1'b0, data};
    assign last = 1'b1;
    always_ff @(posedge clk)
      if (hit) begin
        place <= address[PLACE_BITS-1:0];
        word  <= data[WIDTH-1:0];
      end
  end else begin : g_parts
    logic [32*(PARTS-1)-1:0] held;  // the parts below the last one
    logic [32*PARTS-1:0] whole;
    logic unused;
    assign whole  = {data, held};
    assign unused = ^whole;
    assign last   = address[PART_BITS-1:0] == PART_BITS'(PARTS - 1);
    always_ff @(posedge clk)
      if (hit) begin
        for (int p = 0; p < PARTS - 1; p++) if (address[PART_BITS-1:0] == PART_BITS'(p)) held[32*p+:32] <= data;
        place <= address[PART_BITS+:PLACE_BITS];
        word  <= whole[WIDTH-1:0];
      end
  end
endmodule
`default_nettype wire
