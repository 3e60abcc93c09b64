import { run } from './programs.ts';

export interface Gpu {
  name: string;
  /** Mebibytes. */
  memory: number;
  /** Of NVIDIA's driver, e.g. '550.54.14'. */
  driver: string;
}

/** The GPUs that NVIDIA's driver knows of; none where there is no driver. */
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
