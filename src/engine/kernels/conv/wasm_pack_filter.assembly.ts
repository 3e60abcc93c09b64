import { loadLanes } from '../../wasm/assembly/lanes';

/**
 * A filter [kernelHeight, kernelWidth, inputs, outputs] as blocks of eight outputs:
 * [ceil(outputs / 8), kernelHeight, kernelWidth, inputs, 8], zeros where there is no output.
 */
export function packFilter(from: usize, to: usize, taps: i32, inputs: i32, outputs: i32): void {
  const rows = taps * inputs;
  const rowBytes = <usize>outputs << 2;
  for (let output = 0; output < outputs; output += 8) {
    const lanes = outputs - output;
    let address = from + (<usize>output << 2);
    for (let row = 0; row < rows; row++) {
      v128.store(to, loadLanes(address, lanes));
      v128.store(to, loadLanes(address + 16, lanes - 4), 16);
      address += rowBytes;
      to += 32;
    }
  }
}

/** The same for the filter rotated by 180 degrees, with inputs and outputs exchanged: convolving dy with it gives dx. */
export function packTransposedFilter(from: usize, to: usize, taps: i32, inputs: i32, outputs: i32): void {
  const blocks = (inputs + 7) >> 3;
  for (let block = 0; block < blocks; block++) {
    for (let tap = taps - 1; tap >= 0; tap--) {
      for (let output = 0; output < outputs; output++) {
        for (let lane = 0; lane < 8; lane++) {
          const input = block * 8 + lane;
          const value = input < inputs ? load<f32>(from + (((tap * inputs + input) * outputs + output) << 2)) : 0;
          store<f32>(to, value);
          to += 4;
        }
      }
    }
  }
}
