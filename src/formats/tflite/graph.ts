import { bytesOf, type Tensor, toFloat16, toInt8 } from '../../tensors/tensors.ts';
import type { WeightType } from '../format.ts';
import { type Field, type Operator, type OperatorTable, type TensorTable, types } from './tables.ts';

const dequantize = { code: 6, version: 3, options: 0 };

/** A LiteRT model while it is being written. Tensors are referred to by their indices. */
export class Graph {
  readonly tensors: TensorTable[] = [];
  readonly operators: OperatorTable[] = [];
  readonly weightType: WeightType;

  constructor(weightType: WeightType) {
    this.weightType = weightType;
  }

  tensor(tensor: TensorTable): number {
    return this.tensors.push(tensor) - 1;
  }

  constant(name: string, { shape, values }: Tensor): number {
    return this.tensor({ name, shape, type: types.float32, data: bytesOf(values) });
  }

  ints(name: string, values: number[], shape = [values.length]): number {
    const data = new Uint8Array(Int32Array.from(values).buffer);
    return this.tensor({ name, shape, type: types.int32, data });
  }

  /** Adds an operator. @param shape of its output, without the batch. @returns the index of its output. */
  add(operator: Operator, inputs: number[], name: string, shape: number[], options: Field[] = []): number {
    const output = this.tensor({ name, shape: [-1, ...shape], type: types.float32 });
    this.operators.push({ operator, inputs, outputs: [output], options });
    return output;
  }

  /**
   * Adds weights in the type of the export's options.
   * @param scaleAxis the axis along which int8 has one scale per index; absent: one scale for all.
   */
  weights(name: string, tensor: Tensor, scaleAxis?: number): number {
    const { shape, values } = tensor;
    if (this.weightType === 'float32') return this.constant(name, tensor);
    if (this.weightType === 'float16') {
      const half = { name: `${name}/float16`, shape, type: types.float16, data: bytesOf(toFloat16(values)) };
      const output = this.tensor({ name, shape, type: types.float32 });
      this.operators.push({
        operator: dequantize,
        inputs: [this.tensor(half)],
        outputs: [output],
        options: [],
      });
      return output;
    }
    const grouped = scaleAxis === undefined ? { shape: [1, values.length], values } : tensor;
    const { int8, scales } = toInt8(grouped, scaleAxis ?? 0);
    return this.tensor({ name, shape, type: types.int8, data: bytesOf(int8), scales, scaleAxis });
  }

  /** Adds a layer's biases, which LiteRT's operators require; zeros where the layer has none. */
  biases(name: string, tensor: Tensor | undefined, outputs: number): number {
    return this.constant(name, tensor ?? { shape: [outputs], values: new Float32Array(outputs) });
  }
}
