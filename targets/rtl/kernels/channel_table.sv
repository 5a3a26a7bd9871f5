// A table of a word for each of CHANNELS, read PE words at a time, over and over: those of the beat at hand, until `next`. With LOADABLE
// `load` can write it, at BASE; see table_writer.sv.
`default_nettype none
module channel_table #(
    parameter int unsigned CHANNELS = 1,
    parameter int unsigned PE       = 1,
    parameter int unsigned WIDTH    = 8,
    parameter              FILE     = "",
    parameter bit          LOADABLE = 0,
    parameter int unsigned BASE     = 0
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire  [62:0]         load = 63'b0,
    input  wire                 next,
    output logic [PE*WIDTH-1:0] words
);
  localparam int unsigned FOLDS = CHANNELS / PE;
  localparam int unsigned PLACE_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;

  logic [PE*WIDTH-1:0] rows[FOLDS];
  initial $readmemh(FILE, rows);

  if (LOADABLE) begin : g_loadable
    logic write;
    logic [PLACE_BITS-1:0] place;
    logic [PE*WIDTH-1:0] word;
    table_writer #(.WIDTH(PE * WIDTH), .WORDS(FOLDS), .BASE(BASE)) u_writer (
        .clk(clk), .rst(rst), .load(load), .write(write), .place(place), .word(word));
    always_ff @(posedge clk) if (write) rows[place] <= word;
  end else begin : g_fixed
    logic unused;
    assign unused = ^{load, BASE};
  end

  logic [PLACE_BITS-1:0] fold;
  assign words = rows[fold];

  always_ff @(posedge clk)
    if (rst) fold <= '0;
    else if (next) fold <= fold == PLACE_BITS'(FOLDS - 1) ? '0 : fold + 1'b1;
endmodule
`default_nettype wire
