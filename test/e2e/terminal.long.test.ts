/** train on a terminal: what is seen while it runs, and what is left of it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { cli } from '../helpers/cli.ts';
import { writeRawData } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { withoutPython } from '../helpers/python.ts';
import { cliOnTerminal, type Screen, type TerminalRun } from '../helpers/terminal.ts';

const folder = temporaryFolder();
const arguments_ = ['train', '--width', '16', '--height', '16', '--batch-size', '4', '--seed', '3'];
const skip = withoutPython();
const esc = String.fromCharCode(27);

before(() => writeRawData(folder));

function withRun(name: string, epochs = 4): string[] {
  return [...arguments_, '--run', name, '--epochs', String(epochs)];
}

/** Without the figures that differ from run to run. */
function plain(lines: string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/\d+ img\/s/, '- img/s')
      .replace(/checkpoints.[\w-]+$/, 'checkpoints/run')
      .replace(/--run [\w-]+/, '--run -'),
  );
}

function assertCursorShown({ raw }: TerminalRun): void {
  assert.ok(raw.includes(`${esc}[?25l`), 'the cursor was never hidden');
  assert.ok(raw.lastIndexOf(`${esc}[?25h`) > raw.lastIndexOf(`${esc}[?25l`), 'it stays hidden');
}

let expected: string[];
before(async () => {
  // The first one also resizes.
  await cli(folder, ...withRun('first', 1));
  const { code, stdout, stderr } = await cli(folder, ...withRun('plain'));
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, new RegExp(`${esc}|left:`));
  expected = plain(`${stderr}${stdout}`.trim().split('\n'));
});

test('curves, rate, remaining time and the best epoch are shown, and only plain lines remain', {
  skip,
}, async () => {
  let seen: string[] = [];
  const look = (screen: Screen) => {
    const lines = screen.lines();
    if (lines.some((line) => line.startsWith('Epoch 4/4 '))) seen = lines;
  };
  const run = await cliOnTerminal(folder, withRun('seen'), { look });
  assert.equal(run.code, 0);
  const view = seen.slice(seen.findIndex((line) => line.startsWith('Epoch ')));
  for (const [index, pattern] of [
    /^Epoch 4\/4 [█░]+ +\d+ %$/,
    /^step \d+ {2}\d+ img\/s$/,
    /^left: epoch \d+:\d\d, training \d+:\d\d$/,
    /^loss +\d\.\d{4} [▁-█]+$/,
    /^validation +\d\.\d{4} [▁-█]{3,4}$/,
    /^accuracy +\d\.\d{4} [▁-█]+$/,
    /^validation +\d\.\d{4} [▁-█]{3,4}$/,
    /^best +\d\.\d{4} in epoch [1-4]$/,
  ].entries()) {
    assert.match(view[index] ?? '', pattern);
  }
  assert.equal(view.length, 8);
  assert.deepEqual(plain(run.lines), expected);
  assertCursorShown(run);
});

test('a terminal that is resized repeatedly is left clean as well', { skip }, async () => {
  const sizes: [number, number][] = [
    [45, 24],
    [120, 30],
    [50, 40],
    [60, 12],
    [200, 50],
    [40, 12],
    [80, 24],
  ];
  let next = 0;
  const look = (screen: Screen) => {
    const size = sizes[next];
    if (!size || !screen.lines().some((line) => line.startsWith('Epoch '))) return;
    next++;
    screen.resize(...size);
  };
  const run = await cliOnTerminal(folder, withRun('resized', 12), { look });
  assert.equal(run.code, 0);
  assert.equal(next, sizes.length);
  assert.equal(run.lines.filter((line) => /^epoch \d+\/12 /.test(line)).length, 12);
  // Of what is redrawn nothing is left: only the result begins like one of its lines.
  assert.deepEqual(
    run.lines.filter((line) => /[█░▁-▇]|left:|^best|^(validation|loss|accuracy)|^step/.test(line)),
    run.lines.filter((line) => /^loss \S+ {2}acc \S+ {2}val loss/.test(line)),
  );
});

for (const [columns, rows] of [
  [30, 24],
  [80, 5],
] as const) {
  test(`a terminal of ${columns} x ${rows} gets only the bar`, { skip }, async () => {
    const views = new Set<string>();
    const look = (screen: Screen) => {
      const lines = screen.lines();
      const at = lines.findIndex((line) => line.startsWith('Epoch '));
      if (at >= 0) views.add(lines.slice(at).join('\n'));
    };
    const run = await cliOnTerminal(folder, withRun(`narrow-${columns}x${rows}`), { columns, rows, look });
    assert.equal(run.code, 0);
    assert.ok(views.size > 0);
    for (const view of views) assert.match(view, /^Epoch \d\/4 [█░]+ +\d+ %$/);
    assert.deepEqual(plain(run.lines), expected);
  });
}

let coloursShown = 0;
for (const [environment, coloured] of [
  [{}, true],
  [{ NO_COLOR: '' }, true],
  [{ NO_COLOR: '1' }, false],
] as const) {
  test(`with ${JSON.stringify(environment)} there are ${coloured ? '' : 'no '}colours`, {
    skip,
  }, async () => {
    const run = await cliOnTerminal(folder, withRun(`colours-${++coloursShown}`, 2), { environment });
    assert.equal(run.code, 0);
    assert.equal(new RegExp(`${esc}\\[[0-9;]*m`).test(run.raw), coloured);
  });
}

test('a terminal that cannot redraw gets plain lines', { skip }, async () => {
  const run = await cliOnTerminal(folder, withRun('dumb'), { environment: { TERM: 'dumb' } });
  assert.ok(!run.raw.includes(esc));
  assert.deepEqual(plain(run.lines), expected);
});

for (const [times, code, says] of [
  [1, 0, /^Stopped after \d+ of 500 epochs/],
  [2, 130, /^Stopping after this step; saving/],
] as const) {
  test(`the cursor is back after Ctrl-C, ${times === 1 ? 'once' : 'twice'}`, { skip }, async () => {
    let pressed = 0;
    const look = (screen: Screen) => {
      const lines = screen.lines();
      const ready = pressed === 0 ? /^Epoch [1-9]\d*\// : /^Stopping/;
      if (pressed === times || !lines.some((line) => ready.test(line))) return;
      pressed++;
      screen.interrupt();
    };
    const run = await cliOnTerminal(folder, withRun(`interrupted-${times}`, 500), { look });
    // It may have saved and ended before the second one.
    if (times === 1 || run.code !== 0) assert.equal(run.code, code);
    assertCursorShown(run);
    assert.ok(
      run.lines.some((line) => says.test(line)),
      run.lines.join('\n'),
    );
    assert.ok(!run.lines.some((line) => /left:|█/.test(line)), run.lines.join('\n'));
  });
}
