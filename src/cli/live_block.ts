import type { WriteStream } from 'node:tty';

/** Lines at the bottom of a terminal that are redrawn in place. */
export interface LiveBlock {
  /** Draws the lines that `render` returns, now or, to limit the rate, a little later. Two rows stay free. */
  draw(render: (size: { columns: number; rows: number }) => string[]): void;
  /** Prints a line that stays, above the block. */
  print(text: string): void;
  /** Removes the block and shows the cursor again. */
  stop(): void;
}

const millisecondsBetween = 100;
const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearBelow = '\r\x1b[J';
/** With wrapping off, a terminal that was just made narrower cuts long lines. */
const wrapOff = '\x1b[?7l';
const wrapOn = '\x1b[?7h';

/**
 * Between drawings the hidden cursor is on an empty line above the block. So clearing everything below it erases the
 * block however a resized terminal has reflowed it, and whatever a library prints gets a line of its own.
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
    // Both are 0 where the terminal does not report its size.
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
