import cliProgress from 'cli-progress';

export interface ProgressBar {
  /** @param note shown after the bar, e.g. 'loss 0.31'. */
  update(done: number, note?: string): void;
  stop(): void;
}

/** Whether stderr is a terminal that can be redrawn in place. */
export function canRedraw(): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== 'dumb';
}

/** A progress bar with rate and remaining time on stderr; drawn on a terminal only. */
export function progressBar(label: string, total: number, unit = 'img'): ProgressBar {
  if (!canRedraw()) return { update() {}, stop() {} };
  const started = performance.now();
  const bar = new cliProgress.SingleBar({
    format: `${label} {bar} {value}/{total} {rate} ${unit}/s, {eta_formatted} left {note}`,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  bar.start(total, 0, { rate: '-', note: '' });
  return {
    update(done, note = '') {
      const rate = (done / (performance.now() - started)) * 1000;
      bar.update(done, { rate: rate.toFixed(rate < 10 ? 1 : 0), note });
    },
    stop: () => bar.stop(),
  };
}
