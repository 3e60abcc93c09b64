import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { packageVersion } from '../version.ts';
import { addBodies, mediaTypes, mostPictures, type SentPicture } from './bodies.ts';
import type { Current } from './current.ts';
import { meter } from './meter.ts';
import type { Metrics } from './metrics.ts';
import { describeApi } from './openapi.ts';
import { addPage } from './page.ts';
import { Places } from './places.ts';
import { busy, Problem } from './problem.ts';
import { makeTokenCheck, securityHeaders } from './security.ts';
import { type Answer, UnreadablePicture } from './serving.ts';

export interface AppOptions {
  current: Current;
  metrics: Metrics;
  /** Of pictures that have arrived and are not answered yet. */
  waiting: Places;
  /** Of a request's body. */
  maxBytes: number;
  /** Milliseconds for a request to arrive, and again for its answer. */
  timeout: number;
  /** That /predict, /model and /metrics ask for. */
  token?: string | undefined;
  /** Whether it shuts down. */
  isDraining(): boolean;
  /** Told of what should not have happened. */
  onError(error: unknown): void;
  /** Whether every request is a line of JSON on stderr. */
  log: boolean;
}

/** Bodies in memory: so many of the largest. */
const largestBodies = 16;
/** Milliseconds. */
const headersTimeout = 10_000;
const timeoutCheckInterval = 500;

const methods = ['GET', 'HEAD', 'POST'];

/** Fastify's own errors, in words that tell what to do. */
const details: Record<string, (options: AppOptions) => string> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ({ maxBytes }) =>
    `The body has more than ${maxBytes} bytes; send fewer or smaller pictures.`,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => `Send ${mediaTypes}.`,
};

function problemOf(error: FastifyError | Problem, options: AppOptions): Problem {
  if (error instanceof Problem) return error;
  const { statusCode = 500, code, message } = error;
  if (statusCode < 500) return new Problem(statusCode, details[code]?.(options) ?? message);
  options.onError(error);
  return new Problem(500, 'Something went wrong here; the server’s own messages tell more.');
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  const { statusCode, headers } = problem;
  reply.code(statusCode).headers(headers).type('application/problem+json').send(JSON.stringify(problem));
}

/** Answers what HTTP's own rules forbid, where there is no request yet to reply to. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const known: Record<string, [number, string]> = {
    ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
    HPE_HEADER_OVERFLOW: [431, 'The header has more than 16 KiB.'],
  };
  const [status, detail] = known[error.code ?? ''] ?? [400, 'This is not HTTP as it should be.'];
  const problem = new Problem(status, detail);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${status} ${problem.toJSON().title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Aborts with a Problem after `timeout` milliseconds, and when the client goes. */
function deadlineOf(reply: FastifyReply, timeout: number): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(mostPictures, controller.signal);
  const timer = setTimeout(
    () => controller.abort(busy(503, `There was no answer within ${timeout / 1000} s.`)),
    timeout,
  );
  reply.raw.once('close', () => {
    clearTimeout(timer);
    controller.abort(new Problem(499, 'The client has gone.'));
  });
  return controller.signal;
}

