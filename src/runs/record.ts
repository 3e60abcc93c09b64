import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import type { Engine } from '../engine/index.ts';
import { cannotWrite, reason, UserError } from '../errors.ts';
import { usableCores } from '../system/cores.ts';
import { writeFileAtomically } from '../system/files.ts';
import { type ProcessIdentity, thisProcess } from '../system/processes.ts';
import { readJson } from '../system/read_json.ts';
import { packageVersion } from '../system/version.ts';
import { list, object, oneOf, optional, string, time, whole } from '../text/json.ts';

/** One session of a training: from its start, or a resume, to its end. */
export interface Session {
  /** ISO 8601. */
  started: string;
  /** Absent while it runs, and where it was killed. */
  ended?: string;
  /** stopped: by the user, before its last epoch. */
  state: 'running' | 'finished' | 'stopped' | 'failed';
  /** Why it failed. */
  failure?: string;
  /** The command line as it was typed; null where a program called `train`. */
  command: string | null;
  settings: Settings;
  /** Settings that differ from those of the previous session, if it was resumed. */
  changed?: Record<string, { was: unknown; is: unknown }>;
  engine: Pick<Engine, 'name' | 'description'> | null;
  /** Number of MPI ranks, each with a batch of the size in the settings; absent: one. */
  ranks?: number;
  /** How many pictures of each class were trained on and held back. */
  dataset: { class: string; train: number; validation: number }[];
  /** Epochs and steps done before and after it. */
  from: { epoch: number; step: number };
  to?: { epoch: number; step: number };
  environment: {
    batSup: string;
    node: string;
    platform: string;
    cpu: string;
    threads: number;
    /** Bytes. */
    memory: number;
  };
  /** The process that runs it, to see whether it still does. */
  process: ProcessIdentity;
}

/** <run>/run.json: how a run was trained. */
export interface RunRecord {
  format: 'bat-sup run';
  version: 1;
  /** In order; never empty. */
  sessions: Session[];
}

const fileOf = (run: string) => join(run, 'run.json');

function environment(): Session['environment'] {
  return {
    batSup: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    threads: usableCores(),
    memory: totalmem(),
  };
}

const mebibyte = 2 ** 20;
const maxRecordBytes = 64 * mebibyte;

const progress = object({ epoch: whole(), step: whole() });
const recordShape = object({
  format: oneOf('bat-sup run'),
  version: oneOf(1),
  sessions: list(
    object({
      started: time,
      ended: optional(time),
      state: oneOf('running', 'finished', 'stopped', 'failed'),
      failure: optional(string),
      command: optional(string),
      settings: object({ data: string, epochs: whole(1) }),
      engine: optional(object({ name: string, description: string })),
      ranks: optional(whole(2)),
      dataset: list(object({ class: string, train: whole(), validation: whole() })),
      from: progress,
      to: optional(progress),
      environment: object({
        batSup: string,
        node: string,
        platform: string,
        cpu: string,
        threads: whole(),
        memory: whole(),
      }),
      process: object({ id: whole(), host: string, started: optional(string) }),
    }),
    1,
  ),
});

/** The record of a run; undefined where it has none. @throws {UserError} where it is damaged. */
export async function readRecord(run: string): Promise<RunRecord | undefined> {
  const file = fileOf(run);
  try {
    return await readJson<RunRecord>(file, { maxBytes: maxRecordBytes, shape: recordShape });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `${file} is damaged; delete it, the checkpoints beside it can be used without it (${reason(error)}).`,
    );
  }
}

async function writeRecord(run: string, record: RunRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomically(fileOf(run), text).catch((error) => cannotWrite(fileOf(run), error));
}

/** A session that runs. */
export interface OpenSession {
  /** Writes to run.json how it ended. @throws {UserError} where it cannot be written. */
  end(result: Required<Pick<Session, 'state' | 'to'>> & Pick<Session, 'failure'>): Promise<void>;
}

/**
 * Writes to run.json that a session has started.
 * @param resumed whether to keep the previous sessions.
 * @throws {UserError} where it cannot be written.
 */
export async function beginSession(
  run: string,
  start: Pick<Session, 'command' | 'settings' | 'changed' | 'engine' | 'dataset' | 'from'>,
  resumed: boolean,
): Promise<OpenSession> {
  const before = resumed ? await readRecord(run).catch(() => undefined) : undefined;
  const session: Session = {
    started: new Date().toISOString(),
    state: 'running',
    ...start,
    environment: environment(),
    process: thisProcess(),
  };
  const record: RunRecord = {
    format: 'bat-sup run',
    version: 1,
    sessions: [...(before?.sessions ?? []), session],
  };
  await writeRecord(run, record);
  return {
    async end({ to: { epoch, step }, ...result }) {
      Object.assign(session, result, { to: { epoch, step }, ended: new Date().toISOString() });
      await writeRecord(run, record);
    },
  };
}
