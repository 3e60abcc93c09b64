/**
 * When to try again: 'now', after a moment (a busy server, a broken connection); in the 'next run' (a host that does not
 * respond, a refusal that a flag can lift); or 'never' (it is gone, or not a picture).
 */
export type Again = 'now' | 'next run' | 'never';

/** A picture could not be fetched for a reason that concerns only it or its host; the run continues. */
export class FetchFailure extends Error {
  readonly again: Again;

  constructor(message: string, again: Again) {
    super(message);
    this.again = again;
  }
}

const words: Record<string, string> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its host’s name could not be looked up',
  ECONNREFUSED: 'its host refused the connection',
  ECONNRESET: 'the connection broke off',
  EPIPE: 'the connection broke off',
  ETIMEDOUT: 'its host does not respond',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its host cannot be reached',
};

/** An error of the network as a failure with a message of one line. */
export function networkFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  const certificate = /CERT|TLS|SSL|SELF_SIGNED|ALTNAME|UNABLE_TO_/.test(code);
  const text = words[code] ?? (message.split('\n')[0] || code);
  return new FetchFailure(text, certificate || code === 'ENOTFOUND' ? 'next run' : 'now');
}
