import type protobuf from 'protobufjs';

/** A message type: plain objects -> bytes and back. */
export interface Message<T> {
  encode(message: T): Uint8Array;
  /** Numbers, strings and lists that are absent get their defaults. @throws {Error} where the bytes are no such message. */
  decode(bytes: Uint8Array): T;
}

/** A message type of a parsed .proto. */
export function messageOf<T>(root: protobuf.Root, name: string): Message<T> {
  const type = root.lookupType(name);
  return {
    encode: (message) => type.encode(type.fromObject(message as object)).finish(),
    decode: (bytes) => type.toObject(type.decode(bytes), { longs: Number, defaults: true }) as T,
  };
}
