import type { WriteStream } from 'node:tty';

/** Lines at the end of a terminal that are drawn again and again in the same place. */
export interface LiveBlock {
  /** Draws what `render` gives, at once or, where that would be too often, a little later. Two rows stay free. */
  draw(render: (size: { columns: number; rows: number }) => string[]): void;
  /** Prints a line that stays, above the block. */
  print(text: string): void;
  /** Takes the block away and gives the cursor back. */
  stop(): void;
}

const millisecondsBetween = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearBelow = '\r\x1b[J';
/** A terminal that was made narrower a moment ago cuts lines instead of wrapping them. */
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';

/**
 * The cursor waits on an empty line above the block, hidden. So to erase means to clear all below, however a resized
 * terminal has moved what is there, and what a library prints on its own lands on a line of its own.
 */
export function liveBlock(stream: WriteStream): LiveBlock {
  let render: Parameters<LiveBlock['draw']>[0] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let hidden = false;

  function drawNow(): void {
    clearTimeout(timer);
    timer = undefined;
    last = performance.now();
    if (!render) return;
    // Both are 0 where a terminal does not tell.
    const lines = render({ columns: stream.columns || 80, rows: stream.rows || 24 });
    const back = lines.length > 0 ? `\r\x1b[${lines.length}A` : '';
    const text = lines.map((line) => `\n\r${line}`).join('');
    stream.write(hideCursor + clearBelow + wrapOff + text + wrapOn + back);
    hidden = true;
  }

  function drawSoon(): void {
    const wait = last + millisecondsBetween - performance.now();
    if (wait <= 0) drawNow();
    else timer ??= setTimeout(drawNow, wait).unref();
  }

  function stop(): void {
    clearTimeout(timer);
    timer = undefined;
    render = undefined;
    stream.off('resize', drawSoon);
    process.off('exit', stop);
    if (hidden) stream.write(clearBelow + showCursor);
    hidden = false;
  }

  stream.on('resize', drawSoon);
  process.on('exit', stop);
  return {
    draw(next) {
      render = next;
      drawSoon();
    },
    print(text) {
      stream.write(`${hidden ? clearBelow : ''}${text}\n`);
      if (render) drawSoon();
    },
    stop,
  };
}
