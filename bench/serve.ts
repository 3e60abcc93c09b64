/**
 * What a server of the article's network answers, JPEGs of 1024 x 768 in forms, against FastAPI with PyTorch:
 * npm run bench -- serve [--clients 1,2,4,8,16,32] [--engines native,wasm] [--threads 1,2] [--seconds 4] [--rounds 3] [--json]
 * The servers and what asks them share the cores; rounds alternate. And what it does with memory over so many minutes
 * of good, bad and hostile requests: npm run bench -- serve --soak 30 [--rate 20]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { saveArticleRun } from './inputs/article_run.ts';
import { photographs } from './inputs/photographs.ts';
import { type Body, formOf, type Load, load } from './serving/load.ts';
import { type RunningServer, startFastApi, startOurs } from './serving/servers.ts';
import { soak } from './serving/soak.ts';

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '1,2,4,8,16,32' },
    engines: { type: 'string', default: 'native' },
    threads: { type: 'string', default: '1,2' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    soak: { type: 'string' },
    rate: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const list = (text: string) => text.split(',').filter(Boolean);
const pictures = 150;

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function rowOf(server: RunningServer, clients: number, loads: Load[]) {
  const times = loads.flatMap((one) => one.times).sort((a, b) => a - b);
  const seconds = loads.reduce((sum, one) => sum + one.seconds, 0);
  return {
    server: server.name,
    clients,
    'img/s': Math.round(times.length / seconds),
    'p50 ms': Number(percentile(times, 0.5).toFixed(1)),
    'p99 ms': Number(percentile(times, 0.99).toFixed(1)),
    failed: loads.reduce((sum, one) => sum + one.failed, 0),
  };
}

type Row = ReturnType<typeof rowOf>;

/** The highest rate of a server whose p99 is no longer than `p99`. */
function bestWithin(rows: Row[], server: string, p99: number): number {
  const within = rows.filter((row) => row.server === server && row['p99 ms'] <= p99);
  return Math.max(0, ...within.map((row) => row['img/s']));
}

async function compare(folder: string, bodies: Body[]): Promise<Row[]> {
  const servers: RunningServer[] = [];
  try {
    for (const engine of list(options.engines)) servers.push(await startOurs(folder, engine));
    for (const threads of list(options.threads)) servers.push(await startFastApi(Number(threads)));
    const rows: Row[] = [];
    const seconds = Number(options.seconds);
    for (const { url } of servers) await load(`${url}predict`, bodies, 4, seconds);
    for (const clients of list(options.clients).map(Number)) {
      const loads = new Map(servers.map((server) => [server, [] as Load[]]));
      for (let round = 0; round < Number(options.rounds); round++)
        for (const [server, results] of loads)
          results.push(await load(`${server.url}predict`, bodies, clients, seconds));
      for (const [server, results] of loads) rows.push(rowOf(server, clients, results));
      if (!options.json) console.table(rows.slice(-servers.length));
    }
    return rows;
  } finally {
    for (const server of servers) server.process.kill('SIGKILL');
  }
}

function report(rows: Row[]): void {
  const [ours = ''] = rows.map((row) => row.server);
  const equal = rows
    .filter((row) => row.server.startsWith('FastAPI'))
    .map((row) => {
      const rate = bestWithin(rows, ours, row['p99 ms']);
      return {
        ...row,
        [`${ours}, img/s within its p99`]: rate,
        ratio: Number((rate / row['img/s']).toFixed(2)),
      };
    });
  if (options.json) console.log(JSON.stringify({ bench: 'serve', rows, equal }));
  else console.table(equal);
}

const folder = mkdtempSync(join(tmpdir(), 'bat-sup-bench-'));
try {
  await saveArticleRun(folder, ['bat', 'sup']);
  const source = await photographs(pictures);
  const jpegs = Array.from({ length: pictures }, (_, index) =>
    readFileSync(join(source, `${String(index).padStart(4, '0')}.jpg`)),
  );
  if (options.soak === undefined) report(await compare(folder, jpegs.map(formOf)));
  else {
    const server = await startOurs(folder, list(options.engines)[0] as string);
    const figures = await soak(server, jpegs, { minutes: Number(options.soak), rate: Number(options.rate) });
    if (options.json) console.log(JSON.stringify({ bench: 'serve', soak: figures }));
    else console.table(figures);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
