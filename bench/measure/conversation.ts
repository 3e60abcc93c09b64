import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A process that describes itself in a first line of JSON, then answers each line on stdin with a line of JSON. */
export interface Conversation<Description, Answer> {
  description: Description;
  ask(line: string | number): Promise<Answer>;
  stop(): void;
}

/** The line of a trace that names the error: Python's is the last. */
function errorIn(trace: string): string | undefined {
  const lines = trace.trim().split('\n');
  return lines.findLast((line) => /^\w*Error: /.test(line)) ?? lines.at(-1);
}

/** @throws {Error} where the process ends before it has answered, with its error. */
export async function startConversation<Description, Answer>(
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Conversation<Description, Answer>> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (data) => {
    complaints = `${complaints}${data}`.slice(-10_000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command.join(' ')} ended early: ${errorIn(complaints)}`);
    return JSON.parse(value);
  };
  const description = await next();
  const ask = (line: string | number) => {
    child.stdin.write(`${line}\n`);
    return next();
  };
  return { description, ask, stop: () => child.kill() };
}

/** The other side: describes this process, then answers every line until stdin ends. */
export async function converse(description: unknown, answer: (line: string) => unknown): Promise<void> {
  console.log(JSON.stringify(description));
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await answer(line)));
}
