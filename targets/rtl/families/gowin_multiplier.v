// What mul2dsp leaves of a multiplication, as Gowin's multiplier without registers.
module \$__MULTIPLY_18X18 (
    input  [17:0] A,
    input  [17:0] B,
    output [35:0] Y
);
  parameter A_WIDTH = 18;
  parameter B_WIDTH = 18;
  parameter Y_WIDTH = 36;
  parameter A_SIGNED = 0;
  parameter B_SIGNED = 0;
  MULT18X18 _TECHMAP_REPLACE_ (
      .A(A), .B(B), .SIA(18'b0), .SIB(18'b0), .ASIGN(A_SIGNED ? 1'b1 : 1'b0), .BSIGN(B_SIGNED ? 1'b1 : 1'b0),
      .ASEL(1'b0), .BSEL(1'b0), .CE(1'b0), .CLK(1'b0), .RESET(1'b0), .DOUT(Y)
  );
endmodule
