// Sums of two streams, or differences with SUBTRACT, of PE lanes: each operand comes to a common scale, TERM_BITS wide, with a rounding of its own; what
// they sum to is rounded, moved by ZERO and clipped to LO .. HI. See scale.sv for the roundings, which share ROUNDING.
//
// Stream a is the lower part of the inputs. Beats are taken in pairs, one a cycle; a pair comes out six cycles later, or eight with
// the roundings of TensorFlow Lite.
`default_nettype none
module add #(
    parameter int unsigned PE         = 1,
    parameter bit          SUBTRACT   = 0,
    parameter int unsigned A_BITS     = 8,
    parameter bit          A_SIGNED   = 1,
    parameter int          A_ZERO     = 0,
    parameter int unsigned A_MUL_BITS = 2,
    parameter int          A_MUL      = 1,
    parameter int unsigned A_SHIFT    = 0,
    parameter int unsigned A_SECOND   = 0,
    parameter int unsigned B_BITS     = 8,
    parameter bit          B_SIGNED   = 1,
    parameter int          B_ZERO     = 0,
    parameter int unsigned B_MUL_BITS = 2,
    parameter int          B_MUL      = 1,
    parameter int unsigned B_SHIFT    = 0,
    parameter int unsigned B_SECOND   = 0,
    parameter int unsigned TERM_BITS  = 32,
    parameter int unsigned ROUNDING   = 0,
    parameter int unsigned Y_BITS     = 8,
    parameter int unsigned MUL_BITS   = 2,
    parameter int          MUL        = 1,
    parameter int unsigned SHIFT      = 0,
    parameter int unsigned SECOND     = 0,
    parameter int          ZERO       = 0,
    parameter int          LO         = -128,
    parameter int          HI         = 127
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
  localparam int unsigned TFLITE = 4;
  localparam int unsigned STAGES = ROUNDING == TFLITE ? 3 : 2;  // of scale.sv

  // Both beats are taken at once, when both are there.
  logic step, both, sums_ready;
  logic [STAGES:0] valid, last;
  assign step     = ~valid[STAGES] | sums_ready;
  assign both     = &in_valid;
  assign in_ready = {2{step & both}};

  always_ff @(posedge clk)
    if (rst) valid <= '0;
    else if (step) valid <= {valid[STAGES-1:0], both};

  always_ff @(posedge clk) if (step) last <= {last[STAGES-1:0], in_last[0]};

  logic unused;
  assign unused = in_last[1];

  logic [PE*TERM_BITS-1:0] sums;
  for (genvar lane = 0; lane < PE; lane++) begin : g_lane
    logic signed [TERM_BITS-1:0] a, b;

    scale #(
        .X_BITS(A_BITS), .X_SIGNED(A_SIGNED), .X_ZERO(A_ZERO), .Y_BITS(TERM_BITS), .MUL_BITS(A_MUL_BITS), .SHIFT(A_SHIFT),
        .ROUNDING(ROUNDING), .SECOND(A_SECOND)
    ) u_a (
        .clk(clk), .step(step), .x(in_data[lane*A_BITS+:A_BITS]), .word(A_MUL_BITS'(A_MUL)), .y(a)
    );
    scale #(
        .X_BITS(B_BITS), .X_SIGNED(B_SIGNED), .X_ZERO(B_ZERO), .Y_BITS(TERM_BITS), .MUL_BITS(B_MUL_BITS), .SHIFT(B_SHIFT),
        .ROUNDING(ROUNDING), .SECOND(B_SECOND)
    ) u_b (
        .clk(clk), .step(step), .x(in_data[PE*A_BITS+lane*B_BITS+:B_BITS]), .word(B_MUL_BITS'(B_MUL)), .y(b)
    );
    always_ff @(posedge clk) if (step) sums[lane*TERM_BITS+:TERM_BITS] <= SUBTRACT ? a - b : a + b;
  end

  requant #(
      .PE(PE), .X_BITS(TERM_BITS), .X_SIGNED(1'b1), .Y_BITS(Y_BITS), .MUL_BITS(MUL_BITS), .MUL(MUL), .SHIFT(SHIFT), .ROUNDING(ROUNDING),
      .SECOND(SECOND), .ZERO(ZERO), .LO(LO), .HI(HI)
  ) u_requant (
      .clk(clk), .rst(rst), .in_data(sums), .in_last(last[STAGES]), .in_valid(valid[STAGES]), .in_ready(sums_ready),
      .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
  );
endmodule
`default_nettype wire
