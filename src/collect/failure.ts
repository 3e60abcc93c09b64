/**
 * When what failed may be tried again: 'now' after a moment (a server that is busy, a connection that broke),
 * 'next run' (a host that does not answer, a refusal that another flag lifts), or 'never' (it is gone, or no picture).
 */
export type Again = 'now' | 'next run' | 'never';

/** A picture could not be fetched, for a reason that concerns it or its host only; the others go on. */
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
  ETIMEDOUT: 'its host does not answer',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its host cannot be reached',
};

/** The same as a failure of one line. */
export function networkFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  const certificate = /CERT|TLS|SSL|SELF_SIGNED|ALTNAME|UNABLE_TO_/.test(code);
  const text = words[code] ?? (message.split('\n')[0] || code);
  return new FetchFailure(text, certificate || code === 'ENOTFOUND' ? 'next run' : 'now');
}
