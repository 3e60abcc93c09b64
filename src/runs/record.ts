import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import type { Engine } from '../engine/index.ts';
import { cannotWrite, reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';
import { type ProcessIdentity, thisProcess } from '../system/processes.ts';
import { readJson } from '../system/read_json.ts';
import { packageVersion } from '../system/version.ts';
import { list, object, oneOf, optional, string, time, whole } from '../text/json.ts';

/** One sitting of a training: from its start, or a resume, to its end. */
export interface Session {
  /** ISO 8601. */
  started: string;
  /** Absent while it goes on, and where it was killed. */
  ended?: string;
  /** stopped: on demand, before its last epoch. */
  state: 'running' | 'finished' | 'stopped' | 'failed';
  /** Why it failed. */
  failure?: string;
  /** As it was typed; null where no command started it. */
  command: string | null;
  settings: Settings;
  /** Settings that are not those of the session before, where it goes on from one. */
  changed?: Record<string, { was: unknown; is: unknown }>;
  engine: Pick<Engine, 'name' | 'description'> | null;
  /** Processes that train together, by MPI, each with a batch of the settings' size; absent: one. */
  ranks?: number;
  /** Pictures of each class. */
  dataset: { class: string; train: number; validation: number }[];
  /** Epochs and steps done before it and after it. */
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
  /** Who runs it: tells whether it still does. */
  process: ProcessIdentity;
}

/** <run>/run.json: how a run was trained, the last session at the end. */
export interface RunRecord {
  format: 'bat-sup run';
  version: 1;
  sessions: Session[];
}

const fileOf = (run: string) => join(run, 'run.json');

function environment(): Session['environment'] {
  return {
    batSup: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    memory: totalmem(),
  };
}

const mebibyte = 2 ** 20;
const mostRecordBytes = 64 * mebibyte;

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
    return await readJson<RunRecord>(file, { most: mostRecordBytes, shape: recordShape });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `${file} is damaged; delete it, the checkpoints beside it say the rest (${reason(error)}).`,
    );
  }
}

async function writeRecord(run: string, record: RunRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomically(fileOf(run), text).catch((error) => cannotWrite(fileOf(run), error));
}

export interface OpenSession {
  end(result: Required<Pick<Session, 'state' | 'to'>> & Pick<Session, 'failure'>): Promise<void>;
}

/**
 * Records that a training starts.
 * @param resumed adds to the sessions before; without it the record begins anew.
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
