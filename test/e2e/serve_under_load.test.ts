/** bat-sup serve while it has work: newer checkpoints, too much to do, and its end. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Engine, startEngine } from '../../src/engine/index.ts';
import { emoji } from '../helpers/emoji.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { damage, saveNetwork, startServer, type TestServer, until } from '../helpers/server.ts';

let engine: Engine;
let bat: Buffer;
/** Takes a while to decode. */
let large: Buffer;

before(async () => {
  engine = await startEngine('cpu', { threads: 1 });
  bat = await emoji('bat', 128).jpeg().toBuffer();
  large = await emoji('bat', 3000).toBuffer();
});
after(() => engine.dispose());

interface Said {
  status: number;
  headers: Record<string, unknown>;
  body: { checkpoint?: string; detail?: string };
}

/** What came of one request: an answer, or the code of what went wrong. */
type Outcome = Said | string;

/** Asks about a picture over the agent's connections. */
function ask(server: TestServer, picture: Buffer, agent: Agent): Promise<Outcome> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'image/png', 'content-length': picture.length };
    const sent = request(`${server.url}predict`, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.on('data', (data) => {
        text += data;
      });
      response.on('error', (error) => resolve(`answer: ${error.message}`));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) }),
      );
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(picture);
  });
}

/** Clients that ask and ask until told to stop; each outcome in its order. */
function clients(server: TestServer, count: number) {
  const agent = new Agent({ keepAlive: true });
  const outcomes: Outcome[] = [];
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      const outcome = await ask(server, bat, agent);
      outcomes.push(outcome);
      // No connection was made, so that nothing was lost.
      if (outcome === 'ECONNREFUSED') return;
    }
  };
  const all = Promise.all(Array.from({ length: count }, client));
  return {
    outcomes,
    async stop() {
      stopped = true;
      await all;
      agent.destroy();
      return outcomes;
    },
  };
}

const isAnswer = (outcome: Outcome): outcome is Said => typeof outcome !== 'string' && outcome.status === 200;
const answersOf = (outcomes: Outcome[]) => outcomes.filter(isAnswer);

async function stop(server: TestServer, signal: NodeJS.Signals = 'SIGTERM') {
  server.process.kill(signal);
  return server.ended;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} under load loses no request`, async () => {
    const folder = temporaryFolder();
    await saveNetwork(folder, 1, 0.5);
    const server = await startServer(folder);
    const load = clients(server, 12);
    await until(() => answersOf(load.outcomes).length > 100);
    const { code, stderr } = await stop(server, signal);
    const others = (await load.stop()).filter((outcome) => !isAnswer(outcome));
    assert.deepEqual([...new Set(others)], ['ECONNREFUSED']);
    assert.equal(code, 0, stderr);
  });

test('while it drains it says that it is not ready, and answers who is connected', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.ok(isAnswer(await ask(server, bat, agent)));
  server.process.kill('SIGTERM');
  await until(() => server.said().includes('then stopping'));
  const ready = await new Promise<number>((resolve) =>
    request(`${server.url}readyz`, { agent }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      assert.equal(response.headers.connection, 'close');
    }).end(),
  );
  assert.equal(ready, 503);
  assert.equal((await server.ended).code, 0);
});

test('a newer checkpoint answers once it is there, without a request lost', async () => {
  const folder = temporaryFolder();
  const first = await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  const load = clients(server, 6);
  const answeredBy = (checkpoint: string) =>
    until(() => answersOf(load.outcomes).at(-1)?.body.checkpoint === checkpoint);
  await answeredBy(first);
  const better = await saveNetwork(folder, 2, 0.6);
  await answeredBy(better);
  // Not the best: predict would not take it either.
  await saveNetwork(folder, 3, 0.4);
  const outcomes = await load.stop();
  assert.equal(answersOf(outcomes).length, outcomes.length);
  const order = answersOf(outcomes).map(({ body }) => body.checkpoint);
  assert.equal(order.indexOf(better), order.lastIndexOf(first) + 1, 'one after the other');
  await stop(server);
});

test('a damaged newer checkpoint is told of, and the old one goes on', async () => {
  const folder = temporaryFolder();
  const first = await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder);
  const elsewhere = temporaryFolder();
  const damaged = await saveNetwork(elsewhere, 2, 0.9);
  damage(join(elsewhere, damaged, 'weights.bin'));
  renameSync(join(elsewhere, damaged), join(folder, damaged));
  await until(() => server.said().includes('is damaged'));
  assert.match(server.said(), new RegExp(`${damaged}/weights.bin is damaged .* Used instead: ${first}`));
  const agent = new Agent();
  const outcome = (await ask(server, bat, agent)) as Said;
  assert.deepEqual([outcome.status, outcome.body.checkpoint], [200, first]);
  const whole = await saveNetwork(folder, 3, 0.95);
  await until(() => server.said().includes(`now answering: ${whole}`));
  await stop(server);
});

test('with too much to do it says so and when to come again; what it took it answers', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder, ['--max-queue', '3']);
  const agent = new Agent();
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => ask(server, large, agent)));
  const refused = outcomes.filter((outcome) => !isAnswer(outcome)) as Said[];
  assert.ok(answersOf(outcomes).length >= 3);
  assert.ok(refused.length > 0);
  for (const { status, headers, body } of refused) {
    assert.deepEqual([status, headers['retry-after']], [429, '1']);
    assert.match(body.detail ?? '', /too much to do/);
  }
  assert.ok(isAnswer(await ask(server, bat, agent)));
  await stop(server);
});

test('what is not answered in time is told so, and leaves its place', async () => {
  const folder = temporaryFolder();
  await saveNetwork(folder, 1, 0.5);
  const server = await startServer(folder, ['--timeout', '1']);
  const huge = await emoji('bat', 6900).toBuffer();
  const agent = new Agent();
  const outcomes = (await Promise.all(Array.from({ length: 40 }, () => ask(server, huge, agent)))) as Said[];
  const late = outcomes.filter(({ status }) => status === 503);
  assert.ok(late.length > 0, JSON.stringify(outcomes.map((one) => one.status ?? one)));
  assert.match(late[0]?.body.detail ?? '', /no answer within 1 s/);
  await until(async () => isAnswer(await ask(server, bat, agent)));
  await stop(server);
});
