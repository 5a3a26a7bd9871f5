// Sums over TAPS beats of PE codes, each code times the weights of its MULTIPLIER outputs, plus a bias: PE * MULTIPLIER sums a beat, for each of PARTS in turn.
//
// A word of the table WEIGHTS holds the weights of one beat, the first in its lowest bits; words are in the order in which they are used.
// A beat a cycle; sums come out four cycles after their last beat. They are exact: they wrap on their way, and ACC_BITS hold each whole sum.
`default_nettype none
module depthwise_sums #(
    parameter int unsigned TAPS       = 1,
    parameter int unsigned PARTS      = 1,
    parameter int unsigned PE         = 1,
    parameter int unsigned MULTIPLIER = 1,
    parameter int unsigned X_BITS     = 8,
    parameter bit          X_SIGNED   = 1,
    parameter int unsigned W_BITS     = 8,
    parameter int unsigned ACC_BITS   = 32,
    parameter              WEIGHTS    = "",
    parameter              BIASES     = "",
    parameter bit          LOADABLE   = 0,
    parameter int unsigned WEIGHTS_BASE = 0,
    parameter int unsigned BIASES_BASE  = 0,
    localparam int unsigned LANES = PE * MULTIPLIER
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire  [62:0]               load = 63'b0,
    input  wire  [PE*X_BITS-1:0]      in_data,
    input  wire                       in_last,
    input  wire                       in_valid,
    output logic                      in_ready,
    output logic [LANES*ACC_BITS-1:0] out_data,
    output logic                      out_last,
    output logic                      out_valid,
    input  wire                       out_ready
);
  localparam int unsigned TAP_BITS = TAPS > 1 ? $clog2(TAPS) : 1;
  localparam int unsigned PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int unsigned WORD_BITS = PARTS * TAPS > 1 ? $clog2(PARTS * TAPS) : 1;

  logic [LANES*W_BITS-1:0] weights[PARTS*TAPS];
  logic [LANES*ACC_BITS-1:0] biases[PARTS];
  initial $readmemh(WEIGHTS, weights);
  initial $readmemh(BIASES, biases);

  if (LOADABLE) begin : g_loadable
    logic weights_write, biases_write;
    logic [WORD_BITS-1:0] weights_place;
    logic [PART_BITS-1:0] biases_place;
    logic [LANES*W_BITS-1:0] weights_word;
    logic [LANES*ACC_BITS-1:0] biases_word;
    table_writer #(.WIDTH(LANES * W_BITS), .WORDS(PARTS * TAPS), .BASE(WEIGHTS_BASE)) u_weights (
        .clk(clk), .rst(rst), .load(load), .write(weights_write), .place(weights_place), .word(weights_word));
    table_writer #(.WIDTH(LANES * ACC_BITS), .WORDS(PARTS), .BASE(BIASES_BASE)) u_biases (
        .clk(clk), .rst(rst), .load(load), .write(biases_write), .place(biases_place), .word(biases_word));
    always_ff @(posedge clk) if (weights_write) weights[weights_place] <= weights_word;
    always_ff @(posedge clk) if (biases_write) biases[biases_place] <= biases_word;
  end else begin : g_fixed
    logic unused;
    assign unused = ^{load, WEIGHTS_BASE, BIASES_BASE};
  end

  logic [TAP_BITS-1:0] tap;
  logic [PART_BITS-1:0] part;
  logic [WORD_BITS-1:0] word;
  logic step, take, tap_end, part_end;

  assign step     = ~out_valid | out_ready;
  assign in_ready = step;
  assign take     = step & in_valid;
  assign tap_end  = tap == TAP_BITS'(TAPS - 1);
  assign part_end = part == PART_BITS'(PARTS - 1);

  always_ff @(posedge clk)
    if (rst) begin
      tap  <= '0;
      part <= '0;
      word <= '0;
    end else if (take) begin
      tap <= tap_end ? '0 : tap + 1'b1;
      if (tap_end) part <= part_end ? '0 : part + 1'b1;
      word <= tap_end & part_end ? '0 : word + 1'b1;
    end

  // Four stages: weights as they leave the memory, operands beside the multipliers, products, sums.
  localparam int unsigned STAGES = 3;  // before the accumulator
  logic [PE*X_BITS-1:0] x_read, x;
  logic [LANES*W_BITS-1:0] w_read, w;
  logic [LANES*ACC_BITS-1:0] bias[STAGES];
  logic [STAGES-1:0] at, at_first, at_end, at_last;

  always_ff @(posedge clk) if (step) w_read <= weights[word];
  always_ff @(posedge clk) if (step) bias[0] <= biases[part];
  always_ff @(posedge clk)
    if (step) begin
      x_read <= in_data;
      w      <= w_read;
      x      <= x_read;
      for (int i = 1; i < STAGES; i++) bias[i] <= bias[i-1];
      at_first <= {at_first[STAGES-2:0], tap == '0};
      at_end   <= {at_end[STAGES-2:0], tap_end};
      at_last  <= {at_last[STAGES-2:0], in_last};
    end

  always_ff @(posedge clk)
    if (rst) begin
      at        <= '0;
      out_valid <= 1'b0;
    end else if (step) begin
      at        <= {at[STAGES-2:0], take};
      out_valid <= at[STAGES-1] & at_end[STAGES-1];
    end

  always_ff @(posedge clk) if (step & at[STAGES-1]) out_last <= at_last[STAGES-1];

  localparam int unsigned PRODUCT = X_BITS + W_BITS < ACC_BITS ? X_BITS + W_BITS : ACC_BITS;

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    localparam int unsigned SOURCE = lane / MULTIPLIER;
    logic signed [X_BITS:0] number;
    logic signed [PRODUCT-1:0] product;
    logic signed [ACC_BITS-1:0] start, accumulator;

    assign number = {X_SIGNED & x[(SOURCE+1)*X_BITS-1], x[SOURCE*X_BITS+:X_BITS]};
    assign start  = at_first[STAGES-1] ? bias[STAGES-1][lane*ACC_BITS+:ACC_BITS] : accumulator;
    always_ff @(posedge clk)
      if (step) begin
        product <= PRODUCT'(number) * PRODUCT'($signed(w[lane*W_BITS+:W_BITS]));
        if (at[STAGES-1]) accumulator <= start + ACC_BITS'(product);
      end
    assign out_data[lane*ACC_BITS+:ACC_BITS] = accumulator;
  end
endmodule
`default_nettype wire
