/**
 * The part of the protocol buffers' wire format that event files need (protobuf.dev/programming-guides/encoding). Each
 * function encodes one field.
 */

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;

function rawVarint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  // Negative numbers are encoded as 64-bit two's complement.
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function key(field: number, wireType: number): Buffer {
  return rawVarint((field << 3) | wireType);
}

/** int32, int64, bool or enum. */
export function varint(field: number, value: number | bigint): Buffer {
  return Buffer.concat([key(field, varintType), rawVarint(value)]);
}

export function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, fixed64Type), bytes]);
}

/** bytes, or a string as UTF-8. */
export function bytes(field: number, value: string | Uint8Array): Buffer {
  const data = Buffer.from(value as Uint8Array);
  return Buffer.concat([key(field, bytesType), rawVarint(data.length), data]);
}

/** A message within a message. */
export function message(field: number, ...fields: Uint8Array[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

/** An entry of a map: key = 1, value = 2. */
export function mapEntry(field: number, name: string, value: Uint8Array): Buffer {
  return message(field, bytes(1, name), bytes(2, value));
}
