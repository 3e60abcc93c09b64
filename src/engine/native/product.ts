import { type Attributes, execute, float32, type NodeBackend, type OutputMetadata } from './backend.ts';

/** From tensorflow/c/tf_datatype.h; the binding has no name for it. */
const bfloat16 = { code: 14 };

const mixed = new WeakSet<NodeBackend>();

/**
 * Mixed precision: the factors of every matrix product and convolution are cast to bfloat16, which tensor cores multiply
 * and sum in float32. Variables, inputs and outputs stay float32.
 */
export function useMixedPrecision(backend: NodeBackend, on: boolean): void {
  if (on) mixed.add(backend);
  else mixed.delete(backend);
}

export function usesMixedPrecision(backend: NodeBackend): boolean {
  return mixed.has(backend);
}

/**
 * Runs an operation that multiplies float32 tensors.
 * @param inputs ids of handles; a shape where the operation takes one.
 * @returns its result, float32.
 */
export function product(
  backend: NodeBackend,
  operation: string,
  attributes: Attributes,
  inputs: (number | number[])[],
): OutputMetadata {
  const made: number[] = [];
  const own = (id: number) => {
    made.push(id);
    return id;
  };
  const inMixed = usesMixedPrecision(backend);
  const ids = inputs.map((input) => {
    if (Array.isArray(input)) return own(shapeTensor(backend, input));
    return inMixed ? own(cast(backend, float32, bfloat16, input).id) : input;
  });
  const T = inMixed ? bfloat16 : float32;
  const [result] = execute(backend, operation, { T, ...attributes }, ids) as [OutputMetadata];
  const output = inMixed ? cast(backend, bfloat16, float32, own(result.id)) : result;
  for (const id of made) backend.binding.deleteTensor(id);
  return output;
}

function cast(
  backend: NodeBackend,
  SrcT: Attributes[string],
  DstT: Attributes[string],
  id: number,
): OutputMetadata {
  return execute(backend, 'Cast', { SrcT, DstT, Truncate: false }, [id])[0] as OutputMetadata;
}

function shapeTensor({ binding }: NodeBackend, shape: number[]): number {
  return binding.createTensor([shape.length], binding.TF_INT32 as number, Int32Array.from(shape));
}
