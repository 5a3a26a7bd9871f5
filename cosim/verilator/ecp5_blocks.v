// Two cells of ECP5 of which yosys has no models: a multiplier and a block RAM, as far as yosys 0.23 instantiates them.
//
// The multiplier has no registers inside. The block RAM has two ports of 1, 2, 4, 9 or 18 bits, or one to write (A) and one to read (B) of
// 36; output registers are not modelled, nor resets of outputs. Words of 18 bits lie 20 apart in INITVAL_00 .. INITVAL_3F.
`default_nettype none
module MULT18X18D (
    input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CLK1, CLK2, CLK3, CE0, CE1, CE2, CE3, RST0, RST1, RST2, RST3,
    input wire SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9, SRIA8, SRIA7, SRIA6, SRIA5, SRIA4, SRIA3, SRIA2, SRIA1, SRIA0,
    input wire SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9, SRIB8, SRIB7, SRIB6, SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
    output wire SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9, SROA8, SROA7, SROA6, SROA5, SROA4, SROA3, SROA2, SROA1, SROA0,
    output wire SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9, SROB8, SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0,
    output wire ROA17, ROA16, ROA15, ROA14, ROA13, ROA12, ROA11, ROA10, ROA9, ROA8, ROA7, ROA6, ROA5, ROA4, ROA3, ROA2, ROA1, ROA0,
    output wire ROB17, ROB16, ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9, ROB8, ROB7, ROB6, ROB5, ROB4, ROB3, ROB2, ROB1, ROB0,
    output wire ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9, ROC8, ROC7, ROC6, ROC5, ROC4, ROC3, ROC2, ROC1, ROC0,
    output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0,
    output wire SIGNEDP
);
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTA_CE = "CE0", REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE", REG_INPUTB_CE = "CE0", REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE", REG_INPUTC_CE = "CE0", REG_INPUTC_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE", REG_PIPELINE_CE = "CE0", REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE", REG_OUTPUT_CE = "CE0", REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED", CLK1_DIV = "ENABLED", CLK2_DIV = "ENABLED", CLK3_DIV = "ENABLED", HIGHSPEED_CLK = "NONE";
  parameter GSR = "ENABLED", CAS_MATCH_REG = "FALSE", SOURCEB_MODE = "B_SHIFT", MULT_BYPASS = "DISABLED", RESETMODE = "SYNC";
  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [18:0] signed_a = {SIGNEDA & a[17], a};
  wire signed [18:0] signed_b = {SIGNEDB & b[17], b};
  wire signed [37:0] product = signed_a * signed_b;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product[35:0];
  assign SIGNEDP = SIGNEDA | SIGNEDB;
endmodule

module DP16KD (
    input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
    input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input wire CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
    input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
    input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input wire CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

  reg [17:0] words[0:1023];
  reg [17:0] out_a = 0, out_b = 0;
  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] in_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] in_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};

  task fill(input integer slice, input [319:0] value);
    integer i;
    for (i = 0; i < 16; i = i + 1) words[slice*16+i] = value[i*20+:18];
  endtask
  initial begin
    fill(0, INITVAL_00);
    fill(1, INITVAL_01);
    fill(2, INITVAL_02);
    fill(3, INITVAL_03);
    fill(4, INITVAL_04);
    fill(5, INITVAL_05);
    fill(6, INITVAL_06);
    fill(7, INITVAL_07);
    fill(8, INITVAL_08);
    fill(9, INITVAL_09);
    fill(10, INITVAL_0A);
    fill(11, INITVAL_0B);
    fill(12, INITVAL_0C);
    fill(13, INITVAL_0D);
    fill(14, INITVAL_0E);
    fill(15, INITVAL_0F);
    fill(16, INITVAL_10);
    fill(17, INITVAL_11);
    fill(18, INITVAL_12);
    fill(19, INITVAL_13);
    fill(20, INITVAL_14);
    fill(21, INITVAL_15);
    fill(22, INITVAL_16);
    fill(23, INITVAL_17);
    fill(24, INITVAL_18);
    fill(25, INITVAL_19);
    fill(26, INITVAL_1A);
    fill(27, INITVAL_1B);
    fill(28, INITVAL_1C);
    fill(29, INITVAL_1D);
    fill(30, INITVAL_1E);
    fill(31, INITVAL_1F);
    fill(32, INITVAL_20);
    fill(33, INITVAL_21);
    fill(34, INITVAL_22);
    fill(35, INITVAL_23);
    fill(36, INITVAL_24);
    fill(37, INITVAL_25);
    fill(38, INITVAL_26);
    fill(39, INITVAL_27);
    fill(40, INITVAL_28);
    fill(41, INITVAL_29);
    fill(42, INITVAL_2A);
    fill(43, INITVAL_2B);
    fill(44, INITVAL_2C);
    fill(45, INITVAL_2D);
    fill(46, INITVAL_2E);
    fill(47, INITVAL_2F);
    fill(48, INITVAL_30);
    fill(49, INITVAL_31);
    fill(50, INITVAL_32);
    fill(51, INITVAL_33);
    fill(52, INITVAL_34);
    fill(53, INITVAL_35);
    fill(54, INITVAL_36);
    fill(55, INITVAL_37);
    fill(56, INITVAL_38);
    fill(57, INITVAL_39);
    fill(58, INITVAL_3A);
    fill(59, INITVAL_3B);
    fill(60, INITVAL_3C);
    fill(61, INITVAL_3D);
    fill(62, INITVAL_3E);
    fill(63, INITVAL_3F);
  end

  // Where the code of a port of fewer than 18 bits lies in its word: of each 9 bits, 8 where the code has a power of two of them.
  function integer place(input integer width, input [13:0] address);
    place = (address[3] ? 9 : 0) + (width < 9 ? address[2:0] & ~(width - 1) & 7 : 0);
  endfunction

  always @(posedge CLKA)
    if (CEA) begin
      if (WEA) begin
        if (DATA_WIDTH_A == 36) begin
          if (address_a[0]) words[{address_a[13:5], 1'b0}][8:0] <= in_a[8:0];
          if (address_a[1]) words[{address_a[13:5], 1'b0}][17:9] <= in_a[17:9];
          if (address_a[2]) words[{address_a[13:5], 1'b1}][8:0] <= in_b[8:0];
          if (address_a[3]) words[{address_a[13:5], 1'b1}][17:9] <= in_b[17:9];
        end else if (DATA_WIDTH_A == 18) begin
          if (address_a[0]) words[address_a[13:4]][8:0] <= in_a[8:0];
          if (address_a[1]) words[address_a[13:4]][17:9] <= in_a[17:9];
        end else
          words[address_a[13:4]] <= (words[address_a[13:4]] & ~(((18'd1 << DATA_WIDTH_A) - 18'd1) << place(DATA_WIDTH_A, address_a)))
                                    | (in_a & ((18'd1 << DATA_WIDTH_A) - 18'd1)) << place(DATA_WIDTH_A, address_a);
      end else if (DATA_WIDTH_A < 36)
        out_a <= DATA_WIDTH_A == 18 ? words[address_a[13:4]] : words[address_a[13:4]] >> place(DATA_WIDTH_A, address_a);
    end

  always @(posedge CLKB)
    if (CEB & ~WEB) begin
      if (DATA_WIDTH_B == 36) begin
        out_a <= words[{address_b[13:5], 1'b0}];
        out_b <= words[{address_b[13:5], 1'b1}];
      end else out_b <= DATA_WIDTH_B == 18 ? words[address_b[13:4]] : words[address_b[13:4]] >> place(DATA_WIDTH_B, address_b);
    end

  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = out_a;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = out_b;
endmodule
`default_nettype wire
