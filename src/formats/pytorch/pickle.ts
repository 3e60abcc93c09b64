/**
 * Python's pickles (docs.python.org/3/library/pickletools.html), as far as torch.save writes them with protocol 2 to 5.
 * Nothing is executed: a pickle may name only the globals that the caller knows, and an unknown opcode is refused.
 */

export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | PickledDict
  | PickledObject;

/** A dict or an OrderedDict. */
export type PickledDict = Map<Pickled, Pickled>;

/** What the caller's globals stand for, and what they make. */
export interface PickledObject {
  kind: 'function' | 'dtype' | 'storage' | 'tensor' | 'opaque';
}

/** An object of a harmless class, or that class. Nothing is known of it; what is done to it has no effect. */
export const opaque: PickledObject = { kind: 'opaque' };

/** A global that may be called. */
export interface PickledFunction extends PickledObject {
  kind: 'function';
  call(args: Pickled[]): Pickled;
}

/** Whether a value is an object of a kind. */
export function isA<O extends PickledObject>(
  value: Pickled | undefined,
  kind: O['kind'],
): value is O & Pickled {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

export interface PickleReader {
  /** What a global such as 'torch.FloatStorage' stands for; undefined: it is refused. */
  global(name: string): Pickled | undefined;
  /** What the persistent id of an object outside of the pickle stands for. */
  persistent(id: Pickled): Pickled;
}

/** With it a pickle of a few megabytes cannot fill the memory; a network has about six for each tensor. */
const maxContainers = 2 ** 19;
/** Far more than the pickle of any network, which does not hold the weights. */
const maxPickleBytes = 2 ** 24;

export function failPickle(why: string): never {
  throw new RangeError(why);
}

class Machine {
  readonly stack: Pickled[] = [];
  readonly marks: number[] = [];
  readonly memo = new Map<number, Pickled>();
  #containers = 0;
  readonly #view: DataView;

  readonly data: Uint8Array;
  readonly reader: PickleReader;
  /** Of the next byte. */
  at: number;

  constructor(data: Uint8Array, at: number, reader: PickleReader) {
    this.data = data;
    this.at = at;
    this.reader = reader;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** The next bytes, of which the pickle must have as many. */
  bytes(length: number): Uint8Array {
    const from = this.at;
    if (length > this.data.length - from) failPickle('its pickle ends early');
    this.at += length;
    return this.data.subarray(from, this.at);
  }

  /** The next `length` bytes as a number of 1, 2, 4 or 8 bytes without a sign. */
  count(length: 1 | 2 | 4 | 8): number {
    const from = this.at;
    this.bytes(length);
    if (length === 1) return this.#view.getUint8(from);
    if (length === 2) return this.#view.getUint16(from, true);
    if (length === 4) return this.#view.getUint32(from, true);
    const value = Number(this.#view.getBigUint64(from, true));
    return Number.isSafeInteger(value) ? value : failPickle('its pickle holds a length beyond 2^53');
  }

  int32(): number {
    const from = this.at;
    this.bytes(4);
    return this.#view.getInt32(from, true);
  }

  float64(): number {
    const from = this.at;
    this.bytes(8);
    return this.#view.getFloat64(from);
  }

  text(length: number): string {
    return Buffer.from(this.bytes(length)).toString('utf8');
  }

  line(): string {
    const end = this.data.indexOf(10, this.at);
    if (end < 0 || end - this.at > 1000) failPickle('its pickle holds a name without an end');
    const line = this.text(end - this.at);
    this.at = end + 1;
    return line;
  }

  push(value: Pickled): void {
    this.stack.push(value);
  }

  /** Pushes a list, tuple or dict. */
  pushContainer(value: Pickled): void {
    if (++this.#containers > maxContainers)
      failPickle(`its pickle holds more than ${maxContainers} lists and dicts`);
    this.push(value);
  }

  pop(): Pickled {
    const value = this.stack.pop();
    return value === undefined || this.stack.length < (this.marks.at(-1) ?? 0)
      ? failPickle('its pickle takes what it does not hold')
      : value;
  }

  /** The values since the last mark. */
  popMarked(): Pickled[] {
    const mark = this.marks.pop() ?? failPickle('its pickle takes what it does not hold');
    return this.stack.splice(mark);
  }

  pushTuple(length: number): void {
    const items = Array.from({ length }, () => this.pop());
    this.pushContainer(items.reverse());
  }

  remember(index: number): void {
    this.memo.set(index, this.stack.at(-1) ?? failPickle('its pickle remembers what it does not hold'));
  }

  recall(index: number): void {
    this.push(this.memo.get(index) ?? failPickle('its pickle recalls what it does not hold'));
  }

  pushGlobal(module: Pickled, name: Pickled): void {
    const full = `${module}.${name}`;
    this.push(this.reader.global(full) ?? failPickle(`it holds a ${full.slice(0, 200)}, which is not read`));
  }

  top(): Pickled {
    const value = this.pop();
    this.push(value);
    return value;
  }

  setItems(items: Pickled[]): void {
    const dict = this.top();
    if (isA(dict, 'opaque')) return;
    if (!(dict instanceof Map) || items.length % 2 !== 0) failPickle('its pickle fills what is not a dict');
    for (let index = 0; index < items.length; index += 2)
      dict.set(items[index] as Pickled, items[index + 1] as Pickled);
  }

  append(items: Pickled[]): void {
    const list = this.top();
    if (isA(list, 'opaque')) return;
    if (!Array.isArray(list)) failPickle('its pickle fills what is not a list');
    for (const item of items) list.push(item);
  }

  reduce(): void {
    const args = this.pop();
    const called = this.pop();
    if (isA(called, 'opaque')) {
      this.push(called);
      return;
    }
    if (!isA<PickledFunction>(called, 'function') || !Array.isArray(args))
      failPickle('its pickle calls what is not a function');
    this.pushContainer(called.call(args));
  }

  /** Makes an object of a class from so many arguments. */
  make(args: number): void {
    for (let index = 0; index < args; index++) this.pop();
    const made = this.pop();
    this.push(isA(made, 'opaque') ? made : failPickle('its pickle makes an object of what is not a class'));
  }

  /** Attributes of a dict, such as a state_dict's _metadata, are not needed. */
  build(): void {
    this.pop();
    const object = this.top();
    if (!(object instanceof Map) && !isA(object, 'opaque'))
      failPickle('its pickle sets the state of an object');
  }
}

/** A whole number of up to 255 bytes, in two's complement, the lowest first. */
function readLong(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const byte of bytes.toReversed()) value = (value << 8n) | BigInt(byte);
  const signed = BigInt.asIntN(bytes.length * 8, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

/** By opcode. */
const operations: Record<number, (machine: Machine) => void> = {
  128: (m) => m.count(1) <= 5 || failPickle('its pickle has a protocol above 5'),
  149: (m) => m.count(8), // FRAME
  40: (m) => m.marks.push(m.stack.length), // MARK
  48: (m) => m.pop(), // POP
  78: (m) => m.push(null), // NONE
  136: (m) => m.push(true), // NEWTRUE
  137: (m) => m.push(false), // NEWFALSE
  74: (m) => m.push(m.int32()), // BININT
  75: (m) => m.push(m.count(1)), // BININT1
  77: (m) => m.push(m.count(2)), // BININT2
  138: (m) => m.push(readLong(m.bytes(m.count(1)))), // LONG1
  71: (m) => m.push(m.float64()), // BINFLOAT
  88: (m) => m.push(m.text(m.count(4))), // BINUNICODE
  140: (m) => m.push(m.text(m.count(1))), // SHORT_BINUNICODE
  141: (m) => m.push(m.text(m.count(8))), // BINUNICODE8
  84: (m) => m.push(m.text(m.count(4))), // BINSTRING, Python 2's str
  85: (m) => m.push(m.text(m.count(1))), // SHORT_BINSTRING
  66: (m) => m.push(m.bytes(m.count(4))), // BINBYTES
  67: (m) => m.push(m.bytes(m.count(1))), // SHORT_BINBYTES
  93: (m) => m.pushContainer([]), // EMPTY_LIST
  41: (m) => m.pushContainer([]), // EMPTY_TUPLE
  125: (m) => m.pushContainer(new Map()), // EMPTY_DICT
  143: (m) => m.pushContainer([]), // EMPTY_SET
  116: (m) => m.pushContainer(m.popMarked()), // TUPLE
  133: (m) => m.pushTuple(1), // TUPLE1
  134: (m) => m.pushTuple(2), // TUPLE2
  135: (m) => m.pushTuple(3), // TUPLE3
  97: (m) => m.append([m.pop()]), // APPEND
  101: (m) => m.append(m.popMarked()), // APPENDS
  144: (m) => m.append(m.popMarked()), // ADDITEMS
  115: (m) => m.setItems([m.pop(), m.pop()].reverse()), // SETITEM
  117: (m) => m.setItems(m.popMarked()), // SETITEMS
  113: (m) => m.remember(m.count(1)), // BINPUT
  114: (m) => m.remember(m.count(4)), // LONG_BINPUT
  148: (m) => m.remember(m.memo.size), // MEMOIZE
  104: (m) => m.recall(m.count(1)), // BINGET
  106: (m) => m.recall(m.count(4)), // LONG_BINGET
  99: (m) => m.pushGlobal(m.line(), m.line()), // GLOBAL
  147: (m) => m.pushGlobal(...([m.pop(), m.pop()].reverse() as [Pickled, Pickled])), // STACK_GLOBAL
  81: (m) => m.push(m.reader.persistent(m.pop())), // BINPERSID
  82: (m) => m.reduce(), // REDUCE
  129: (m) => m.make(1), // NEWOBJ
  146: (m) => m.make(2), // NEWOBJ_EX
  98: (m) => m.build(), // BUILD
};
const stop = 0x2e;

/**
 * Reads a pickle, which may be hostile.
 * @param at where it begins.
 * @returns its value, and where it ends.
 * @throws {RangeError} saying what is wrong with it: it ends early, names an unknown global, has an unknown opcode ...
 */
export function unpickle(
  data: Uint8Array,
  at: number,
  reader: PickleReader,
): { value: Pickled; end: number } {
  const machine = new Machine(data.subarray(0, at + maxPickleBytes), at, reader);
  for (;;) {
    const opcode = machine.count(1);
    if (opcode === stop) return { value: machine.pop(), end: machine.at };
    const operation = operations[opcode];
    if (!operation) failPickle(`its pickle has the opcode ${opcode}, which torch.save does not write`);
    operation(machine);
  }
}
