// The queue of targets/rtl/kernels/fifo.sv for a look inside: its depth and how it stalls are told when the simulation starts, and it
// says what passed through it.
//
// Reads `<path of the instance>.in`, if it is there: the depth, at most DEPTH; of 256 cycles, how many a beat waits before it is
// offered, on average; 1 to write every beat. Writes `<path>.beats`, a beat a line, and at the end `<path>.out`: the most beats that
// were in it, those that are left, and how many were taken.
`default_nettype none
module fifo #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 2
) (
    input  wire              clk,
    input  wire              rst,
    input  wire  [WIDTH-1:0] in_data,
    input  wire              in_valid,
    output logic             in_ready,
    output logic [WIDTH-1:0] out_data,
    output logic             out_valid,
    input  wire              out_ready
);
  localparam int SHALLOW = 32;  // as in that queue

  logic [WIDTH-1:0] beats[DEPTH];
  int depth, wait_share, write_beats, count, head, tail, most, taken, settings, written, said;
  logic offered, push, pop, deep, held, gone;
  logic [WIDTH-1:0] register;  // at the output of a deep queue

  initial begin
    depth = int'(DEPTH);
    wait_share = 0;
    write_beats = 0;
    most = 0;
    taken = 0;
    settings = $fopen($sformatf("%m.in"), "r");
    if (settings != 0) begin
      if ($fscanf(settings, "%d %d %d", depth, wait_share, write_beats) != 3) $fatal(1, "%m.in: three numbers are wanted");
      $fclose(settings);
    end
    if (write_beats != 0) written = $fopen($sformatf("%m.beats"), "w");
  end

  assign in_ready  = count < depth;
  assign deep      = depth > SHALLOW;
  assign out_valid = (deep ? held : count != 0) & offered;
  assign out_data  = deep ? register : beats[head];
  assign push      = in_valid & in_ready;
  assign gone      = out_valid & out_ready;
  assign pop       = deep ? count != 0 & (~held | gone) : gone;

  always_ff @(posedge clk) if (push) beats[tail] <= in_data;

  // What is offered stays.
  always_ff @(posedge clk)
    if (rst) begin
      {head, tail, count} <= '0;
      held <= 1'b0;
      offered <= wait_share == 0;
    end else begin
      if (push) tail <= tail == depth - 1 ? 0 : tail + 1;
      if (pop) head <= head == depth - 1 ? 0 : head + 1;
      count <= count + int'(push) - int'(pop);
      if (pop) register <= beats[head];
      held <= pop | (held & ~gone);
      if (wait_share != 0) offered <= (out_valid & ~gone) | (($urandom & 255) >= wait_share);
    end

  always @(posedge clk)
    if (~rst) begin
      if (count > most) most = count;
      if (gone) taken = taken + 1;
      if (gone && write_beats != 0) $fwrite(written, "%h\n", out_data);
    end

  final begin
    said = $fopen($sformatf("%m.out"), "w");
    $fwrite(said, "%0d %0d %0d\n", most, count, taken);
    $fclose(said);
    if (write_beats != 0) $fclose(written);
  end
endmodule
`default_nettype wire
