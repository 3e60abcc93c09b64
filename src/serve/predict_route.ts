import { setMaxListeners } from 'node:events';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { UnreadablePicture } from '../images/decode.ts';
import { readAnswer, readAnswers } from '../predict/answer.ts';
import type { Predictor } from '../predict/predictor.ts';
import { limit } from '../unknown/rejection.ts';
import type { AppOptions } from './app_options.ts';
import { mediaTypes } from './bodies.ts';
import type { Current } from './current.ts';
import { meter } from './meter.ts';
import { maxPictures, type SentPicture } from './multipart.ts';

import { busy, Problem } from './problem.ts';
import { Quota } from './quota.ts';
import type { Answer } from './serving.ts';

/** Memory for bodies, in bodies of the largest size. */
const maxBodies = 16;

const named = ({ name }: SentPicture) => (name === undefined ? {} : { name });

/** @param drawn whether a heat map was requested. */
function toJson(
  { probabilities, distance: far, heatMap }: Answer,
  { description, thresholds }: Predictor,
  drawn: boolean,
) {
  const {
    ranked,
    classes: answered,
    distance,
  } = thresholds
    ? readAnswers(probabilities, description.classes, thresholds)
    : readAnswer(probabilities, description.classes, undefined, far);
  return {
    ...(answered && { answered }),
    ...(distance !== undefined && { unknown: distance > limit, distance }),
    classes: ranked.map(({ class: name, value }) => ({ class: name, probability: value })),
    ...(drawn && { heatMap: heatMap?.toString('base64') ?? null }),
  };
}

/** A signal that aborts with a Problem after `timeout` milliseconds, or when the client disconnects. */
function deadlineOf(reply: FastifyReply, timeout: number): AbortSignal {
  const controller = new AbortController();
  setMaxListeners(maxPictures, controller.signal);
  const timer = setTimeout(
    () => controller.abort(busy(503, `There was no answer within ${timeout / 1000} s.`)),
    timeout,
  );
  reply.raw.once('close', () => {
    clearTimeout(timer);
    controller.abort(new Problem(499, 'The client has disconnected.'));
  });
  return controller.signal;
}

/** Answers the pictures of a request, in order; an unreadable one gets an error instead. */
function answerAll(
  current: Current,
  pictures: SentPicture[],
  { heatMap, signal }: { heatMap: boolean; signal: AbortSignal },
) {
  return current.use(async ({ model, answer }) => {
    const answers = pictures.map(async (picture) => {
      try {
        const found = await answer(picture.bytes, { heatMap, signal });
        return { ...named(picture), ...toJson(found, model, heatMap) };
      } catch (error) {
        if (!(error instanceof UnreadablePicture)) throw error;
        return { ...named(picture), error: error.message };
      }
    });
    // Waits for all of them, because the network must stay loaded until the last is done.
    await Promise.allSettled(answers);
    return { checkpoint: model.checkpoint, answers: await Promise.all(answers) };
  });
}

/** POST /predict: pictures in, classes out. */
export function addPredict(app: FastifyInstance, options: AppOptions): void {
  const { current, metrics, waiting, timeout } = options;
  const bodies = new Quota(maxBodies * options.maxBytes);
  const tooMuch = () => busy(429, 'The server is busy; try again soon.');

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
      onRequest: (_request, _reply, next) => next(waiting.used < waiting.max ? undefined : tooMuch()),
      preParsing: meter(bodies, tooMuch),
    },
    async ({ body: pictures = [], query }, reply) => {
      if (pictures.length === 0)
        throw new Problem(400, `There is no picture in the request; send ${mediaTypes}.`);
      if (!waiting.tryTake(pictures.length)) throw tooMuch();
      const signal = deadlineOf(reply, timeout);
      try {
        const result = await answerAll(current, pictures, { heatMap: query.heatmap, signal });
        const errors = result.answers.filter((one) => 'error' in one);
        metrics.pictures.inc({ result: 'answered' }, pictures.length - errors.length);
        metrics.pictures.inc({ result: 'unreadable' }, errors.length);
        if (errors.length < pictures.length) return result;
        const [first] = errors;
        const detail =
          pictures.length > 1 ? `None of the pictures can be read. The first: ${first?.error}` : first?.error;
        throw new Problem(422, detail as string, { more: pictures.length > 1 ? { errors } : {} });
      } catch (error) {
        if (signal.aborted) metrics.pictures.inc({ result: 'abandoned' }, pictures.length);
        throw error;
      } finally {
        waiting.release(pictures.length);
      }
    },
  );
}
