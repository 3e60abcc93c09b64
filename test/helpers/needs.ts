/** `npm run test:all` installs whatever the tests need, so that nothing may be missing then. */
const everything = process.env.TEST_ALL === '1';

/**
 * Why a test is skipped; false where it runs. Under `npm run test:all` it always runs, and fails where something is
 * missing.
 * @param isThere what the test needs besides Node.
 * @param what names it: `test('...', { skip: needs('Chromium', existsSync(chromium)) }, ...)`.
 */
export function needs(what: string, isThere: boolean): string | false {
  return isThere || everything ? false : `needs ${what}; "npm run test:all" installs it`;
}
