import { sizeOf } from './shape.ts';

/** A tensor's values with its shape, as formats read and write them. */
export interface Tensor {
  shape: number[];
  values: Float32Array;
}

export interface NamedTensor extends Tensor {
  name: string;
}

/**
 * The tensor with its axes in another order: axis i of the result is axis `axes[i]` of the argument.
 * permute(kernel [height, width, in, out], [3, 2, 0, 1]) -> [out, in, height, width]
 */
export function permute({ shape, values }: Tensor, axes: number[]): Tensor {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const permuted = axes.map((axis) => shape[axis] as number);
  const steps = axes.map((axis) => strides[axis] as number);
  return { shape: permuted, values: strided(values, { shape: permuted, strides: steps }) };
}

/**
 * Collects the elements of a view in C order.
 * @param view its shape, and for each axis the number of elements of `values` from one to the next.
 */
export function strided(
  values: Float32Array,
  { shape, strides }: { shape: number[]; strides: number[] },
): Float32Array {
  const result = new Float32Array(sizeOf(shape));
  const place = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis] as number;
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      from -= (shape[axis] as number) * (strides[axis] as number);
      place[axis] = 0;
    }
  }
  return result;
}

/** [height, width, in, out], ours and TensorFlow's -> [out, in, height, width], PyTorch's and ONNX's. */
export const toOihw = (kernel: Tensor) => permute(kernel, [3, 2, 0, 1]);
/** The way back. */
export const toHwio = (kernel: Tensor) => permute(kernel, [2, 3, 1, 0]);

/** [rows, columns] -> [columns, rows] */
export const transpose = (matrix: Tensor) => permute(matrix, [1, 0]);

/**
 * The rows of a matrix [height * width * channels, outputs], in the order in which NHWC maps are flattened, put into
 * the order of NCHW maps.
 * @param maps [height, width, channels] of what is flattened.
 */
export function rowsToChw({ shape, values }: Tensor, maps: number[]): Tensor {
  const outputs = shape[1] as number;
  return { shape, values: permute({ shape: [...maps, outputs], values }, [2, 0, 1, 3]).values };
}

/** The way back. */
export function rowsToHwc({ shape, values }: Tensor, [height, width, channels]: number[]): Tensor {
  const maps = [channels, height, width, shape[1]] as number[];
  return { shape, values: permute({ shape: maps, values }, [1, 2, 0, 3]).values };
}

const bits = new DataView(new ArrayBuffer(4));

/** A number as IEEE 754 binary16, rounded to the nearest, ties to even; beyond 65504 infinity. */
function toHalf(value: number): number {
  bits.setFloat32(0, value);
  const single = bits.getUint32(0);
  const sign = (single >>> 16) & 0x8000;
  const magnitude = single & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: a whole number of 2^-24, which the float's own rounding finds.
    return sign | roundToEven(Math.abs(value) * 2 ** 24);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest === 0.5) return floor + (floor % 2);
  return rest > 0.5 ? floor + 1 : floor;
}

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** As float16. */
export function toFloat16(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toHalf(values[i] as number);
  return halves;
}

/** The value of each of the 65,536 halves. */
let valueOfHalf: Float32Array | undefined;

/** float16 as float32. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  valueOfHalf ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => fromHalf(half));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = valueOfHalf[halves[i] as number] as number;
  return values;
}

/** bfloat16, the upper half of a float32, as float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/**
 * Weights as int8 with a scale for each output, values = int8 * scale: the symmetric quantisation of weights that
 * LiteRT and ONNX Runtime specify (zero point 0, -127..127).
 * @param axis of the outputs.
 */
export function toInt8({ shape, values }: Tensor, axis: number): { int8: Int8Array; scales: Float32Array } {
  const outputs = shape[axis] as number;
  const inner = sizeOf(shape.slice(axis + 1));
  const outputOf = (index: number) => Math.floor(index / inner) % outputs;
  const scales = new Float32Array(outputs);
  for (let i = 0; i < values.length; i++) {
    const output = outputOf(i);
    scales[output] = Math.max(scales[output] as number, Math.abs(values[i] as number));
  }
  for (let output = 0; output < outputs; output++) scales[output] = (scales[output] as number) / 127 || 1;
  const int8 = new Int8Array(values.length);
  for (let i = 0; i < values.length; i++)
    int8[i] = Math.round((values[i] as number) / (scales[outputOf(i)] as number));
  return { int8, scales };
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(array: Float32Array | Uint16Array | Int8Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
