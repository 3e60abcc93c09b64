/**
 * Logistic regression on features: time and loss, against scikit-learn.
 *
 * npm run bench -- head [--rows 600,4000] [--classes 8] [--length 1280] [--rounds 3] [--C 0.01] [--tolerance 1e-6]
 *                       [--python <path>] [--json]
 *
 * Made-up features with a spectrum like a backbone's, standardised. Fits at one C alternate: ours, in one thread, and
 * scikit-learn's (lbfgs), in as many as it likes. `tolerance` is scikit-learn's; ours ends at 1e-8. "CPU" is the processor
 * time of all threads, which a busy machine changes least. The cross-validation, with 5 folds and threads, is ours alone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import seedrandom from 'seedrandom';
import { normal } from '../src/augment/random.ts';
import { crossValidate } from '../src/transfer/cross_validation.ts';
import { fitLogisticRegression } from '../src/transfer/logistic_regression.ts';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { pythonScript, pythonWith } from './against/python.ts';
import { startConversation } from './measure/conversation.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { timed } from './measure/spent.ts';
import { median, round } from './measure/statistics.ts';

const options = readOptions({
  rows: [600, 4000],
  classes: [8],
  length: 1280,
  rounds: 3,
  C: 0.01,
  tolerance: 1e-6,
  python: '',
});
const { length, C } = options;

/** Milliseconds, and what was reached. */
interface Fit {
  wall: number;
  cpu: number;
  loss: number;
}

/** Features with a few strong directions and many weak ones: the k-th has the deviation 1 / sqrt(k). */
function makeFeatures(count: number, classes: number): { features: Float32Array; labels: number[] } {
  const random = seedrandom('head');
  const directions = 200;
  const mixing = Float64Array.from({ length: directions * length }, (_, at) => {
    return normal(random) / Math.sqrt(1 + Math.floor(at / length));
  });
  const centres = Float64Array.from({ length: classes * directions }, () => 0.5 * normal(random));
  const labels = Array.from({ length: count }, (_, row) => row % classes);
  const features = new Float32Array(count * length);
  for (const [row, label] of labels.entries()) {
    const values = Float64Array.from({ length }, () => 0.3 * normal(random));
    for (let k = 0; k < directions; k++) {
      const factor = normal(random) + (centres[label * directions + k] as number);
      for (let j = 0; j < length; j++)
        values[j] = (values[j] as number) + factor * (mixing[k * length + j] as number);
    }
    features.set(values, row * length);
  }
  return { features, labels };
}

async function compare(): Promise<Record<string, unknown>[]> {
  const python = pythonWith('scikit-learn', options.python);
  const theirs = await startConversation<{ version: string }, Fit>(
    pythonScript(python, 'head_scikit_learn.py'),
  );
  const file = join(temporaryFolder(), 'features.f32');
  const table: Record<string, unknown>[] = [];
  for (const rows of options.rows)
    for (const classes of options.classes) {
      const { features, labels } = makeFeatures(rows, classes);
      writeFileSync(file, features);
      const problem = { features, length, classes, labels };
      const ours = async (): Promise<Fit> => {
        let loss = 0;
        const spent = await timed(async () => {
          ({ loss } = await fitLogisticRegression(problem, { C }));
        });
        return { ...spent, loss };
      };
      const task = JSON.stringify({ features: file, length, labels, C, tolerance: options.tolerance });
      const fits = { 'bat-sup': ours, 'scikit-learn': () => theirs.ask(task) };
      const results = await alternate(Object.values(fits), options.rounds, (fit) => fit());
      const [our = [], their = []] = [...results.values()];
      const groups = labels.map((_, row) => row);
      const whole = await timed(() => crossValidate({ ...problem, groups }, { seed: 1 }));
      const middle = (fits: Fit[], name: 'wall' | 'cpu') => median(fits.map((fit) => fit[name]));
      table.push({
        rows,
        classes,
        'CPU ms': Math.round(middle(our, 'cpu')),
        'scikit-learn CPU ms': Math.round(middle(their, 'cpu')),
        ms: Math.round(middle(our, 'wall')),
        'scikit-learn ms': Math.round(middle(their, 'wall')),
        loss: round(our[0]?.loss as number, 6),
        'scikit-learn loss': round(their[0]?.loss as number, 6),
        'cross-validation CPU ms': Math.round(whole.cpu),
        'cross-validation ms': Math.round(whole.wall),
      });
    }
  theirs.stop();
  return table;
}

report('head', options, { rows: await compare() });
