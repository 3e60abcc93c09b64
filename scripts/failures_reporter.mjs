/**
 * A reporter for node --test that says nothing until the end, and then names each test that failed, its file and
 * its error: in the thousands of lines that TAP prints, a failure is hard to find.
 */
export default async function* failures(events) {
  const failed = [];
  // A parent that fails because of its subtests is named by them.
  for await (const { type, data } of events)
    if (type === 'test:fail' && data.details.error?.failureType !== 'subtestsFailed') failed.push(data);
  if (failed.length === 0) return;
  yield `\nFailed (${failed.length}):\n`;
  for (const { name, file, line, details } of failed)
    yield `${file}:${line} ${name}\n  ${(details.error?.cause?.stack ?? details.error?.message ?? 'no message').slice(0, 1500)}\n`;
}
