// A subordinate of AXI4-Lite that can be written alone: what comes in goes to the tables as `load`, {write, address / 4, 32 bits}.
//
// It answers SLVERR to reads, to addresses from 4 * WORDS on or between two words, and to writes of a part of a word.
`default_nettype none
module axi_lite_writes #(
    parameter int unsigned WORDS = 1
) (
    input  wire         clk,
    input  wire         rst,
    input  wire  [31:0] awaddr,
    input  wire  [2:0]  awprot,
    input  wire         awvalid,
    output logic        awready,
    input  wire  [31:0] wdata,
    input  wire  [3:0]  wstrb,
    input  wire         wvalid,
    output logic        wready,
    output logic [1:0]  bresp,
    output logic        bvalid,
    input  wire         bready,
    input  wire  [31:0] araddr,
    input  wire  [2:0]  arprot,
    input  wire         arvalid,
    output logic        arready,
    output logic [31:0] rdata,
    output logic [1:0]  rresp,
    output logic        rvalid,
    input  wire         rready,
    output logic [62:0] load
);
  localparam logic [1:0] OKAY = 2'b00, SLVERR = 2'b10;

  logic [31:0] address, data;
  logic [3:0] strobes;
  logic have_address, have_data, both, good, unused;

  assign awready = ~have_address;
  assign wready  = ~have_data;
  assign both    = have_address & have_data & (~bvalid | bready);
  assign good    = (address[1:0] == 2'b00) & (32'(address[31:2]) < WORDS) & (&strobes);
  assign load    = {both & good, address[31:2], data};
  assign unused  = ^{awprot, arprot, araddr};

  always_ff @(posedge clk) if (awvalid & awready) address <= awaddr;
  always_ff @(posedge clk) if (wvalid & wready) {strobes, data} <= {wstrb, wdata};

  always_ff @(posedge clk)
    if (rst) {have_address, have_data, bvalid} <= '0;
    else begin
      have_address <= (have_address & ~both) | (awvalid & awready);
      have_data    <= (have_data & ~both) | (wvalid & wready);
      bvalid       <= both | (bvalid & ~bready);
    end
  always_ff @(posedge clk) if (both) bresp <= good ? OKAY : SLVERR;

  assign rdata   = '0;
  assign rresp   = SLVERR;
  assign arready = ~rvalid;
  always_ff @(posedge clk)
    if (rst) rvalid <= 1'b0;
    else rvalid <= (arvalid & arready) | (rvalid & ~rready);
endmodule
`default_nettype wire
