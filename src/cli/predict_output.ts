import type { ClassAnswer } from '../predict/answer.ts';
import { printable } from '../text/printable.ts';
import { csvLine } from './csv.ts';

/** What is told of one picture: its answer, its error, or both where it was answered and could not be sorted. */
export interface PredictRecord {
  file: string;
  answer?: ClassAnswer;
  /** Values as the network has them, one a class. */
  values?: Float32Array;
  /** Where it was moved or copied to. */
  to?: string;
  error?: string;
}

export interface PredictOutput {
  head?: string;
  /** @returns undefined where nothing is told on stdout. */
  line(record: PredictRecord): string | undefined;
}

export interface OutputOptions {
  classes: string[];
  kind: 'probability' | 'logit';
  topK: number;
  /** Whether records have a `to`. */
  sorts: boolean;
}

/** JSON Lines: an object a picture, errors as well. */
export function jsonOutput({ kind, topK }: OutputOptions): PredictOutput {
  return {
    line({ file, answer, to, error }) {
      if (!answer) return JSON.stringify({ file, error });
      const [best] = answer.ranked;
      const top = answer.ranked.slice(0, topK).map((one) => ({ class: one.class, [kind]: one.value }));
      return JSON.stringify({
        file,
        class: answer.class,
        [kind]: best.value,
        ...(best.class !== answer.class && { likeliest: best.class }),
        ...(topK > 1 && { top }),
        ...(to !== undefined && { to }),
        ...(error !== undefined && { error }),
      });
    },
  };
}

/** A row a picture: its class, the value of every class, and why there is none. */
export function csvOutput({ classes, kind, sorts }: OutputOptions): PredictOutput {
  return {
    head: csvLine(['file', 'class', kind, ...classes, ...(sorts ? ['to'] : []), 'error']),
    line({ file, answer, values, to = '', error = '' }) {
      const all = Array.from(values ?? [], (value) => String(Number(value.toPrecision(7))));
      const answered = answer
        ? [answer.class, String(answer.ranked[0].value), ...all]
        : ['', '', ...classes.map(() => '')];
      return csvLine([file, ...answered, ...(sorts ? [to] : []), error]);
    },
  };
}

/** A line a picture, for people; errors are told on stderr. */
export function textOutput({ topK }: OutputOptions): PredictOutput {
  return {
    line({ file, answer }) {
      if (!answer) return undefined;
      const list = answer.ranked.slice(0, topK).map((one) => `${one.class} ${one.value.toFixed(4)}`);
      const isUnsure = answer.class !== answer.ranked[0].class;
      return `${printable(file)}  ${isUnsure ? `${answer.class} (${list.join('  ')})` : list.join('  ')}`;
    },
  };
}
