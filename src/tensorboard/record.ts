import { maskedCrc32c } from '../formats/tensorflow/crc32c.ts';

/**
 * A TFRecord: uint64 length, its masked CRC-32C, the data, their masked CRC-32C; little-endian
 * (tensorflow/core/lib/io/record_writer.h).
 */
export function encodeRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}
