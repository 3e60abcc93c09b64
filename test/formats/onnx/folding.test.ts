/** Graphs that compute constants without end, or from what is not known. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startEngine } from '../../../src/engine/index.ts';
import { importNetwork } from '../../../src/formats/import.ts';
import { dataTypes, models, type NodeMessage, type TensorMessage } from '../../../src/formats/onnx/protos.ts';
import { temporaryFolder } from '../../helpers/folder.ts';
import { assertRefused } from '../../helpers/refused.ts';

before(() => startEngine('wasm', { threads: 1 }));

const folder = temporaryFolder();

const node = (
  operator: string,
  inputs: string[],
  output: string,
  attributes: object[] = [],
): NodeMessage => ({
  op_type: operator,
  name: output,
  input: inputs,
  output: [output],
  attribute: attributes as NodeMessage['attribute'],
});

const int = (name: string, i: number) => ({ name, type: 2, i });

function floats(name: string, dims: number[]): TensorMessage {
  const values = new Float32Array(dims.reduce((product, length) => product * length, 1)).fill(1);
  return { name, dims, data_type: dataTypes.float32, raw_data: new Uint8Array(values.buffer) };
}

function ints(name: string, values: number[]): TensorMessage {
  const raw = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: [values.length], data_type: dataTypes.int64, raw_data: raw };
}

const value = (name: string, dim: object[]) => ({
  name,
  type: { tensor_type: { elem_type: dataTypes.float32, shape: { dim } } },
});

/** A network whose biases are what the nodes compute. */
async function read(nodes: NodeMessage[], constants: TensorMessage[]): Promise<unknown> {
  const dims = [{ dim_param: 'batch' }, ...[3, 2, 2].map((length) => ({ dim_value: length }))];
  const layers = [
    node('Flatten', ['pictures'], 'features'),
    node('Gemm', ['features', 'weights', 'biases'], 'logits'),
  ];
  const file = join(folder, 'model.onnx');
  writeFileSync(
    file,
    models.encode({
      ir_version: 8,
      producer_name: '',
      producer_version: '',
      doc_string: '',
      graph: {
        name: 'graph',
        node: [...nodes, ...layers],
        initializer: [floats('weights', [12, 3]), ...constants],
        input: [value('pictures', dims)],
        output: [value('logits', [{ dim_param: 'batch' }, { dim_value: 3 }])],
      },
      opset_import: [{ domain: '', version: 17 }],
      metadata_props: [],
    }),
  );
  return importNetwork(file);
}

test('constants larger than any network’s are not computed', async () => {
  const endless = /computes more constants than a network of its size has/;
  const filled = node('ConstantOfShape', ['shape'], 'biases');
  await assertRefused(read([filled], [ints('shape', [2 ** 40])]), endless);
  await assertRefused(
    read([filled], [ints('shape', [2 ** 20, 2 ** 20, 2 ** 20, 2 ** 20, 2 ** 20])]),
    /expands|computes more/,
  );
  const expanded = node('Expand', ['one', 'shape'], 'biases');
  await assertRefused(read([expanded], [floats('one', [1]), ints('shape', [2 ** 30])]), endless);
  const range = node('Range', ['zero', 'end', 'one'], 'biases');
  await assertRefused(read([range], [ints('zero', [0]), ints('end', [2 ** 50]), ints('one', [1])]), endless);
  const outer = node('Mul', ['column', 'row'], 'biases');
  await assertRefused(read([outer], [floats('column', [4096, 1]), floats('row', [1, 4096])]), endless);
});

test('constants that grow from node to node are not computed', async () => {
  const doubled = Array.from({ length: 40 }, (_, index) =>
    node('Concat', Array(2).fill(index === 0 ? 'one' : `more${index - 1}`), `more${index}`, [int('axis', 0)]),
  );
  const last = node('Identity', ['more39'], 'biases');
  await assertRefused(read([...doubled, last], [floats('one', [3])]), /more\d+ .*(computes more|shares)/);
});

test('many small computations stop as one large one does', async () => {
  const nodes = Array.from({ length: 20_000 }, (_, index) =>
    node('Neg', [index === 0 ? 'first' : `next${index - 1}`], `next${index}`),
  );
  const last = node('Slice', ['next19999', 'from', 'to'], 'biases');
  const constants = [floats('first', [4096]), ints('from', [0]), ints('to', [3])];
  await assertRefused(read([...nodes, last], constants), /computes more constants/);
});

test('what is damaged or depends on the number of pictures is refused', async () => {
  const shape = node('Shape', ['pictures'], 'shape');
  const cases: [NodeMessage[], TensorMessage[], RegExp][] = [
    [[shape, node('ConstantOfShape', ['shape'], 'biases')], [], /expands a constant to \[batch,3,2,2\]/],
    [[shape, node('Cast', ['shape'], 'biases', [int('to', 1)])], [], /has an input 3 that is not a constant/],
    [
      [node('Gather', ['a', 'far'], 'biases')],
      [floats('a', [3]), ints('far', [3])],
      /takes the elements \[3\] of 3/,
    ],
    [
      [node('Gather', ['a', 'first'], 'biases', [int('axis', 5)])],
      [floats('a', [3]), ints('first', [0])],
      /has the axis 5 of 1/,
    ],
    [
      [node('Reshape', ['a', 'wanted'], 'biases')],
      [floats('a', [3]), ints('wanted', [2, 2])],
      /reshapes \[3\] to \[2,2\]/,
    ],
    [
      [node('Add', ['a', 'b'], 'biases')],
      [floats('a', [3]), floats('b', [2])],
      /constants of the shapes \[3\] and \[2\]/,
    ],
    [[node('Div', ['one', 'zero'], 'biases')], [ints('one', [1]), ints('zero', [0])], /divides by 0/],
    [
      [node('Slice', ['a', 'zero', 'three', 'zero', 'zero'], 'biases')],
      [floats('a', [3]), ints('zero', [0]), ints('three', [3])],
      /slices at places that are not known/,
    ],
    [[node('Cast', ['a'], 'biases', [int('to', 8)])], [floats('a', [3])], /converts to the data type 8/],
    [
      [node('toString', ['a'], 'biases')],
      [floats('a', [3])],
      /\(toString\) is an operator for which bat-sup has no layer/,
    ],
    [
      [node('Concat', ['a', 'b'], 'biases')],
      [floats('a', [3]), floats('b', [3, 1])],
      /puts \[\[3\],\[3,1\]\] together/,
    ],
    [[node('Concat', [], 'biases')], [], /\(Concat\) has no inputs/],
    [[node('Sum', [], 'biases')], [], /\(Sum\) has no inputs/],
    [
      [node('Squeeze', ['a', 'zero'], 'biases')],
      [floats('a', [3]), ints('zero', [0])],
      /squeezes the axes 0 of \[3\]/,
    ],
  ];
  for (const [nodes, constants, message] of cases) await assertRefused(read(nodes, constants), message);
});
