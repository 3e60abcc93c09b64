import { Transform } from 'node:stream';
import type { preParsingHookHandler } from 'fastify';
import type { Quota } from './quota.ts';

/** Counts the bytes it passes on, under the name that Fastify expects. */
class Meter extends Transform {
  receivedEncodedLength = 0;
}

/**
 * Limits the bytes of request bodies in memory: each counts from its arrival to the end of its answer.
 * @param refuse makes the error for a request that exceeds the quota.
 */
export function meter(bytes: Quota, refuse: () => Error): preParsingHookHandler {
  return (request, reply, payload, next) => {
    const metered = new Meter({
      transform(chunk: Buffer, _encoding, passOn) {
        if (!bytes.tryTake(chunk.length)) return passOn(refuse());
        metered.receivedEncodedLength += chunk.length;
        passOn(null, chunk);
      },
    });
    // Drains the rest of a refused body: closing the connection at once would cut off the answer.
    reply.raw.once('finish', () => request.raw.unpipe(metered).resume());
    reply.raw.once('close', () => {
      bytes.release(metered.receivedEncodedLength);
      metered.destroy();
    });
    next(null, payload.pipe(metered));
  };
}
