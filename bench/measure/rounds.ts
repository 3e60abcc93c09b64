/**
 * Measures each contestant once per round, in turn, so that a machine whose speed drifts does so for all of them.
 * Round 0 warms up, and its results are dropped.
 */
export async function alternate<Contestant, Result>(
  contestants: Iterable<Contestant>,
  rounds: number,
  measure: (contestant: Contestant, round: number) => Result | Promise<Result>,
): Promise<Map<Contestant, Result[]>> {
  const results = new Map([...contestants].map((contestant) => [contestant, [] as Result[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [contestant, measured] of results) {
      const result = await measure(contestant, round);
      if (round > 0) measured.push(result);
    }
  }
  return results;
}
