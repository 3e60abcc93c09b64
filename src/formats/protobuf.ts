import type protobuf from 'protobufjs';

/** Converts plain objects to a message's bytes and back. */
export interface Message<T> {
  encode(message: T): Uint8Array;
  /** Absent numbers, strings and lists get their defaults. @throws {Error} where the bytes are not such a message. */
  decode(bytes: Uint8Array): T;
}

/** A message type of a parsed .proto file, by its name. */
export function messageOf<T>(root: protobuf.Root, name: string): Message<T> {
  const type = root.lookupType(name);
  return {
    encode: (message) => type.encode(type.fromObject(message as object)).finish(),
    decode: (bytes) => type.toObject(type.decode(bytes), { longs: Number, defaults: true }) as T,
  };
}
