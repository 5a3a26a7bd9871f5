// Sums of products of a vector (INPUTS) by a matrix (OUTPUTS, INPUTS), plus a bias, folded: SIMD inputs a cycle for PE outputs.
//
// A vector comes in as INPUTS / SIMD beats and is kept while it is read again for every PE outputs, so that it takes
// INPUTS / SIMD * OUTPUTS / PE cycles, in which the next one comes in. A word of the table WEIGHTS holds PE rows of SIMD weights, the first in its lowest bits; words
// are in the order in which they are used. Sums are exact: they wrap on their way, and ACC_BITS hold each whole sum.
// With LOADABLE the bus `load` can write both tables, at WEIGHTS_BASE and BIASES_BASE; see table_writer.sv.
// BIPOLAR counts the lanes in which one-bit codes agree, twice; the table of biases has the number of inputs taken off.
`default_nettype none
module matvec #(
    parameter int unsigned INPUTS   = 1,
    parameter int unsigned OUTPUTS  = 1,
    parameter int unsigned SIMD     = 1,
    parameter int unsigned PE       = 1,
    parameter bit          BIPOLAR  = 0,
    parameter int unsigned X_BITS   = 8,
    parameter bit          X_SIGNED = 1,
    parameter int unsigned W_BITS   = 8,
    parameter int unsigned ACC_BITS = 32,
    parameter              WEIGHTS  = "",
    parameter              BIASES   = "",
    parameter bit          LOADABLE = 0,
    parameter int unsigned WEIGHTS_BASE = 0,
    parameter int unsigned BIASES_BASE  = 0
) (
    input  wire                    clk,
    input  wire                    rst,
    input  wire  [62:0]            load = 63'b0,
    input  wire  [SIMD*X_BITS-1:0] in_data,
    input  wire                    in_last,
    input  wire                    in_valid,
    output logic                   in_ready,
    output logic [PE*ACC_BITS-1:0] out_data,
    output logic                   out_last,
    output logic                   out_valid,
    input  wire                    out_ready
);
  localparam int unsigned PARTS = INPUTS / SIMD;
  localparam int unsigned FOLDS = OUTPUTS / PE;
  localparam int unsigned PART_BITS = PARTS > 1 ? $clog2(PARTS) : 1;
  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned WORD_BITS = PARTS * FOLDS > 1 ? $clog2(PARTS * FOLDS) : 1;

  logic [PE*SIMD*W_BITS-1:0] weights[PARTS*FOLDS];
  logic [PE*ACC_BITS-1:0] biases[FOLDS];
  initial $readmemh(WEIGHTS, weights);
  initial $readmemh(BIASES, biases);

  if (LOADABLE) begin : g_loadable
    logic weights_write, biases_write;
    logic [WORD_BITS-1:0] weights_place;
    logic [FOLD_BITS-1:0] biases_place;
    logic [PE*SIMD*W_BITS-1:0] weights_word;
    logic [PE*ACC_BITS-1:0] biases_word;
    table_writer #(.WIDTH(PE * SIMD * W_BITS), .WORDS(PARTS * FOLDS), .BASE(WEIGHTS_BASE)) u_weights (
        .clk(clk), .rst(rst), .load(load), .write(weights_write), .place(weights_place), .word(weights_word));
    table_writer #(.WIDTH(PE * ACC_BITS), .WORDS(FOLDS), .BASE(BIASES_BASE)) u_biases (
        .clk(clk), .rst(rst), .load(load), .write(biases_write), .place(biases_place), .word(biases_word));
    always_ff @(posedge clk) if (weights_write) weights[weights_place] <= weights_word;
    always_ff @(posedge clk) if (biases_write) biases[biases_place] <= biases_word;
  end else begin : g_fixed
    logic unused;
    assign unused = ^{load, WEIGHTS_BASE, BIASES_BASE};
  end

  // Vectors at hand: the one that is read, and behind it room for another one, so that neither side waits for the other's pace.
  localparam int unsigned ROOM = 2 * PARTS;
  localparam int unsigned ROOM_BITS = $clog2(ROOM);
  localparam int unsigned COUNT_BITS = $clog2(ROOM + 1);

  logic [SIMD*X_BITS:0] beats[ROOM];
  logic [ROOM_BITS-1:0] tail, place;
  logic [COUNT_BITS-1:0] count;  // beats from the first of the vector that is read
  logic push, done;

  // Where the walk is: the part of the vector, the fold of the outputs, the word of the table.
  logic [PART_BITS-1:0] part;
  logic [FOLD_BITS-1:0] fold;
  logic [WORD_BITS-1:0] word;
  logic odd;  // the vector that is read lies in the upper half
  logic step, take, part_end, fold_end;

  assign in_ready = count != COUNT_BITS'(ROOM);
  assign push     = in_valid & in_ready;
  assign step     = ~out_valid | out_ready;
  assign take     = step & (count > COUNT_BITS'(part));
  assign part_end = part == PART_BITS'(PARTS - 1);
  assign fold_end = fold == FOLD_BITS'(FOLDS - 1);
  assign done     = take & part_end & fold_end;
  assign place    = ROOM_BITS'(part) + (odd ? ROOM_BITS'(PARTS) : '0);

  always_ff @(posedge clk) if (push) beats[tail] <= {in_last, in_data};

  always_ff @(posedge clk)
    if (rst) begin
      tail  <= '0;
      count <= '0;
      part  <= '0;
      fold  <= '0;
      word  <= '0;
      odd   <= 1'b0;
    end else begin
      if (push) tail <= tail == ROOM_BITS'(ROOM - 1) ? '0 : tail + 1'b1;
      count <= count + COUNT_BITS'(push) - (done ? COUNT_BITS'(PARTS) : '0);
      if (take) begin
        part <= part_end ? '0 : part + 1'b1;
        if (part_end) fold <= fold_end ? '0 : fold + 1'b1;
        word <= done ? '0 : word + 1'b1;
        odd  <= odd ^ done;
      end
    end

  // Five stages: operands as they leave the memories, the same in registers beside the multipliers, products, the sum of a cycle's
  // products, the sum of all. `at` says in which there is something, the others what it is.
  localparam int unsigned STAGES = 4;  // before the accumulator
  logic [SIMD*X_BITS-1:0] x_read, x;
  logic [PE*SIMD*W_BITS-1:0] w_read, w;
  logic [PE*ACC_BITS-1:0] bias[STAGES];
  logic [STAGES-1:0] at, at_first, at_end, at_last;
  logic last_read, fold_end_read;

  always_ff @(posedge clk) if (step) w_read <= weights[word];
  always_ff @(posedge clk) if (step) {last_read, x_read} <= beats[place];
  always_ff @(posedge clk) if (step) bias[0] <= biases[fold];
  always_ff @(posedge clk)
    if (step) begin
      w <= w_read;
      x <= x_read;
      fold_end_read <= fold_end;
      for (int i = 1; i < STAGES; i++) bias[i] <= bias[i-1];
      at_first <= {at_first[STAGES-2:0], part == '0};
      at_end   <= {at_end[STAGES-2:0], part_end};
      at_last  <= {at_last[STAGES-2:1], fold_end_read & last_read, 1'b0};
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

  localparam int unsigned SMALL = 12;  // products of so few bits are sums of shifts, too small for a multiplier of the device
  localparam int unsigned PRODUCT = BIPOLAR ? 3 : X_BITS + W_BITS + 1;

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [PRODUCT-1:0] products[SIMD];
    logic signed [ACC_BITS-1:0] sum, total, start, accumulator;

    for (genvar i = 0; i < SIMD; i++) begin : g_product
      logic signed [PRODUCT-1:0] product;
      if (BIPOLAR) begin : g_bipolar
        assign product = {1'b0, x[i] ~^ w[lane*SIMD+i], 1'b0};
      end else if (X_BITS * W_BITS <= SMALL) begin : g_small
        logic signed [X_BITS:0] number;
        assign number = {X_SIGNED & x[(i+1)*X_BITS-1], x[i*X_BITS+:X_BITS]};
        always_comb begin
          product = '0;
          for (int b = 0; b < W_BITS; b++)
            if (w[(lane*SIMD+i)*W_BITS+b]) begin
              if (b == W_BITS - 1) product -= PRODUCT'(number) << b;
              else product += PRODUCT'(number) << b;
            end
        end
      end else begin : g_whole
        logic signed [X_BITS:0] number;
        assign number = {X_SIGNED & x[(i+1)*X_BITS-1], x[i*X_BITS+:X_BITS]};
        assign product = number * $signed(w[(lane*SIMD+i)*W_BITS+:W_BITS]);
      end
      always_ff @(posedge clk) if (step) products[i] <= product;
    end

    always_comb begin
      sum = '0;
      for (int i = 0; i < SIMD; i++) sum += ACC_BITS'(products[i]);
    end

    assign start = at_first[STAGES-1] ? bias[STAGES-1][lane*ACC_BITS+:ACC_BITS] : accumulator;
    always_ff @(posedge clk)
      if (step) begin
        total <= sum;
        if (at[STAGES-1]) accumulator <= start + total;
      end
    assign out_data[lane*ACC_BITS+:ACC_BITS] = accumulator;
  end
endmodule
`default_nettype wire
