/**
 * npm run demo: trains on drawings and classifies pictures that the network has never seen, with the commands that you
 * would type yourself. It works in demo/output (--output <folder>), and empties that folder first. --quick trains too
 * little for good answers, only to show the steps.
 *
 * Why animals and food: each designer has drawn one bat and one superhero in a few skin colours, so few that a network
 * would only memorise them. Animals and food are about a hundred concepts each, enough to test on concepts that the
 * network has never seen, drawn by a designer whose style it has never seen.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import seedrandom from 'seedrandom';
import { wilsonInterval } from '../src/evaluation/wilson.ts';
import { classes } from './concepts.ts';
import { credit, designers, openDrawings } from './designers.ts';
import { photograph } from './pictures.ts';
import { type Drawing, heldOutDesigner, splitDrawings, trainingDesigners } from './split.ts';

const { values: options } = parseArgs({
  options: {
    output: { type: 'string', default: fileURLToPath(new URL('./output', import.meta.url)) },
    quick: { type: 'boolean', default: false },
  },
});
const folder = resolve(options.output);
const bin = fileURLToPath(new URL('../dist/bin/bat-sup.js', import.meta.url));
const seed = '1';

// The native engine that scripts/prepare.mjs has set up, where it could.
process.env.XDG_CACHE_HOME = fileURLToPath(new URL('../.cache/xdg', import.meta.url));

const config = `import type { Config } from 'bat-sup';

/** Small enough for four minutes on a laptop. The defaults are for a few thousand pictures and a night. */
export default {
  augmentTarget: ${options.quick ? 300 : 1000},
  epochs: ${options.quick ? 1 : 8},
  learningRate: 0.0003,
  keepCheckpoints: 1,
} satisfies Config;
`;

function start(args: string[]) {
  console.error(`\n$ bat-sup ${args.join(' ')}`);
  return spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
}

function batSup(...args: string[]): string {
  const { status, stdout } = start(args);
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** Photographs each drawing `times` times, each on another background and at another place, into <part>/<class>/. */
async function writePictures(part: string, drawings: Drawing[], times: number): Promise<void> {
  for (const { className, concept, designer } of drawings) {
    mkdirSync(join(folder, part, className), { recursive: true });
    for (let shot = 1; shot <= times; shot++) {
      const random = seedrandom(`${seed}/${concept}/${designer}/${shot}`);
      const file = join(folder, part, className, `${concept}-${designer}-${shot}.jpg`);
      writeFileSync(file, await photograph(openDrawings(designer)(concept), random));
    }
  }
}

interface Answer {
  file: string;
  class: string;
  probability: number;
}

interface Score {
  correct: number;
  count: number;
}

/** Classifies every picture of <part>/<class>/ with a run. */
function classify(part: string, run: string): Answer[] {
  const lines = batSup('predict', part, '--json', '--checkpoint', `checkpoints/${run}`).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Whether the predicted class is the name of the picture's folder. */
function isCorrect(answer: Answer): boolean {
  return answer.file.split('/').at(-2) === answer.class;
}

function score(answers: Answer[]): Score {
  return { correct: answers.filter(isCorrect).length, count: answers.length };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function describe({ correct, count }: Score): string {
  const [low, high] = wilsonInterval(correct, count);
  return `${percent(correct / count)} (${correct} of ${count}; 95 % interval ${percent(low)} to ${percent(high)})`;
}

const started = performance.now();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
console.error(
  `Drawing pictures of ${classes.join(' and ')} into ${relative(process.cwd(), folder)}/rawdata ...`,
);
const { rawdata, seen: seenDrawings, unseen: unseenDrawings } = splitDrawings(seed);
await writePictures('rawdata', rawdata, options.quick ? 1 : 3);
await writePictures('seen', seenDrawings, 1);
await writePictures('unseen', unseenDrawings, 1);
writeFileSync(join(folder, 'config.ts'), config);

console.log(batSup('augment').trim());
console.log(batSup('resize').trim());
/** Accuracies of a run on drawings of the designer that it has not seen. */
function examine(run: string): { seen: Score; unseen: Score; bat: Answer } {
  const seen = classify('seen', run);
  const unseen = classify('unseen', run);
  const bat = unseen.find(({ file }) => file.includes('/bat-')) as Answer;
  console.log(batSup('predict', bat.file, '--top-k', '2', '--checkpoint', `checkpoints/${run}`).trim());
  return { seen: score(seen), unseen: score(unseen), bat };
}

function describeRun({ seen, unseen, bat }: ReturnType<typeof examine>): string {
  return `  concepts that the others had drawn too:  ${describe(seen)}
  concepts that it had never seen:         ${describe(unseen)}
It had never seen a bat: it predicts ${bat.class} (${percent(bat.probability)}), which is ${isCorrect(bat) ? 'right' : 'wrong'}.`;
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(0)} s`;

console.log(batSup('train', '--run', 'article').trim());
const article = examine('article');
const articleTime = seconds(started);

/** The same pictures with a pre-trained network, which needs pip and a network once. */
function trainPretrained(): string {
  const before = performance.now();
  if (start(['setup', '--backbone', 'efficientnet-lite0']).status !== 0)
    return 'Left out: the same with a pre-trained network, which could not be fetched (see above).';
  const fineTune = options.quick ? [] : ['--fine-tune', '--epochs', '2'];
  console.log(batSup('train', '--pretrained', ...fineTune, '--run', 'pretrained').trim());
  const pretrained = examine('pretrained');
  return `Then ${seconds(before)} with a network that had seen a million photographs, from the same drawings:
${describeRun(pretrained)}`;
}

const pretrained = trainPretrained();
console.log(`
In ${articleTime} a network learned to tell animals from food, from the drawings of
${trainingDesigners.join(', ')}. Its accuracy on drawings of ${heldOutDesigner}, whose style it had never seen
(guessing would be right half the time):
${describeRun(article)}

${pretrained}

Drawings: ${designers.map(credit).join('; ')}

Now with your own pictures. Run "npm install --global ." here, once, and then in a folder of your own:
  mkdir -p rawdata/bat rawdata/sup     and put pictures into them
  bat-sup train --pretrained           starts from a pre-trained network: done in seconds
  bat-sup augment --target 1000
  bat-sup train                        from nothing; stop with Ctrl-C, continue with --resume
  tensorboard --logdir checkpoints     watch the training (pip install tensorboard)
  bat-sup predict sup.jpg
`);