function addPredict(app: FastifyInstance, options: AppOptions): void {
  const { current, metrics, waiting, timeout } = options;
  const bodies = new Places(largestBodies * options.maxBytes);
  const tooMuch = () => busy(429, 'There is too much to do just now; try again soon.');

  const rowOf = (
    picture: SentPicture,
    { probabilities, heatMap }: Answer,
    classes: string[],
    drawn: boolean,
  ) => {
    const list = [...probabilities].map((value, index) => ({
      class: classes[index] as string,
      probability: Number(value.toPrecision(7)),
    }));
    return {
      ...(picture.name !== undefined && { name: picture.name }),
      classes: list.sort((a, b) => b.probability - a.probability),
      ...(drawn && { heatMap: heatMap?.toString('base64') ?? null }),
    };
  };

  const answerAll = (pictures: SentPicture[], heatMap: boolean, signal: AbortSignal) =>
    current.use(async ({ model, answer }) => {
      const answers = pictures.map(async (picture) => {
        try {
          return rowOf(
            picture,
            await answer(picture.bytes, { heatMap, signal }),
            model.description.classes,
            heatMap,
          );
        } catch (error) {
          if (!(error instanceof UnreadablePicture)) throw error;
          return { ...(picture.name !== undefined && { name: picture.name }), error: error.message };
        }
      });
      // Nobody leaves before all are done, since the network has to stay for them.
      const settled = await Promise.allSettled(answers);
      const failed = settled.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      return { checkpoint: model.checkpoint, answers: await Promise.all(answers) };
    });

  app.post<{ Body: SentPicture[]; Querystring: { heatmap: boolean } }>(
    '/predict',
    {
      bodyLimit: options.maxBytes,
      schema: {
        querystring: {
          type: 'object',
          properties: { heatmap: { type: 'boolean', default: false } },
          additionalProperties: false,
        },
      },
      onRequest: (_request, _reply, next) => next(waiting.taken < waiting.most ? undefined : tooMuch()),
      preParsing: meter(bodies, tooMuch),
    },
    async ({ body: pictures = [], query }, reply) => {
      if (pictures.length === 0)
        throw new Problem(400, `There is no picture in the request; send ${mediaTypes}.`);
      if (!waiting.take(pictures.length)) throw tooMuch();
      const signal = deadlineOf(reply, timeout);
      try {
        const result = await answerAll(pictures, query.heatmap, signal);
        const errors = result.answers.filter((one) => 'error' in one);
        metrics.pictures.inc({ result: 'answered' }, pictures.length - errors.length);
        metrics.pictures.inc({ result: 'unreadable' }, errors.length);
        if (errors.length < pictures.length) return result;
        const [first] = errors;
        const detail = pictures.length > 1 ? `None can be read; the first: ${first?.error}` : first?.error;
        throw new Problem(422, detail as string, { more: pictures.length > 1 ? { errors } : {} });
      } catch (error) {
        if (signal.aborted) metrics.pictures.inc({ result: 'abandoned' }, pictures.length);
        throw error;
      } finally {
        waiting.give(pictures.length);
      }
    },
  );
}

function addDescriptions(app: FastifyInstance, { current, metrics, token, isDraining }: AppOptions): void {
  app.get('/model', () =>
    current.use(async ({ model: { checkpoint, fit, description }, explains }) => {
      const { classes, width, height, channels } = description;
      return { checkpoint, classes, width, height, channels, fit, heatMaps: explains };
    }),
  );
  app.get('/healthz', async () => 'ok\n');
  app.get('/readyz', async (_, reply) => (isDraining() ? reply.code(503).send('shutting down\n') : 'ok\n'));
  app.get('/metrics', async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
  const description = describeApi(packageVersion(), token !== undefined);
  app.get('/openapi.json', async () => description);
}

/** Tells what is not there from what cannot be asked in this way. */
function addNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const url = request.url.split('?')[0] as string;
    const allowed = methods.filter((method) => app.hasRoute({ method, url }));
    if (allowed.length === 0)
      return sendProblem(reply, new Problem(404, 'There is nothing here; see /openapi.json.'));
    const allow = allowed.join(', ');
    sendProblem(reply, new Problem(405, `Only ${allow} can be asked here.`, { headers: { allow } }));
  });
}

function addTokenCheck(app: FastifyInstance, token: string): void {
  const isRight = makeTokenCheck(token);
  const guarded = ['/predict', '/model', '/metrics'];
  app.addHook('onRequest', async ({ routeOptions: { url = '' }, headers }: FastifyRequest) => {
    if (!guarded.includes(url) || isRight(headers.authorization)) return;
    const challenge = { 'www-authenticate': 'Bearer realm="bat-sup"' };
    throw new Problem(401, 'Send the token: Authorization: Bearer <token>.', { headers: challenge });
  });
}

function isClosing({ server }: FastifyInstance): boolean {
  return !server.listening;
}

/** The whole server, not listening yet. */
export async function makeApp(options: AppOptions): Promise<FastifyInstance> {
  const { metrics, timeout, token, log } = options;
  const app = fastify({
    logger: log && { level: 'info', stream: process.stderr },
    requestTimeout: timeout,
    // A client that does not read its answer.
    connectionTimeout: 2 * timeout,
    http: {
      headersTimeout: Math.min(headersTimeout, timeout),
      connectionsCheckingInterval: timeoutCheckInterval,
    },
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _, reply) => sendProblem(reply, new Problem(400, error.message)),
  });
  app.setErrorHandler((error: FastifyError, _, reply) => {
    // Fastify would close the connection of a body that it has not read; meter reads it.
    if (!isClosing(app)) reply.removeHeader('connection');
    sendProblem(reply, problemOf(error, options));
  });
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(securityHeaders);
    // Told before, clients would connect again just as no more are let in.
    if (isClosing(app)) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode };
    metrics.requests.observe(labels, reply.elapsedTime / 1000);
  });
  if (token !== undefined) addTokenCheck(app, token);
  addBodies(app);
  addPredict(app, options);
  addDescriptions(app, options);
  addNotFound(app);
  await addPage(app);
  return app;
}
