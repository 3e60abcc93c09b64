/**
 * Asks again and again until the answer is no longer false.
 * @throws {Error} after ten minutes, which is enough on however busy a machine.
 */
export async function until<T>(ask: () => T | false | Promise<T | false>): Promise<T> {
  for (const start = performance.now(); performance.now() - start < 600_000; ) {
    const answer = await ask();
    if (answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`This did not come true within ten minutes: ${ask}`);
}
