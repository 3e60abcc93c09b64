/** `npm run test:all` installs everything that tests need, so nothing may be missing then. */
const everything = process.env.TEST_ALL === '1';

/**
 * Why a test is skipped, or false if it runs. Under `npm run test:all` it always runs, and fails if something is missing.
 * @param isThere what the test needs besides Node.
 * @param what names it: `test('...', { skip: needs('Chromium', existsSync(chromium)) }, ...)`.
 */
export function needs(what: string, isThere: boolean): string | false {
  return isThere || everything ? false : `needs ${what}; "npm run test:all" installs it`;
}
