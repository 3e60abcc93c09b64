import { createRequire } from 'node:module';
import { FetchFailure } from './failure.ts';

export interface Rules {
  isAllowed(url: string): boolean;
  /** Milliseconds. */
  crawlDelay: number;
}

/** Our name in a robots.txt. */
const robot = 'bat-sup';
/** The part of a file that RFC 9309 requires to be read. */
const maxBytes = 500 * 1024;

/** Fetches the first `maxBytes` of a text. @throws {FetchFailure} where it cannot be fetched. */
export type FetchText = (url: string, maxBytes: number) => Promise<string>;

/** The robots.txt of each origin, read once (RFC 9309). */
export class RobotRules {
  readonly #fetchText: FetchText;
  readonly #rules = new Map<string, Promise<Rules | undefined>>();

  constructor(fetchText: FetchText) {
    this.#fetchText = fetchText;
  }

  /**
   * The rules for the origin of a URL; undefined where it has none.
   * @throws {FetchFailure} where the file is temporarily unavailable, which RFC 9309 treats as forbidding everything.
   */
  of({ origin }: URL): Promise<Rules | undefined> {
    const known = this.#rules.get(origin);
    if (known) return known;
    const rules = this.#read(origin);
    this.#rules.set(origin, rules);
    return rules;
  }

  async #read(origin: string): Promise<Rules | undefined> {
    const file = `${origin}/robots.txt`;
    try {
      return parseRobots(file, await this.#fetchText(file, maxBytes));
    } catch (error) {
      if (!(error instanceof FetchFailure)) throw error;
      if (error.again === 'never') return undefined;
      throw new FetchFailure(`${file} cannot be read: ${error.message}`, 'next run');
    }
  }
}

type Parser = typeof import('robots-parser').default;
// Its types declare a default export, which the module does not have.
const parse: Parser = createRequire(import.meta.url)('robots-parser');

/** Parses a robots.txt. @param file its URL; the rules are for this origin. */
export function parseRobots(file: string, text: string): Rules {
  const rules = parse(file, text);
  return {
    isAllowed: (url) => rules.isAllowed(url, robot) !== false,
    crawlDelay: (rules.getCrawlDelay(robot) ?? 0) * 1000 || 0,
  };
}
