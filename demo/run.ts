/**
 * npm run demo: from drawings to an answer about pictures that the network has never seen, with the commands that you
 * would type yourself. Everything happens in demo/work, which a second run begins anew.
 *
 * Why animals and food: each maker draws one bat and one superhero in some skin colours, too few to learn from, and
 * a network that knows them has only learnt these drawings by heart. Animals and food are some hundred concepts each,
 * so that the test can be of concepts that the network has never seen, drawn by a maker that it has never seen.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import { classes } from './concepts.ts';
import { credit, makers, openDrawings } from './makers.ts';
import { photograph } from './pictures.ts';
import { type Drawing, heldOutMaker, splitDrawings, teachers } from './split.ts';
import { wilsonInterval } from './wilson.ts';

const folder = fileURLToPath(new URL('./work', import.meta.url));
const bin = fileURLToPath(new URL('../dist/bin/bat-sup.js', import.meta.url));
const seed = '1';

const config = `import type { Config } from 'bat-sup';

/** Small enough for two minutes on a laptop; the defaults suit a few thousand pictures and a night. */
export default {
  augmentTarget: 700,
  epochs: 9,
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

/** Photographs drawings into <place>/<class>/<concept>-<maker>.jpg. */
async function writePictures(place: string, drawings: Drawing[]): Promise<void> {
  for (const { className, concept, maker } of drawings) {
    mkdirSync(join(folder, place, className), { recursive: true });
    const file = join(folder, place, className, `${concept}-${maker}.jpg`);
    writeFileSync(
      file,
      await photograph(openDrawings(maker)(concept), seedrandom(`${seed}/${concept}/${maker}`)),
    );
  }
}

interface Score {
  right: number;
  count: number;
}

/** How many pictures of <place>/<class>/ the network puts into the class that their folder is called. */
function score(place: string): Score {
  const answers = batSup('predict', place, '--json')
    .trim()
    .split('\n')
    .map((line): { file: string; class: string } => JSON.parse(line));
  const right = answers.filter((answer) => answer.file.split('/').at(-2) === answer.class);
  return { right: right.length, count: answers.length };
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
for (const [place, drawings] of Object.entries(splitDrawings(seed))) await writePictures(place, drawings);
writeFileSync(join(folder, 'config.ts'), config);

console.log(batSup('augment').trim());
console.log(batSup('resize').trim());
console.log(batSup('train').trim());
const seen = score('seen');
const unseen = score('unseen');
const bat = readdirSync(join(folder, 'unseen', 'animals')).find((file) => file.startsWith('bat-')) as string;
console.log(batSup('predict', `unseen/animals/${bat}`, '--top-k', '2').trim());

console.log(`
In ${((performance.now() - started) / 1000).toFixed(0)} s a network has learnt animals from food from the drawings of
${teachers.join(', ')}, and was asked about those of ${heldOutMaker}, whose hand it had never seen:
  things that the others had drawn too:  ${describe(seen)}
  things that it had never seen at all:  ${describe(unseen)}
  (guessing would be right half the time)

Drawings: ${makers.map(credit).join('; ')}

Now with your own pictures, in a folder of yours:
  mkdir -p rawdata/bat rawdata/sup     and put pictures into them
  npx bat-sup augment --target 1000
  npx bat-sup train                    stop with Ctrl-C, go on with --resume
  tensorboard --logdir checkpoints     see how it learns (pip install tensorboard)
  npx bat-sup predict sup.jpg
`);
