import type { Config } from 'bat-sup';

/**
 * Your settings, each with its default. A flag (--epochs 8) or an environment variable (BATSUP_EPOCHS=8) has priority
 * over a line here; "bat-sup config" prints the values in force. Lines that are commented out are those to which
 * recipe: 'best' or a network to start from gives other defaults.
 */
export default {
  // Folders

  // Folder of your pictures, one folder per class.
  rawData: 'rawdata',
  // Folder of the resized pictures.
  data: 'data',
  // Folder of checkpoints and TensorBoard logs.
  checkpoints: 'checkpoints',

  // Pictures

  // Width of the resized pictures, in pixels. A whole number from 8 to 4096.
  // width: 100,
  // Height of the resized pictures, in pixels. A whole number from 8 to 4096.
  // height: 100,
  // Colour channels; grey is BT.601 luma, colour is RGB. 1 (grey) or 3 (colour).
  // channels: 3,
  // How pictures are fitted to the size: stretched, cropped, or padded with white. One of 'fill', 'cover',
  // 'contain'.
  // fit: 'fill',
  // Share of height and width, around the centre, that is used. A number above 0 and at most 1.
  // crop: 1,
  // How pictures are resampled. One of 'lanczos3', 'bicubic', 'bilinear'.
  // filter: 'lanczos3',

  // Augmentation

  // online: apply random operations to every picture in each epoch. One of 'off', 'online'.
  // augment: 'off',
  // Augment adds copies until each class has this many pictures. A whole number of at least 1.
  augmentTarget: 3810,
  // Random operations of augmentation: names, or objects with parameters (as JSON in a flag). A list of
  // operations, each a name or an object: { "operation": "rotate", "maxLeft": 10 }.
  // augmentOperations: ['flipLeftRight', 'rotate', 'zoom', 'shift', 'shear', 'brightness', 'contrast', 'colour'],
  // Other operations for some classes (as JSON in a flag). An object that lists operations by class: {
  // "text": ["rotate"] }.
  augmentClasses: {},
  // on: a picture can show several classes, or none; it lies in the folder of each. One of 'off', 'on'.
  multiLabel: 'off',
  // CSV or JSON Lines file with the labels of each picture, for --multi-label; the folders then name no
  // classes. The path of a CSV or JSON Lines file, or off.
  labels: 'off',

  // Training

  // best: better defaults than the article's; what you set yourself stays. One of 'article', 'best'.
  recipe: 'article',
  // Network architecture; auto chooses by the number of classes. One of 'article', 'deep', 'residual',
  // 'efficientnet-lite0', 'efficientnet-lite1', 'efficientnet-lite2', 'auto'.
  // architecture: 'article',
  // Pre-trained network to start from; auto takes one where it can be had. One of 'off', 'auto',
  // 'efficientnet-lite0', 'efficientnet-lite1', 'efficientnet-lite2'.
  // pretrained: 'off',
  // Trained network to start from: a checkpoint, a run, or a file of another program. A path, the name of a
  // run, or off.
  from: 'off',
  // Blocks of the network to start from that learn with the head; 0 trains the head alone. A whole number
  // from 0 to 999.
  // fineTune: 0,
  // Layers of the network to start from that do not learn; all others do: conv1,norm*, or ..conv5 up to one.
  // A list of names, with * for any letters, or none.
  freeze: [],
  // Passes over all pictures. A whole number of at least 1.
  // epochs: 300,
  // Pictures per training step (per process under MPI). A whole number from 1 to 4096.
  // batchSize: 10,
  // Adam's learning rate. A number above 0 and at most 1.
  // learningRate: 0.001,
  // Under MPI: multiply the learning rate by the number of processes, or by its square root. One of 'off',
  // 'linear', 'sqrt'.
  scaleLearningRate: 'off',
  // Learning rate over time: constant, cosine decay to 0, or divided by 10 at 1/2 and 3/4. One of 'constant',
  // 'cosine', 'step'.
  // learningRateSchedule: 'constant',
  // Epochs over which the learning rate rises from 0. A number of at least 0.
  // warmup: 0,
  // Decoupled weight decay (AdamW). A number from 0 to 1.
  weightDecay: 0,
  // Clip gradients to this global norm (0: no limit). A number of at least 0.
  clipNorm: 0,
  // Dropout rate before the last layer. A number of at least 0 and below 1.
  dropout: 0,
  // Share of each label to spread over all classes. A number of at least 0 and below 1.
  // labelSmoothing: 0,
  // balanced: weight the loss so that all classes count alike. One of 'off', 'balanced'.
  classWeights: 'off',
  // Decay of the moving average of the weights, which predict uses (0: none). A number of at least 0 and
  // below 1.
  // ema: 0,
  // Stop after this many epochs without improvement (0: never). A whole number of at least 0.
  earlyStopping: 0,
  // Share of the pictures to hold back for validation. A number from 0 to 0.9.
  validationSplit: 0.2,
  // Answer "unknown" for pictures of no class; share of known pictures that may be, too (0: off). A number
  // from 0 to 0.5.
  unknown: 0,
  // on: hold back pictures that look the same together or not at all. One of 'on', 'off'.
  groupLookalikes: 'on',
  // Seed of all random numbers. A whole number from 0 to 2147483647.
  seed: 1,

  // Checkpoints

  // Newest checkpoints to keep, besides the best. A whole number of at least 1.
  keepCheckpoints: 4,
  // Also save after this many steps (0: only after each epoch). A whole number of at least 0.
  saveEverySteps: 0,
  // Also save after this many minutes (0: only after each epoch). A number of at least 0.
  saveEveryMinutes: 10,

  // Machine

  // Compute engine; auto takes the fastest that runs here. One of 'auto', 'cuda', 'native', 'wasm', 'cpu'.
  engine: 'auto',
  // strict: the same bits on every machine, with wasm; bf16: multiply in bfloat16, less exact. One of
  // 'float32', 'strict', 'bf16'.
  precision: 'float32',
  // Under MPI: send gradients with 16 bits per number. One of 'off', 'float16', 'bfloat16'.
  gradientCompression: 'off',
  // Threads of the engine (0: all cores). A whole number from 0 to 256.
  threads: 0,
  // Pictures processed at once (0: by the number of cores). A whole number from 0 to 256.
  workers: 0,
} satisfies Config;
