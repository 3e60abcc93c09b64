import { sizeOf } from '../../tensors/shape.ts';
import { fromFloat16, type Tensor } from '../../tensors/tensors.ts';
import { quoted } from '../../text/quoted.ts';
import { damaged } from '../files.ts';
import type { Variable } from './meanings.ts';
import { dataTypes, type TensorMessage } from './messages.ts';

/** Numbers that are written once and repeated, in all tensors of a graph together. */
const maxRepeated = 2 ** 24;

/** Reads weights that a graph holds itself. */
export class ConstantReader {
  readonly #file: string;
  #repeated = 0;

  /** @param file for messages. */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws {UserError} where its values do not fit its shape. */
  read(
    { name, shape }: Variable,
    { dtype, tensor_content: content, float_val: listed }: TensorMessage,
  ): Tensor {
    const size = sizeOf(shape);
    if (!content || content.length === 0) return { shape, values: this.#repeat(name, listed ?? [], size) };
    const width = dtype === dataTypes.float16 ? 2 : 4;
    if (content.length !== size * width)
      damaged(this.#file, `${quoted(name)} has ${content.length} bytes for the shape [${shape}]`);
    const { buffer } = new Uint8Array(content);
    return { shape, values: width === 2 ? fromFloat16(new Uint16Array(buffer)) : new Float32Array(buffer) };
  }

  /** The listed values, the last of them repeated; 0 where none is listed. */
  #repeat(name: string, listed: number[], size: number): Float32Array {
    this.#repeated += size;
    if (!(this.#repeated <= maxRepeated) || listed.length > size)
      damaged(this.#file, `${quoted(name)} lists ${listed.length} values for ${size}`);
    return Float32Array.from({ length: size }, (_, index) => listed[Math.min(index, listed.length - 1)] ?? 0);
  }
}
