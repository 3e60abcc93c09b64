/** What codec.ts says of a picture and what to make of it; its words, in its order. Without components: RGB pixels. */
@unmanaged
export class Plan {
  fileBytes: i32;
  /** Where the entropy-coded data begin in the file. */
  scanStart: i32;
  width: i32;
  height: i32;
  components: i32;
  /** MCUs between restart markers; 0: none. */
  restartInterval: i32;
  outWidth: i32;
  outHeight: i32;
  /** Where the picture lies in the output; the rest is white. */
  left: i32;
  top: i32;
  innerWidth: i32;
  innerHeight: i32;
  /** What part of the picture is taken, pixels. */
  boxLeft: f32;
  boxTop: f32;
  boxWidth: f32;
  boxHeight: f32;
  /** Planes of the result: 1 for Y alone, 3 for Y, Cb and Cr. */
  planes: i32;
  /** 0: Lanczos of three lobes, 1: bicubic, 2: bilinear. */
  filter: i32;
  /** How many samples a pixel of the result is made from at least, along each side, where the picture has as many. */
  oversampling: f32;
}

/** A component's words follow the plan's. */
@unmanaged
export class Component {
  /** Sampling factors. */
  horizontal: i32;
  vertical: i32;
  /** Where in the file its quantisation table's 64 bytes are, and the counts of its Huffman tables. */
  quantisation: i32;
  dcCounts: i32;
  acCounts: i32;

  // What decoding adds.
  /** Samples a side that a block of eight by eight becomes: 1, 2, 4 or 8. */
  samples: i32;
  basis: usize;
  dcTable: usize;
  acTable: usize;
  /** The DC coefficient of the block before, in steps of quantisation. */
  dc: i32;
  /** f32 [rows, stride], around 128. */
  plane: usize;
  stride: i32;
  columns: i32;
  rows: i32;
}

const words = memory.data(512);

export const plan = changetype<Plan>(words);

export function planAddress(): usize {
  return words;
}

export function component(index: i32): Component {
  return changetype<Component>(words + offsetof<Plan>() + <usize>index * offsetof<Component>());
}
