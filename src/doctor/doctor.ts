import { cpus, totalmem } from 'node:os';
import sharp from 'sharp';
import { backboneState, backbones } from '../backbones/index.ts';
import { type EngineName, EngineUnavailable, engineNames, startEngine } from '../engine/index.ts';
import { findInstallation, type Installation } from '../engine/native/installation.ts';
import { whyNoTensorFlow } from '../engine/native/supported.ts';
import { reason } from '../errors.ts';
import { findCompiler } from '../setup/build.ts';
import { findGpus, type Gpu } from '../setup/nvidia.ts';
import { findPython } from '../setup/wheels.ts';
import { batSup, withCommandsAsTyped } from '../system/command.ts';
import { cpuQuota, usableCores } from '../system/cores.ts';
import { tf } from '../tensors/tf.ts';

/** Whether an engine runs on this machine. */
export interface EngineCheck {
  name: EngineName;
  /** Its description, e.g. 'TensorFlow 2.21.0 on the CPU'; undefined where it does not run. */
  description?: string;
  /** Why it does not run. */
  reason?: string;
}

/** The state of this machine. */
export interface Diagnosis {
  /** The requested engine, or the one that 'auto' chooses; null where the requested one cannot run. */
  engine: EngineName | null;
  /** Why this engine, or why none. */
  why: string;
  engines: EngineCheck[];
  native: Pick<Installation, 'source' | 'device' | 'tensorflow' | 'packages' | 'operations'> | null;
  /** Versions that `bat-sup setup` installed, e.g. '12.9.1'. */
  cuda: string | null;
  cudnn: string | null;
  /** Pre-trained networks that are installed, and what is wrong with damaged ones. */
  backbones: { name: string; state: string }[];
  gpus: Gpu[];
  threads: number;
  /** Of the machine. */
  cores: number;
  /** What a container's limit leaves of them, e.g. 1.5; null without one. */
  cpuQuota: number | null;
  /** Gibibytes. */
  memory: number;
  node: string;
  platform: string;
  sharp: string;
  libvips: string;
  /** What is missing, with the command that installs it. */
  missing: string[];
}

/** Starts an engine to see whether it runs. */
async function checkEngine(name: EngineName, threads: number): Promise<EngineCheck> {
  try {
    const engine = await startEngine(name, { threads });
    await engine.dispose();
    // With a GPU, 'native' is the same as 'cuda'.
    return { name, description: engine.description };
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    return { name, reason: withCommandsAsTyped(reason(error)) };
  }
}

function describeNative(installation: Installation | undefined): Diagnosis['native'] {
  if (!installation) return null;
  const { source, device, tensorflow, packages, operations } = installation;
  return { source, device, tensorflow, packages, operations };
}

/** What is missing for setting up the native engine. */
async function whatSetupLacks(): Promise<string[]> {
  const checks = [findPython(), findCompiler()].map((check) => check.then(() => undefined, reason));
  return (await Promise.all(checks)).filter((one) => one !== undefined);
}

async function whatIsMissing(installation: Installation | undefined, gpus: Gpu[]): Promise<string[]> {
  if (whyNoTensorFlow()) return [];
  if (!installation) {
    const lacking = await whatSetupLacks();
    return [...lacking, `The native engine is not set up: "${batSup('setup')}".`];
  }
  if (gpus.length > 0 && installation.device === 'cpu')
    return [`TensorFlow is set up for the CPU, and an NVIDIA GPU is here: "${batSup('setup --cuda')}".`];
  return [];
}

async function installedBackbones(): Promise<Diagnosis['backbones']> {
  const states = Object.values(backbones).map(async (backbone) => ({
    name: backbone.name,
    state: await backboneState(backbone),
  }));
  return (await Promise.all(states)).filter(({ state }) => state !== 'absent');
}

function explain(
  wanted: EngineName | 'auto',
  chosen: EngineCheck | undefined,
  checks: EngineCheck[],
): string {
  if (wanted !== 'auto')
    return chosen ? 'it was requested' : (checks.find(({ name }) => name === wanted)?.reason ?? '');
  const faster = checks.slice(
    0,
    checks.findIndex(({ name }) => name === chosen?.name),
  );
  if (faster.length === 0) return 'it is the fastest one';
  return `the faster ones do not run here (${faster.map(({ name }) => name).join(', ')})`;
}

/** Collects everything that decides which engine runs and how fast. */
export async function diagnose(wanted: EngineName | 'auto', threads: number): Promise<Diagnosis> {
  tf.enableProdMode();
  const installation = findInstallation();
  const gpus = await findGpus();
  const engines: EngineCheck[] = [];
  for (const name of engineNames) engines.push(await checkEngine(name, threads));
  const chosen = engines.find(
    ({ name, description }) => description && (wanted === 'auto' || name === wanted),
  );
  const version = (prefix: string) =>
    Object.entries(installation?.packages ?? {}).find(([name]) => name.startsWith(prefix))?.[1] ?? null;
  return {
    engine: chosen?.name ?? null,
    why: explain(wanted, chosen, engines),
    engines,
    native: describeNative(installation),
    cuda: version('nvidia-cuda-runtime'),
    cudnn: version('nvidia-cudnn'),
    backbones: await installedBackbones(),
    gpus,
    threads: threads || usableCores(),
    cores: cpus().length,
    cpuQuota: cpuQuota() ?? null,
    memory: Number((totalmem() / 2 ** 30).toFixed(1)),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    sharp: sharp.versions.sharp ?? '',
    libvips: sharp.versions.vips,
    missing: await whatIsMissing(installation, gpus),
  };
}
