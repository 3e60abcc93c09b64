/**
 * Throughput and latency of a server of the article's network: bat-sup serve, and FastAPI with PyTorch.
 *
 * npm run bench -- serve [--clients 1,2,4,8,16,32] [--engines native] [--threads 1,2] [--seconds 4] [--rounds 3]
 *   [--pytorch-python python] [--json]
 * npm run bench -- serve --soak 30 [--rate 20] [--engines native] [--json]
 *
 * Clients send JPEGs of 1024 x 768 in forms. Servers and clients share the cores; rounds alternate. --threads are
 * PyTorch's. --soak instead records the memory of bat-sup serve over this many minutes of good, bad and hostile
 * requests, --rate of them per second.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../test/helpers/folder.ts';
import { saveArticleRun } from './inputs/article_run.ts';
import { photographs } from './inputs/photographs.ts';
import { readOptions } from './measure/options.ts';
import { report } from './measure/report.ts';
import { alternate } from './measure/rounds.ts';
import { round } from './measure/statistics.ts';
import { type Body, formOf, type Load, load } from './serving/load.ts';
import { type RunningServer, startFastApi, startOurs } from './serving/servers.ts';
import { soak } from './serving/soak.ts';

const options = readOptions({
  clients: [1, 2, 4, 8, 16, 32],
  engines: ['native'],
  threads: [1, 2],
  seconds: 4,
  rounds: 3,
  soak: 0,
  rate: 20,
  'pytorch-python': '',
});
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
    'p50 ms': round(percentile(times, 0.5), 1),
    'p99 ms': round(percentile(times, 0.99), 1),
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
    for (const engine of options.engines) servers.push(await startOurs(folder, engine));
    for (const threads of options.threads)
      servers.push(await startFastApi(threads, options['pytorch-python']));
    const rows: Row[] = [];
    for (const clients of options.clients) {
      const loads = await alternate(servers, options.rounds, ({ url }) =>
        load(`${url}predict`, bodies, clients, options.seconds),
      );
      rows.push(...[...loads].map(([server, results]) => rowOf(server, clients, results)));
    }
    return rows;
  } finally {
    for (const server of servers) server.process.kill('SIGKILL');
  }
}

/** For each measurement of FastAPI, the highest rate of ours whose p99 is no longer. */
function atEqualLatency(rows: Row[]) {
  const ours = rows[0]?.server ?? '';
  return rows
    .filter((row) => row.server.startsWith('FastAPI'))
    .map((row) => {
      const rate = bestWithin(rows, ours, row['p99 ms']);
      return { ...row, [`${ours}, img/s within its p99`]: rate, ratio: round(rate / row['img/s'], 2) };
    });
}

const folder = temporaryFolder();
await saveArticleRun(folder, ['bat', 'sup']);
const source = await photographs(pictures);
const jpegs = Array.from({ length: pictures }, (_, index) =>
  readFileSync(join(source, `${String(index).padStart(4, '0')}.jpg`)),
);
if (options.soak === 0) {
  const rows = await compare(folder, jpegs.map(formOf));
  report('serve', options, { rows, equal: atEqualLatency(rows) });
} else {
  const server = await startOurs(folder, options.engines[0] as string);
  report('serve', options, {
    soak: await soak(server, jpegs, { minutes: options.soak, rate: options.rate }),
  });
}
