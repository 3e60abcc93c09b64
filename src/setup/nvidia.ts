import { run } from './programs.ts';

/** An NVIDIA GPU. */
export interface Gpu {
  name: string;
  /** Mebibytes. */
  memory: number;
  /** Version of NVIDIA's driver, e.g. '550.54.14'. */
  driver: string;
}

/** The GPUs that NVIDIA's driver reports; [] without a driver. */
export async function findGpus(): Promise<Gpu[]> {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];
  const { code, stdout } = await run('nvidia-smi', query);
  if (code !== 0) return [];
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', memory = '', driver = ''] = line.split(',').map((cell) => cell.trim());
      return { name, memory: Number(memory), driver };
    });
}
