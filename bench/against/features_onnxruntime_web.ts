/** EfficientNet-Lite0 as bat-sup exports it, on ONNX Runtime's WebAssembly, with all of its optimisations. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { startEngine } from '../../src/engine/index.ts';
import { exportNetwork } from '../../src/formats/export.ts';
import { onnx } from '../../src/formats/onnx/index.ts';
import { temporaryFolder } from '../../test/helpers/folder.ts';
import { liteNetwork, litePictures } from '../inputs/lite_network.ts';

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

/** @param folder one in which "npm install onnxruntime-web" was run. */
export async function startOnnxRuntimeWeb(
  folder: string,
  batch: number,
  threads: number,
): Promise<() => Promise<Float32Array>> {
  const engine = await startEngine('cpu', { threads: 1 });
  const model = join(temporaryFolder(), 'model.onnx');
  await exportNetwork(liteNetwork(), onnx, model, { weights: 'float32', preprocessing: 'outside' });
  await engine.dispose();
  const runtime: OnnxRuntime = createRequire(join(folder, 'package.json'))('onnxruntime-web');
  if (threads > 0) runtime.env.wasm.numThreads = threads;
  const session = await runtime.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const { shape, values } = litePictures(batch);
  const [, height, width, channels] = shape;
  const input = new runtime.Tensor('float32', channelsFirst(values, height * width, channels), [
    batch,
    channels,
    height,
    width,
  ]);
  return async () => {
    const results = await session.run({ [session.inputNames[0] as string]: input });
    return (results.logits ?? Object.values(results)[0])?.data as Float32Array;
  };
}

/** [batch, pixels, channels] -> [batch, channels, pixels] */
function channelsFirst(values: Float32Array, pixels: number, channels: number): Float32Array {
  return Float32Array.from(values, (_, index) => {
    const picture = Math.floor(index / (pixels * channels));
    const channel = Math.floor(index / pixels) % channels;
    return values[(picture * pixels + (index % pixels)) * channels + channel] as number;
  });
}
