import type { Config } from 'bat-sup';

/**
 * Your settings, with the defaults written out. A flag (--epochs 8) or an environment variable
 * (BATSUP_EPOCHS=8) goes before a line here; `bat-sup config` prints what is in force.
 */
export default {
  // Folders
  rawData: 'rawdata', // your pictures: rawdata/<class>/*
  data: 'data', // the same, resized
  checkpoints: 'checkpoints', // trained networks and TensorBoard logs

  // Pictures
  width: 100,
  height: 100,
  channels: 3, // 1 for grey
  fit: 'fill', // 'fill' stretches, 'cover' crops, 'contain' pads with white

  // Augmentation
  augmentTarget: 3810, // pictures a class
  augmentClasses: {}, // other operations for some classes: { text: ['rotate', 'zoom'] }

  // Training
  recipe: 'article', // 'best' gives other defaults to the lines that are commented out
  // augment: 'off', // 'online': training varies pictures anew in each epoch
  // augmentOperations: [
  //   // a name, or with parameters: { operation: 'rotate', probability: 0.7, maxLeft: 10, maxRight: 10 }
  //   'flipLeftRight',
  //   'rotate',
  //   'zoom',
  //   'shift',
  //   'shear',
  //   'brightness',
  //   'contrast',
  //   'colour',
  // ],
  // architecture: 'article', // 'deep', 'residual', or 'auto': by the number of classes
  // batchSize: 10,
  // learningRate: 0.001, // "bat-sup lr-find" suggests one
  // learningRateSchedule: 'constant', // 'cosine', 'step'
  // warmup: 0, // epochs
  // weightDecay: 0,
  // clipNorm: 0, // 0: no limit
  // dropout: 0,
  // labelSmoothing: 0,
  // classWeights: 'off', // 'balanced'
  // ema: 0, // decay of the weights' moving average, e.g. 0.999
  epochs: 300, // stop at any time: checkpoints are saved as it goes
  earlyStopping: 0, // epochs without a better validation, e.g. 20; 0: never
  validationSplit: 0.2, // 0 trains on every picture
  groupLookalikes: 'on', // 'off': pictures that look the same may be trained on and held back
  seed: 1,

  // Checkpoints
  keepCheckpoints: 4, // and the best
  saveEverySteps: 0, // 0: after each epoch
  saveEveryMinutes: 10,

  // Machine
  engine: 'auto', // 'cuda', 'native', 'wasm' or 'cpu'
  threads: 0, // 0: every core
  workers: 0,
} satisfies Config;
