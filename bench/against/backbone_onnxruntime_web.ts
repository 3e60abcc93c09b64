/** A network as bat-sup exports it, on ONNX Runtime's WebAssembly, which is installed once for the benchmarks. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BackbonePictures } from '../inputs/backbone_pictures.ts';

/** The part of onnxruntime-web that is used. */
interface OnnxRuntime {
  env: { wasm: { numThreads: number } };
  InferenceSession: { create(file: string, options: object): Promise<Session> };
  Tensor: new (type: 'float32', values: Float32Array, shape: number[]) => object;
}

interface Session {
  inputNames: string[];
  outputNames: string[];
  run(inputs: Record<string, object>): Promise<Record<string, { data: Float32Array }>>;
}

const version = '1.30.0';

function load(): OnnxRuntime {
  const prefix = fileURLToPath(new URL('../../.cache/bench-npm/', import.meta.url));
  if (!existsSync(join(prefix, 'node_modules/onnxruntime-web'))) {
    mkdirSync(prefix, { recursive: true });
    const quiet = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
    const install = ['install', '--prefix', prefix, ...quiet, `onnxruntime-web@${version}`];
    execFileSync('npm', install, { stdio: ['ignore', 2, 2] });
  }
  return createRequire(join(prefix, 'package.json'))('onnxruntime-web') as OnnxRuntime;
}

/** @param model a file. @returns what computes the logits [batch, classes]. */
export async function startOnnxRuntimeWeb(
  model: string,
  { shape, values }: BackbonePictures,
  threads: number,
): Promise<() => Promise<Float32Array>> {
  const { env, InferenceSession, Tensor } = load();
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(model, { executionProviders: ['wasm'] });
  const [batch, height, width, channels] = shape;
  const moved = channelsFirst(values, height * width, channels);
  const input = new Tensor('float32', moved, [batch, channels, height, width]);
  const [inputName = ''] = session.inputNames;
  const [outputName = ''] = session.outputNames;
  return async () => ((await session.run({ [inputName]: input }))[outputName] as { data: Float32Array }).data;
}

/** [batch, pixels, channels] -> [batch, channels, pixels] */
function channelsFirst(values: Float32Array, pixels: number, channels: number): Float32Array {
  return Float32Array.from(values, (_, index) => {
    const picture = Math.floor(index / (pixels * channels));
    const channel = Math.floor(index / pixels) % channels;
    return values[(picture * pixels + (index % pixels)) * channels + channel] as number;
  });
}
