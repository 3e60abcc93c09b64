/**
 * Implements src/page/answer.d.ts in the browser: the same network, decoder and heat maps as the command line, on
 * TensorFlow.js. scripts/build.mjs bundles this module with its imports into one file.
 */
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import { argmax } from '../../evaluation/softmax.ts';
import { colourLayer } from '../../explain/colours.ts';
import { canDrawGradCam, gradCam } from '../../explain/grad_cam.ts';
import { makeCodec } from '../../images/jpeg/codec.ts';
import { layersFor } from '../../models/model.ts';
import { fittingOf } from '../../models/preprocessing.ts';
import type { Answer, Description } from '../../page/answer.d.ts';
import { readAnswers } from '../../predict/answer.ts';
import { createPredictor, type Judged, judge, type Predictor } from '../../predict/predictor.ts';
import { tf } from '../../tensors/tf.ts';
import type { Network } from '../format.ts';
import { decodeTfjs } from '../tfjs/decode.ts';
import { fixFusedMatMul } from './fused_mat_mul.ts';
import { decodePicture } from './picture.ts';
import { type PageRejection, rejectionFrom } from './rejection.ts';

const whereItRuns: Record<string, string> = {
  webgl: 'on the graphics card (WebGL)',
  wasm: 'on the processor (WebAssembly)',
  cpu: 'on the processor (JavaScript, slow)',
};

type Loaded = Uint8Array<ArrayBuffer>;

/** Fetches a file from the folder of the page. */
async function load(name: string): Promise<Loaded> {
  const response = await fetch(new URL(name, import.meta.url)).catch(() => undefined);
  if (response?.ok) return new Uint8Array(await response.arrayBuffer());
  const why = response ? `status ${response.status}` : 'the server does not respond';
  throw new Error(`${name} cannot be loaded (${why}); serve the whole folder that was exported.`);
}

/** Whether WebGL runs on a graphics card. Where the processor emulates it, WebAssembly is faster. */
function hasGraphicsCard(): boolean {
  const context = new OffscreenCanvas(1, 1).getContext('webgl2', { failIfMajorPerformanceCaveat: true });
  const names = context?.getExtension('WEBGL_debug_renderer_info');
  if (!context) return false;
  return !/swiftshader|llvmpipe|software/i.test(names && context.getParameter(names.UNMASKED_RENDERER_WEBGL));
}

/** The engines to try; ?engine=wasm in the page's URL selects one. */
function candidates(): string[] {
  const asked = new URLSearchParams(location.search).get('engine');
  if (asked !== null && asked in whereItRuns) return [asked];
  return hasGraphicsCard() ? ['webgl', 'wasm', 'cpu'] : ['wasm', 'cpu'];
}

interface Ready {
  predictor: Predictor;
  engine: string;
  decode: (picture: Blob) => Promise<Uint8Array>;
}

function predictorFor(
  { model, preprocessing, weights, temperature, thresholds }: Network,
  packed: PageRejection | null,
): Predictor {
  const values = new Map([...weights].map(([name, one]) => [name, one.values]));
  const layers = layersFor(model, values);
  return createPredictor(
    {
      description: model,
      layers,
      preprocessing,
      weights: values,
      rejection: packed ? rejectionFrom(packed, layers) : undefined,
    },
    {
      decode: () => Promise.reject(new Error('pictures are decoded already')),
      ...fittingOf(preprocessing),
      temperature,
      ...(thresholds && { thresholds }),
      checkpoint: '',
    },
  );
}

/** Starts the network on the first engine that can run it. */
async function start(
  network: Network,
  packed: PageRejection | null,
): Promise<{ predictor: Predictor; engine: string }> {
  const { width, height, channels } = network.model;
  let problem: unknown;
  for (const engine of candidates()) {
    try {
      if (!(await tf.setBackend(engine))) continue;
      const predictor = predictorFor(network, packed);
      await judge(predictor, [new Uint8Array(width * height * channels)]);
      return { predictor, engine };
    } catch (error) {
      problem = error;
    }
  }
  throw problem ?? new Error('The network cannot run in this browser; try another one.');
}

/** Installs the service worker. Rejects where the browser has none; the page then works only with its server. */
async function keepForOffline(): Promise<void> {
  await navigator.serviceWorker?.register(new URL('offline.js', import.meta.url));
}

async function makeReady(): Promise<Ready> {
  tf.enableProdMode();
  // Threads need headers that a plain web server does not send.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  fixFusedMatMul();
  setWasmPaths(new URL('./', import.meta.url).href);
  const [json, jpeg, unknown] = (await Promise.all(
    ['model.json', 'jpeg.wasm', 'unknown.json'].map(load),
  )) as [Loaded, Loaded, Loaded];
  const codec = makeCodec(await WebAssembly.compile(jpeg));
  const parse = (bytes: Loaded) => JSON.parse(new TextDecoder().decode(bytes));
  const network = await decodeTfjs(parse(json), {
    source: 'model.json',
    read: load,
  });
  const { width, height, channels } = network.model;
  const size = { width, height, channels, ...fittingOf(network.preprocessing) };
  const decode = (picture: Blob) => decodePicture(picture, size, codec);
  const started = await start(network, parse(unknown));
  keepForOffline().catch(() => {});
  return { ...started, decode };
}

let ready: Promise<Ready> | undefined;

export async function describe(): Promise<Description> {
  ready ??= makeReady();
  const { predictor, engine } = await ready;
  return {
    title: 'Picture classifier',
    classes: predictor.description.classes,
    fit: predictor.fit,
    crop: predictor.crop ?? 1,
    heatMaps: canDrawGradCam(predictor),
    note: `The network runs in this browser, ${whereItRuns[engine]}. Pictures stay on this device.`,
  };
}

/** Grad-CAM as a PNG of the network's input size. */
async function drawHeatMap(predictor: Predictor, pixels: Uint8Array, classIndex: number): Promise<Blob> {
  const { width, height } = predictor.description;
  const heat = await gradCam(predictor, pixels, classIndex);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(new ImageData(colourLayer(heat), width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}

export async function answer(picture: Blob, { heatMap }: { heatMap: boolean }): Promise<Answer> {
  ready ??= makeReady();
  const { predictor, decode } = await ready;
  const pixels = await decode(picture);
  const [{ values: probabilities, distance }] = (await judge(predictor, [pixels])) as [Judged];
  const classes = predictor.description.classes
    .map((label, index) => ({ label, probability: probabilities[index] as number }))
    .sort((a, b) => b.probability - a.probability);
  const best = argmax(probabilities);
  const { thresholds, description } = predictor;
  const answered = thresholds && readAnswers(probabilities, description.classes, thresholds).classes;
  return {
    classes,
    ...(answered && { answered }),
    ...(distance !== undefined && { distance }),
    heatMap: heatMap ? await drawHeatMap(predictor, pixels, best) : null,
  };
}
