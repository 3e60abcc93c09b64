/** The kernels of assembly/kernels.ts by their numbers there. */
export const kernelNumbers = {
  pad: 0,
  convolve: 1,
  convolveFilterGradient: 2,
  maxPool: 3,
  maxPoolGradient: 4,
  matMul: 5,
  matMulTransposeA: 6,
  matMulTransposeB: 7,
  applyAdam: 8,
  reluGradient: 9,
  sumRows: 10,
} as const;

export type KernelNumber = (typeof kernelNumbers)[keyof typeof kernelNumbers];
