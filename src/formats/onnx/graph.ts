import { bytesOf, type Tensor, toFloat16, toInt8 } from '../../tensors/tensors.ts';
import type { WeightType } from '../format.ts';
import {
  type AttributeMessage,
  attributeTypes,
  dataTypes,
  type NodeMessage,
  type TensorMessage,
} from './protos.ts';

type AttributeValue = number | number[] | { float: number };

function attributeOf([name, value]: [string, AttributeValue]): AttributeMessage {
  if (Array.isArray(value)) return { name, type: attributeTypes.ints, ints: value };
  if (typeof value === 'object') return { name, type: attributeTypes.float, f: value.float };
  return { name, type: attributeTypes.int, i: value };
}

/** An ONNX graph while it is being written. */
export class Graph {
  readonly node: NodeMessage[] = [];
  readonly initializer: TensorMessage[] = [];
  readonly #weightType: WeightType;

  constructor(weightType: WeightType) {
    this.#weightType = weightType;
  }

  /** Adds a node. @returns the name of its output. */
  add(
    operator: string,
    input: string[],
    output: string,
    attributes: Record<string, AttributeValue> = {},
  ): string {
    const attribute = Object.entries(attributes).map(attributeOf);
    this.node.push({ op_type: operator, name: output, input, output: [output], attribute });
    return output;
  }

  constant(name: string, { shape, values }: Tensor): string {
    return this.#keep(name, shape, dataTypes.float32, bytesOf(values));
  }

  /** Adds constants for those of the named variables that a layer has. @returns their names. */
  constants(layer: string, names: string[], variable: (name: string) => Tensor | undefined): string[] {
    return names.flatMap((name) => {
      const tensor = variable(name);
      return tensor ? [this.constant(`${layer}/${name}`, tensor)] : [];
    });
  }

  integers(name: string, values: number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#keep(name, [values.length], dataTypes.int64, bytes);
  }

  /**
   * Adds weights in the type of the export's options, and where necessary a node that converts them to floats.
   * @param axis of the outputs; int8 has one scale per output.
   * @returns the name of the floats.
   */
  weights(name: string, tensor: Tensor, axis: number): string {
    const { shape, values } = tensor;
    if (this.#weightType === 'float32') return this.constant(name, tensor);
    if (this.#weightType === 'float16') {
      const stored = this.#keep(`${name}/float16`, shape, dataTypes.float16, bytesOf(toFloat16(values)));
      return this.add('Cast', [stored], name, { to: dataTypes.float32 });
    }
    const { int8, scales } = toInt8(tensor, axis);
    const stored = this.#keep(`${name}/int8`, shape, dataTypes.int8, bytesOf(int8));
    const scale = this.constant(`${name}/scale`, { shape: [scales.length], values: scales });
    return this.add('DequantizeLinear', [stored, scale], name, { axis });
  }

  #keep(name: string, dims: number[], type: number, bytes: Uint8Array): string {
    this.initializer.push({ name, dims, data_type: type, raw_data: bytes });
    return name;
  }
}
