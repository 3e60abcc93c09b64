import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import { readPyTorch, readPyTorchFile } from '../../../src/formats/pytorch/read.ts';
import {
  floats,
  pickle,
  pickledState,
  pickledTensor,
  type WrittenTensor,
  writeArchive,
  writeLegacy,
  zip,
} from '../../helpers/pytorch_file.ts';

const six = floats(0, 1, 2, 3, 4, 5);
const whole: WrittenTensor = { storage: '0', length: 6, shape: [2, 3] };

function valuesIn(data: Uint8Array): Record<string, number[]> {
  const tensors = [...readPyTorch(data, 'net.pth')];
  return Object.fromEntries(tensors.map(([name, tensor]) => [name, [...tensor.read().values]]));
}

function assertRefused(data: Uint8Array, why: RegExp): void {
  assert.throws(
    () => valuesIn(data),
    (error) => {
      assert.ok(error instanceof UserError, (error as Error).stack);
      assert.match(error.message, /^net\.pth cannot be read: /);
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    },
  );
}

const views: [string, Partial<WrittenTensor>, number[]][] = [
  ['whole', {}, [0, 1, 2, 3, 4, 5]],
  ['transposed', { shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
  ['a row', { shape: [3], strides: [1], offset: 3 }, [3, 4, 5]],
  ['every other', { shape: [3], strides: [2] }, [0, 2, 4]],
  ['expanded', { shape: [2, 2], strides: [0, 1] }, [0, 1, 0, 1]],
  ['a scalar', { shape: [], strides: [], offset: 5 }, [5]],
  ['empty', { shape: [0, 3], strides: [3, 1] }, []],
];

test('tensors are views of storages, which they may share', () => {
  const tensors = Object.fromEntries(views.map(([name, view]) => [name, { ...whole, ...view }]));
  const wanted = Object.fromEntries(views.map(([name, , values]) => [name, values]));
  const value = pickledState(tensors);
  assert.deepEqual(valuesIn(writeArchive(value, { 0: six })), wanted);
  assert.deepEqual(valuesIn(writeArchive(value, { 0: six }, { deflate: true })), wanted);
  assert.deepEqual(valuesIn(writeLegacy(value, { 0: { data: six, length: 6 } })), wanted);
});

test('the bytes of a big-endian machine are read in their order', () => {
  const swapped = Buffer.from(six).swap32();
  const value = pickledState({ w: whole });
  assert.deepEqual(valuesIn(writeArchive(value, { 0: swapped }, { byteorder: 'big' })), {
    w: [0, 1, 2, 3, 4, 5],
  });
  assertRefused(writeArchive(value, { 0: six }, { byteorder: 'middle' }), /its order of bytes is unknown/);
});

test('other types become float32, or are refused where it cannot hold them', () => {
  const longs = (...values: bigint[]) => Buffer.from(BigInt64Array.from(values).buffer);
  const doubles = (...values: number[]) => Buffer.from(Float64Array.from(values).buffer);
  const of = (type: string, data: Buffer, length: number) =>
    writeArchive(pickledState({ w: { storage: '0', type, length, shape: [length] } }), { 0: data });
  assert.deepEqual(valuesIn(of('LongStorage', longs(-3n, 2n ** 40n), 2)).w, [-3, 2 ** 40]);
  assert.deepEqual(valuesIn(of('DoubleStorage', doubles(0.1, Infinity), 2)).w, [Math.fround(0.1), Infinity]);
  assert.deepEqual(valuesIn(of('BoolStorage', Buffer.from([1, 0]), 2)).w, [1, 0]);
  assertRefused(
    of('LongStorage', longs(2n ** 24n + 1n), 1),
    /holds the number 16777217, which float32 cannot/,
  );
  assertRefused(of('DoubleStorage', doubles(1e300), 1), /holds the number 1e\+300, which float32 cannot/);
  assertRefused(of('ComplexFloatStorage', six, 3), /holds a torch\.ComplexFloatStorage, which is not read/);
});

test('the state_dict in the state of a training is found, and the prefix of DataParallel removed', () => {
  const state = pickledState({ 'module.a': { ...whole, shape: [1] }, 'module.b': { ...whole, shape: [2] } });
  const training = pickle.dict([
    [pickle.text('epoch'), pickle.number(3)],
    [pickle.text('state_dict'), state],
    [pickle.text('loss'), pickledTensor({ ...whole, shape: [] })],
  ]);
  assert.deepEqual(valuesIn(writeArchive(training, { 0: six })), { a: [0], b: [0, 1] });
});

test('the moving average of the weights is preferred, and said to be', () => {
  const state = (shape: number[]) => pickledState({ w: { ...whole, shape } });
  const training = (...entries: [string, Buffer][]) =>
    writeArchive(pickle.dict(entries.map(([key, value]) => [pickle.text(key), value])), { 0: six });
  const both = readPyTorchFile(training(['model', state([1])], ['model_ema', state([2])]), 'net.pth');
  assert.deepEqual(both.tensors.get('w')?.shape, [2]);
  assert.deepEqual(both.notes, ['The moving average of the weights, "model_ema", is imported, not "model".']);
  const one = readPyTorchFile(training(['ema_state_dict', state([2])]), 'net.pth');
  assert.deepEqual([one.tensors.get('w')?.shape, one.notes], [[2], []]);
  const nested = pickle.dict([[pickle.text('state_dict'), state([3])]]);
  assert.deepEqual(readPyTorchFile(training(['model', nested]), 'net.pth').tensors.get('w')?.shape, [3]);
});

test('dicts within dicts are not followed without end', () => {
  let value = pickledState({ w: whole });
  for (let depth = 0; depth < 1000; depth++) value = pickle.dict([[pickle.text('model'), value]]);
  assertRefused(writeArchive(value, { 0: six }), /it holds no tensors, but "model"/);
});

test('settings of a training beside the weights are passed over, and nothing of them is called', () => {
  const made = (name: string) =>
    Buffer.concat([
      pickle.global(name),
      pickle.tuple(),
      Buffer.from([0x81]),
      pickle.dict([]),
      Buffer.from('b'),
    ]);
  const filled = Buffer.concat([
    pickle.call('collections.defaultdict', pickle.global('__builtin__.list')),
    Buffer.from('('),
    pickle.text('a'),
    pickle.number(1),
    Buffer.from('u'),
  ]);
  const training = (args: Buffer) =>
    pickle.dict([
      [pickle.text('args'), args],
      [pickle.text('state_dict'), pickledState({ w: whole })],
    ]);
  const known = [
    made('argparse.Namespace'),
    made('pytorch_lightning.utilities.parsing.AttributeDict'),
    filled,
    pickle.call('numpy.core.multiarray.scalar', pickle.call('numpy.dtype', pickle.text('f8'))),
    pickle.call('pathlib.PosixPath', pickle.text('/')),
  ];
  for (const args of known)
    assert.deepEqual(valuesIn(writeArchive(training(args), { 0: six })).w, [0, 1, 2, 3, 4, 5]);
  assertRefused(writeArchive(training(made('os.popen')), { 0: six }), /it holds a os\.popen/);
  assertRefused(
    writeArchive(training(Buffer.concat([pickle.text('x'), pickle.tuple(), Buffer.from([0x81])])), {
      0: six,
    }),
    /makes an object of what is not a class/,
  );
  // An object of which nothing is known is no state_dict.
  assertRefused(
    writeArchive(pickle.dict([[pickle.text('model'), made('argparse.Namespace')]]), { 0: six }),
    /it holds no tensors, but "model"/,
  );
  assertRefused(writeArchive(made('argparse.Namespace'), {}), /it does not hold a dict of tensors/);
});

test('nothing in a pickle is executed', () => {
  const attacks: [Buffer, RegExp][] = [
    [pickle.call('os.system', pickle.text('id')), /it holds a os\.system, which is not read/],
    [pickle.call('builtins.eval', pickle.text('1')), /it holds a builtins\.eval/],
    [pickle.global('torch.constructor'), /it holds a torch\.constructor/],
    [pickle.global('torch.__proto__'), /it holds a torch\.__proto__/],
    [pickle.call('torchvision.models.resnet.ResNet'), /it holds a torchvision\.models\.resnet\.ResNet/],
    [pickle.call('torch.FloatStorage', pickle.number(5)), /calls what is not a function/],
    // BUILD on a tensor replaces its storage in torch.load.
    [Buffer.concat([pickledTensor(whole), pickle.none, Buffer.from('b')]), /sets the state of an object/],
    [Buffer.from('I1\n'), /the opcode 73, which torch\.save does not write/],
  ];
  for (const [value, why] of attacks) {
    assertRefused(writeArchive(value, { 0: six }), why);
    assertRefused(writeLegacy(value, { 0: { data: six, length: 6 } }), why);
  }
});

const wrongTensors: [string, Partial<WrittenTensor>, RegExp][] = [
  [
    'a shape beyond its storage',
    { shape: [2, 4] },
    /shape \[2,4\] that reaches beyond its storage of 6 elements/,
  ],
  ['an offset beyond its storage', { offset: 1 }, /reaches beyond its storage/],
  ['a stride beyond its storage', { strides: [1000, 1] }, /reaches beyond its storage/],
  ['a negative stride', { strides: [-1, 1] }, /stride is invalid/],
  ['a negative length', { shape: [-2, 3] }, /shape is invalid/],
  ['fewer strides', { strides: [1] }, /shape and stride differ in length/],
  ['a shape of 2^120 elements', { shape: [2 ** 40, 2 ** 40, 2 ** 40], strides: [0, 0, 0] }, /reaches beyond/],
  ['sixty-five axes', { shape: new Array(65).fill(1) }, /shape is invalid/],
  ['a storage of 2^50 elements', { length: 2 ** 50 }, /storage 0 has 24 bytes instead of|it ends early/],
  ['a storage that is not there', { storage: 'x' }, /storage x is missing|not that of its tensors/],
];
for (const [what, change, why] of wrongTensors) {
  test(`a tensor with ${what} is refused`, () => {
    const value = pickledState({ w: { ...whole, ...change } });
    assertRefused(writeArchive(value, { 0: six }), why);
    assertRefused(writeLegacy(value, { 0: { data: six, length: 6 } }), why);
  });
}

test('an expanded tensor takes no memory until it is read', () => {
  const value = pickledState({ w: { ...whole, shape: [2 ** 40], strides: [0] } });
  const tensors = readPyTorch(writeArchive(value, { 0: six }), 'net.pth');
  assert.deepEqual(tensors.get('w')?.shape, [2 ** 40]);
});

test('one storage is not described in two ways', () => {
  const value = pickledState({ a: whole, b: { ...whole, length: 3, shape: [3] } });
  assertRefused(writeArchive(value, { 0: six }), /describes its storage "0" twice, differently/);
});

test('what is not a state_dict is named', () => {
  const files: [Buffer, RegExp][] = [
    [Buffer.from('no pickle'), /it was not written by torch\.save/],
    [Buffer.alloc(0), /it was not written by torch\.save/],
    [writeArchive(pickle.number(5), {}), /does not hold a dict of tensors/],
    [writeArchive(pickle.dict([[pickle.text('epoch'), pickle.number(3)]]), {}), /no tensors, but "epoch"/],
    [zip([{ name: 'word/document.xml', data: six }]), /a zip archive, but not one of torch\.save/],
    [
      zip(['net/data.pkl', 'net/constants.pkl', 'net/code/a.py'].map((name) => ({ name, data: six }))),
      /a TorchScript archive, which holds a program/,
    ],
  ];
  for (const [data, why] of files) assertRefused(data, why);
  const tar = Buffer.alloc(512);
  tar.write('ustar', 257);
  assertRefused(tar, /PyTorch 0\.1, as a tar archive/);
});

test('a pickle of many dicts, or in circles, is refused or read in little memory', () => {
  const many = Buffer.concat([Buffer.from('('), Buffer.alloc(2 ** 20, '}'), Buffer.from('t')]);
  assertRefused(writeArchive(many, {}), /holds more than \d+ lists and dicts/);
  // A dict that holds itself.
  const circle = Buffer.concat([Buffer.from('}q\0'), pickle.text('state_dict'), Buffer.from('h\0s')]);
  assertRefused(writeArchive(circle, {}), /it holds no tensors, but "state_dict"/);
  // Ten lists, each of ten times the one before.
  const laughs = Buffer.concat([
    Buffer.from(']q\0'),
    ...Array.from({ length: 10 }, () =>
      Buffer.concat([Buffer.from('('), Buffer.from('h\0'.repeat(10)), Buffer.from('tq\0')]),
    ),
  ]);
  assertRefused(writeArchive(laughs, {}), /does not hold a dict of tensors/);
  const deep = Buffer.concat([Buffer.from(')'), Buffer.alloc(2 ** 16, 0x85)]);
  assertRefused(writeArchive(deep, {}), /does not hold a dict of tensors/);
});

test('opcodes that take more than there is are refused', () => {
  for (const code of [
    '0',
    't',
    'u',
    'e',
    's',
    'a',
    'R',
    'b',
    'Q',
    'q\0',
    'h\0',
    '\x86',
    '(0',
    '(h\x01',
    'X\xff\xff\xff\xff',
    '\x93',
  ])
    assertRefused(writeArchive(Buffer.from(code, 'latin1'), {}), /its pickle|not a dict/);
});
