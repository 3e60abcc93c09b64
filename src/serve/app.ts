import type { Socket } from 'node:net';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { packageVersion } from '../system/version.ts';
import { printable } from '../text/printable.ts';
import type { AppOptions } from './app_options.ts';
import { addBodies, mediaTypes } from './bodies.ts';
import { describeApi } from './openapi.ts';
import { addPage } from './page.ts';
import { addPredict } from './predict_route.ts';
import { Problem } from './problem.ts';
import { isCrossSite, isLoopback, makeHostCheck, makeTokenCheck, securityHeaders } from './security.ts';

/** Milliseconds. */
const headersTimeout = 10_000;
const timeoutCheckInterval = 500;

const methods = ['GET', 'HEAD', 'POST'];

/** Fastify's own errors, reworded to say what to do. */
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
  return new Problem(500, 'Internal error; the server’s stderr has the details.');
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  const { statusCode, headers } = problem;
  reply.code(statusCode).headers(headers).type('application/problem+json').send(JSON.stringify(problem));
}

/** Answers a connection that is not valid HTTP, before there is a request to reply to. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const known: Record<string, [number, string]> = {
    ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
    HPE_HEADER_OVERFLOW: [431, 'The header has more than 16 KiB.'],
  };
  const [status, detail] = known[error.code ?? ''] ?? [400, 'This is not valid HTTP.'];
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

/** GET routes other than the page. */
function addDescriptions(app: FastifyInstance, { current, metrics, token, isDraining }: AppOptions): void {
  app.get('/model', () =>
    current.use(async ({ model: { checkpoint, fit, crop = 1, description, thresholds }, explains }) => {
      const { classes, width, height, channels } = description;
      const own = thresholds && { thresholds };
      return { checkpoint, classes, ...own, width, height, channels, fit, crop, heatMaps: explains };
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

/** 404 for an unknown path, 405 for a known one with another method. */
function addNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const url = request.url.split('?')[0] as string;
    const allowed = methods.filter((method) => app.hasRoute({ method, url }));
    if (allowed.length === 0)
      return sendProblem(reply, new Problem(404, 'There is nothing at this path; see /openapi.json.'));
    const allow = allowed.join(', ');
    sendProblem(reply, new Problem(405, `This path supports ${allow} only.`, { headers: { allow } }));
  });
}

function addTokenCheck(app: FastifyInstance, token: string): void {
  const isAllowed = makeTokenCheck(token);
  const guarded = ['/predict', '/model', '/metrics'];
  app.addHook('onRequest', async ({ routeOptions: { url = '' }, headers }: FastifyRequest) => {
    if (!guarded.includes(url) || isAllowed(headers.authorization)) return;
    const challenge = { 'www-authenticate': 'Bearer realm="bat-sup"' };
    throw new Problem(401, 'Send the token: Authorization: Bearer <token>.', { headers: challenge });
  });
}

/**
 * Without a token, keeps pages of other sites from using the server through a visitor's browser. The Host is checked
 * only on a loopback address, since otherwise the server cannot know by which names it is reached.
 */
function addBrowserChecks(app: FastifyInstance, address: string): void {
  const isKnownHost = isLoopback(address) ? makeHostCheck(address) : () => true;
  app.addHook('onRequest', async ({ method, headers }: FastifyRequest) => {
    if (!isKnownHost(headers.host))
      throw new Problem(
        403,
        `This server answers as localhost, 127.0.0.1 and [::1], not as ${printable(headers.host ?? '')}; use one of these names, or start it with a token (BATSUP_SERVE_TOKEN).`,
      );
    if (method !== 'GET' && method !== 'HEAD' && isCrossSite(headers))
      throw new Problem(403, 'Pages of other sites cannot use this server; use its own page, or a program.');
  });
}

function isClosing({ server }: FastifyInstance): boolean {
  return !server.listening;
}

/** Builds the server; it does not listen yet. */
export async function makeApp(options: AppOptions): Promise<FastifyInstance> {
  const { metrics, timeout, host, token, log } = options;
  const app = fastify({
    logger: log && { level: 'info', stream: process.stderr },
    requestTimeout: timeout,
    // Closes the connection of a client that does not read its answer.
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
    // Fastify closes connections with an unread body; here meter reads the rest.
    if (!isClosing(app)) reply.removeHeader('connection');
    sendProblem(reply, problemOf(error, options));
  });
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(securityHeaders);
    // Not earlier: clients would reconnect while the server stops listening.
    if (isClosing(app)) reply.header('connection', 'close');
  });
  app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
    const labels = { method, route: routeOptions.url ?? 'none', status: reply.statusCode };
    metrics.requests.observe(labels, reply.elapsedTime / 1000);
  });
  if (token === undefined) addBrowserChecks(app, host);
  else addTokenCheck(app, token);
  // A client may close its side of the connection after sending the request, and still read the answer.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  addBodies(app);
  addPredict(app, options);
  addDescriptions(app, options);
  addNotFound(app);
  await addPage(app);
  return app;
}
