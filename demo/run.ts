/**
 * npm run demo: from drawings to an answer about pictures that the network has never seen, with the commands that you
 * would type yourself. Everything happens in demo/output (--output <folder>), which a second run begins anew.
 * --quick learns so little that it only shows the way.
 *
 * Why animals and food: each maker draws one bat and one superhero in some skin colours, too few to learn from, and
 * a network that knows them has only learnt these drawings by heart. Animals and food are some hundred concepts each,
 * so that the test can be of concepts that the network has never seen, drawn by a maker that it has never seen.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import seedrandom from 'seedrandom';
import { wilsonInterval } from '../src/evaluation/wilson.ts';
import { classes } from './concepts.ts';
import { credit, makers, openDrawings } from './makers.ts';
import { photograph } from './pictures.ts';
import { type Drawing, heldOutMaker, splitDrawings, teachers } from './split.ts';

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

/** Small enough for two minutes on a laptop; the defaults suit a few thousand pictures and a night. */
export default {
  augmentTarget: ${options.quick ? 300 : 1000},
  epochs: ${options.quick ? 1 : 8},
  learningRate: 0.0003,
  keepCheckpoints: 1,
} satisfies Config;
`;

function batSup(...args: string[]): string {
  console.error(`\n$ bat-sup ${args.join(' ')}`);
  const { status, stdout } = spawnSync(process.execPath, [bin, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** Photographs each drawing `times` times, on other grounds and in other places, into <place>/<class>/. */
async function writePictures(place: string, drawings: Drawing[], times: number): Promise<void> {
  for (const { className, concept, maker } of drawings) {
    mkdirSync(join(folder, place, className), { recursive: true });
    for (let shot = 1; shot <= times; shot++) {
      const random = seedrandom(`${seed}/${concept}/${maker}/${shot}`);
      const file = join(folder, place, className, `${concept}-${maker}-${shot}.jpg`);
      writeFileSync(file, await photograph(openDrawings(maker)(concept), random));
    }
  }
}

interface Answer {
  file: string;
  class: string;
  probability: number;
}

interface Score {
  right: number;
  count: number;
}

/** What the network says to every picture of <place>/<class>/. */
function ask(place: string): Answer[] {
  const lines = batSup('predict', place, '--json').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Whether the picture lies in a folder of the class that the network says. */
function isRight(answer: Answer): boolean {
  return answer.file.split('/').at(-2) === answer.class;
}

function score(answers: Answer[]): Score {
  return { right: answers.filter(isRight).length, count: answers.length };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function describe({ right, count }: Score): string {
  const [low, high] = wilsonInterval(right, count);
  return `${percent(right / count)} (${right} of ${count}; 95 % interval ${percent(low)} to ${percent(high)})`;
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
console.log(batSup('train').trim());
const seen = ask('seen');
const unseen = ask('unseen');
const bat = unseen.find(({ file }) => file.includes('/bat-')) as Answer;
console.log(batSup('predict', bat.file, '--top-k', '2').trim());

console.log(`
In ${((performance.now() - started) / 1000).toFixed(0)} s a network has learnt animals from food from the drawings of
${teachers.join(', ')}, and was asked about those of ${heldOutMaker}, whose hand it had never seen:
  things that the others had drawn too:  ${describe(score(seen))}
  things that it had never seen at all:  ${describe(score(unseen))}
  (guessing would be right half the time)
The bat is a thing that it had never seen: it says ${bat.class} (${percent(bat.probability)}), which is ${isRight(bat) ? 'right' : 'wrong'}.

Drawings: ${makers.map(credit).join('; ')}

Now with your own pictures: "npm install --global ." here, once, and in a folder of yours:
  mkdir -p rawdata/bat rawdata/sup     and put pictures into them
  bat-sup augment --target 1000
  bat-sup train                        stop with Ctrl-C, continue with --resume
  tensorboard --logdir checkpoints     see how it learns (pip install tensorboard)
  bat-sup predict sup.jpg
`);
