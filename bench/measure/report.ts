/** Prints each list in the results as a table; with --json, all results as one line of JSON instead. */
export function report(bench: string, { json }: { json: boolean }, results: Record<string, unknown>): void {
  if (json) console.log(JSON.stringify({ bench, ...results }));
  else
    for (const rows of Object.values(results))
      if (Array.isArray(rows) && rows.length > 0) console.table(rows);
}
