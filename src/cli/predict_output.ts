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
  kind: 'probability' | 'logit';
  topK: number;
  /** Whether records have a `to`. */
  sorts: boolean;
}

/** JSON Lines: one object per picture, errors included. */
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

/** One row per picture: its class, the value of every class, and the error where there is one. */
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

/** One line per picture, for people; errors go to stderr. */
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
