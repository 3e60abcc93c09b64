import type { RankedClass } from '../predict/answer.ts';
import type { PredictRecord } from '../predict/predict_run.ts';
import { csvLine } from '../text/format.ts';
import { printable } from '../text/printable.ts';

export interface PredictOutput {
  /** The first line, where the format has one. */
  head?: string;
  /** @returns undefined where nothing is printed on stdout. */
  line(record: PredictRecord): string | undefined;
}

export interface OutputOptions {
  classes: string[];
  /** Whether several classes can be answered. */
  isMultiLabel: boolean;
  kind: 'probability' | 'logit';
  topK: number;
  /** Whether records have a `to`. */
  sorts: boolean;
  /** Whether answers have a distance. */
  rejects: boolean;
}

type Answered = PredictRecord & Required<Pick<PredictRecord, 'answer'>>;

/** The classes that are answered, with their values, the likeliest first. */
function answeredClasses({ ranked, classes = [] }: Answered['answer']): RankedClass[] {
  return ranked.filter((one) => classes.includes(one.class));
}

/** JSON Lines: one object per picture, errors included. */
export function jsonOutput({ kind, topK, isMultiLabel }: OutputOptions): PredictOutput {
  const named = (one: RankedClass) => ({ class: one.class, [kind]: one.value });
  const answerOf = (answer: Answered['answer']) => {
    const [best] = answer.ranked;
    if (isMultiLabel) return { classes: answeredClasses(answer).map(named) };
    return {
      class: answer.class,
      [kind]: best.value,
      ...(best.class !== answer.class && { likeliest: best.class }),
      ...(answer.distance !== undefined && { distance: answer.distance }),
    };
  };
  return {
    line({ file, answer, to, error }) {
      if (!answer) return JSON.stringify({ file, error });
      return JSON.stringify({
        file,
        ...answerOf(answer),
        ...(topK > 1 && { top: answer.ranked.slice(0, topK).map(named) }),
        ...(to !== undefined && { to: isMultiLabel ? to : to[0] }),
        ...(error !== undefined && { error }),
      });
    },
  };
}

/** One row per picture: its class, or its classes, the value of every class, and the error where there is one. */
export function csvOutput({ classes, isMultiLabel, kind, sorts, rejects }: OutputOptions): PredictOutput {
  const answerOf = ({ class: name, classes: answered = [], ranked }: Answered['answer']) =>
    isMultiLabel ? [answered.join(';')] : [name, String(ranked[0].value)];
  const columns = isMultiLabel ? ['classes'] : ['class', kind];
  const more = [...(rejects ? ['distance'] : []), ...(sorts ? ['to'] : [])];
  return {
    head: csvLine(['file', ...columns, ...classes, ...more, 'error']),
    line({ file, answer, values, to = [], error = '' }) {
      const all = Array.from(values ?? [], (value) => String(Number(value.toPrecision(7))));
      const answered = answer ? [...answerOf(answer), ...all] : [...columns, ...classes].map(() => '');
      const distance = rejects ? [String(answer?.distance ?? '')] : [];
      return csvLine([file, ...answered, ...distance, ...(sorts ? [to.join(';')] : []), error]);
    },
  };
}

const valued = (one: RankedClass) => `${one.class} ${one.value.toFixed(4)}`;

/** One line per picture, for people; errors go to stderr. */
export function textOutput({ topK, isMultiLabel }: OutputOptions): PredictOutput {
  const several = (answer: Answered['answer']) => {
    const list = answer.ranked.slice(0, topK).map(valued).join('  ');
    const answered = answeredClasses(answer);
    if (topK === 1 && answered.length > 0) return answered.map(valued).join('  ');
    return `${answered.map((one) => one.class).join(', ') || answer.class} (${list})`;
  };
  const one = (answer: Answered['answer']) => {
    const list = answer.ranked.slice(0, topK).map(valued);
    const isUnsure = answer.class !== answer.ranked[0].class;
    if (isUnsure && answer.distance !== undefined) list.push(`distance ${answer.distance.toFixed(2)}`);
    return isUnsure ? `${answer.class} (${list.join('  ')})` : list.join('  ');
  };
  return {
    line({ file, answer }) {
      if (!answer) return undefined;
      return `${printable(file)}  ${isMultiLabel ? several(answer) : one(answer)}`;
    },
  };
}
