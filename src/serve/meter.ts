import { Transform } from 'node:stream';
import type { preParsingHookHandler } from 'fastify';
import type { Places } from './places.ts';

/** Counts what it passes on, as Fastify wants to be told. */
class Meter extends Transform {
  receivedEncodedLength = 0;
}

/**
 * Lets so many bytes of bodies be in memory at once: each counts from its arrival to the end of its answer.
 * @param refuse what the request is refused with that would be too much.
 */
export function meter(bytes: Places, refuse: () => Error): preParsingHookHandler {
  return (request, reply, payload, next) => {
    const metered = new Meter({
      transform(chunk: Buffer, _encoding, passOn) {
        if (!bytes.take(chunk.length)) return passOn(refuse());
        metered.receivedEncodedLength += chunk.length;
        passOn(null, chunk);
      },
    });
    // What is still on its way of a refused body is read to nowhere: closing at once would cut off the answer.
    reply.raw.once('finish', () => request.raw.unpipe(metered).resume());
    reply.raw.once('close', () => {
      bytes.give(metered.receivedEncodedLength);
      metered.destroy();
    });
    next(null, payload.pipe(metered));
  };
}
