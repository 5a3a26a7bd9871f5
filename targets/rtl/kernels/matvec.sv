// Sums of products of a vector (INPUTS) by a matrix (OUTPUTS, INPUTS), plus a bias, folded: SIMD inputs a cycle for PE outputs.
//
// A vector comes in as INPUTS / SIMD beats and is kept while it is read again for every PE outputs, so that it takes
// INPUTS / SIMD * OUTPUTS / PE cycles. A word of the table WEIGHTS holds PE rows of SIMD weights, the first in its lowest bits; words
// are in the order in which they are used. Sums are exact: they wrap on their way, and ACC_BITS hold each whole sum.
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
    parameter              BIASES   = ""
) (
    input  wire                    clk,
    input  wire                    rst,
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

  // Where the walk is: the part of the vector, the fold of the outputs, the word of the table.
  logic [PART_BITS-1:0] part;
  logic [FOLD_BITS-1:0] fold;
  logic [WORD_BITS-1:0] word;
  logic step, take, fresh, part_end, fold_end, last;

  assign step     = ~out_valid | out_ready;
  assign fresh    = fold == '0;
  assign in_ready = step & fresh;
  assign take     = step & (~fresh | in_valid);
  assign part_end = part == PART_BITS'(PARTS - 1);
  assign fold_end = fold == FOLD_BITS'(FOLDS - 1);

  always_ff @(posedge clk)
    if (rst) begin
      part <= '0;
      fold <= '0;
      word <= '0;
    end else if (take) begin
      part <= part_end ? '0 : part + 1'b1;
      if (part_end) fold <= fold_end ? '0 : fold + 1'b1;
      word <= part_end & fold_end ? '0 : word + 1'b1;
    end

  logic [SIMD*X_BITS-1:0] vector[PARTS];
  always_ff @(posedge clk)
    if (in_valid & in_ready) begin
      vector[part] <= in_data;
      last <= in_last;
    end

  // Operands, as they leave the tables.
  logic [SIMD*X_BITS-1:0] x;
  logic [PE*SIMD*W_BITS-1:0] w;
  logic [PE*ACC_BITS-1:0] bias, bias_of_sums;
  logic operands, operands_first, operands_end, operands_last;

  always_ff @(posedge clk) if (step) w <= weights[word];
  always_ff @(posedge clk)
    if (step) begin
      x <= fresh ? in_data : vector[part];
      bias <= biases[fold];
      operands_first <= part == '0;
      operands_end <= part_end;
      operands_last <= fold_end & (fresh ? in_last : last);
    end

  // Sums of a cycle's products.
  logic sums, sums_first, sums_end, sums_last;
  always_ff @(posedge clk)
    if (step) begin
      bias_of_sums <= bias;
      sums_first <= operands_first;
      sums_end <= operands_end;
      sums_last <= operands_last;
    end

  always_ff @(posedge clk)
    if (rst) begin
      operands  <= 1'b0;
      sums      <= 1'b0;
      out_valid <= 1'b0;
    end else if (step) begin
      operands  <= take;
      sums      <= operands;
      out_valid <= sums & sums_end;
    end

  always_ff @(posedge clk) if (step & sums) out_last <= sums_last;

  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [ACC_BITS-1:0] sum, total, start, accumulator;

    if (BIPOLAR) begin : g_bipolar
      logic [SIMD-1:0] agree;
      assign agree = ~(x ^ w[lane*SIMD+:SIMD]);
      always_comb begin
        sum = '0;
        for (int i = 0; i < SIMD; i++) sum += ACC_BITS'({agree[i], 1'b0});
      end
    end else begin : g_products
      always_comb begin
        sum = '0;
        for (int i = 0; i < SIMD; i++)
          sum += ACC_BITS'($signed({X_SIGNED & x[(i+1)*X_BITS-1], x[i*X_BITS+:X_BITS]})
                           * $signed(w[(lane*SIMD+i)*W_BITS+:W_BITS]));
      end
    end

    assign start = sums_first ? bias_of_sums[lane*ACC_BITS+:ACC_BITS] : accumulator;
    always_ff @(posedge clk)
      if (step) begin
        total <= sum;
        if (sums) accumulator <= start + total;
      end
    assign out_data[lane*ACC_BITS+:ACC_BITS] = accumulator;
  end
endmodule
`default_nettype wire
