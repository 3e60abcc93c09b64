/** A module whose only function is f32x4.relaxed_madd of three times 0. */
const module = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic and version
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b], // one type: () -> v128
  ...[0x03, 0x02, 0x01, 0x00], // one function of that type
  ...[0x0a, 0x13, 0x01, 0x11, 0x00], // its code, without locals
  ...[0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f], // i32.const 0, i8x16.splat
  ...[0xfd, 0x85, 0x02, 0x0b], // f32x4.relaxed_madd, end
);

/** Whether WebAssembly has relaxed SIMD here: Node.js 22 and newer, not 20. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(module);
}

let fuses = false;

/** Says which of the two builds of our kernels the wasm engine runs. */
export function useRelaxedSimd(on: boolean): void {
  fuses = on;
}

/** Whether the wasm engine, once started, fuses multiplications with additions: other hosts round differently. */
export function usesRelaxedSimd(): boolean {
  return fuses;
}
