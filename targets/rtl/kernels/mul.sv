// Products of two streams of PE lanes, (a - A_ZERO) * (b - B_ZERO), with their output stage: see output_stage.sv, of one multiplier.
//
// Stream a is the lower part of the inputs. Beats are taken in pairs, one a cycle; a product comes to the output stage two cycles later.
`default_nettype none
module mul #(
    parameter int unsigned PE       = 1,
    parameter int unsigned A_BITS   = 8,
    parameter bit          A_SIGNED = 1,
    parameter int          A_ZERO   = 0,
    parameter int unsigned B_BITS   = 8,
    parameter bit          B_SIGNED = 1,
    parameter int          B_ZERO   = 0,
    parameter int unsigned Y_BITS   = 8,
    parameter int unsigned STAGE    = 0,
    parameter int unsigned MUL_BITS = 2,
    parameter int          MUL      = 1,
    parameter int unsigned SHIFT    = 0,
    parameter int unsigned ROUNDING = 0,
    parameter int unsigned SECOND   = 0,
    parameter int          ZERO     = 0,
    parameter int          LO       = 0,
    parameter int          HI       = 0
) (
    input  wire                           clk,
    input  wire                           rst,
    input  wire  [PE*(A_BITS+B_BITS)-1:0] in_data,
    input  wire  [1:0]                    in_last,
    input  wire  [1:0]                    in_valid,
    output logic [1:0]                    in_ready,
    output logic [PE*Y_BITS-1:0]          out_data,
    output logic                          out_last,
    output logic                          out_valid,
    input  wire                           out_ready
);
  localparam int unsigned PRODUCT = A_BITS + B_BITS + 4;  // of numbers without their zero points

  logic step, both, products_ready;
  logic [1:0] valid, last;
  assign step     = ~valid[1] | products_ready;
  assign both     = &in_valid;
  assign in_ready = {2{step & both}};

  always_ff @(posedge clk)
    if (rst) valid <= '0;
    else if (step) valid <= {valid[0], both};

  always_ff @(posedge clk) if (step) last <= {last[0], in_last[0]};

  logic unused;
  assign unused = in_last[1];

  logic [PE*PRODUCT-1:0] products;
  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic [A_BITS-1:0] a_code;
    logic [B_BITS-1:0] b_code;
    logic signed [A_BITS+1:0] a;
    logic signed [B_BITS+1:0] b;
    assign a_code = in_data[lane*A_BITS+:A_BITS];
    assign b_code = in_data[PE*A_BITS+lane*B_BITS+:B_BITS];
    always_ff @(posedge clk)
      if (step) begin
        a <= (A_BITS + 2)'($signed({A_SIGNED & a_code[A_BITS-1], a_code})) - (A_BITS + 2)'(A_ZERO);
        b <= (B_BITS + 2)'($signed({B_SIGNED & b_code[B_BITS-1], b_code})) - (B_BITS + 2)'(B_ZERO);
        products[lane*PRODUCT+:PRODUCT] <= PRODUCT'(a) * PRODUCT'(b);
      end
  end

  output_stage #(
      .PE(PE), .ACC_BITS(PRODUCT), .Y_BITS(Y_BITS), .STAGE(STAGE), .MUL_BITS(MUL_BITS), .MUL(MUL), .SHIFT(SHIFT), .ROUNDING(ROUNDING),
      .SECOND(SECOND), .ZERO(ZERO), .LO(LO), .HI(HI)
  ) u_stage (
      .clk(clk), .rst(rst), .in_data(products), .in_last(last[1]), .in_valid(valid[1]), .in_ready(products_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
