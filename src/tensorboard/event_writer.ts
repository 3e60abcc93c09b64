import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cannotWrite } from '../errors.ts';
import { makeFolder } from '../system/files.ts';
import * as proto from './protobuf.ts';
import { encodeRecord } from './record.ts';

/** Writes a TensorBoard event file. */
export interface EventWriter {
  file: string;
  /** Adds a serialised Summary, made by summaries/. It is written within a second. */
  summary(step: number, summary: Uint8Array): void;
  /** Adds the graph of a network, a serialised GraphDef. */
  graph(graph: Uint8Array): void;
  /** Writes everything added so far. @throws {UserError} where the file could not be written. */
  flush(): Promise<void>;
  /** Writes the rest and closes the file. @throws {UserError} where the file could not be written. */
  close(): Promise<void>;
}

/** Milliseconds. */
const flushInterval = 1000;
/** SessionLog.SessionStatus.START of event.proto. */
const sessionStart = 1;
let filesOpened = 0;

/** event.proto: wall_time = 1, step = 2, file_version = 3, graph_def = 4, summary = 5, session_log = 7. */
function encodeEvent(step: number, content: Uint8Array): Buffer {
  const fields = [proto.double(1, Date.now() / 1000), proto.varint(2, step), content];
  return encodeRecord(Buffer.concat(fields));
}

/**
 * Opens a new event file in `folder`. Events are collected in memory and appended once a second, as whole records, so
 * that nothing waits for the disk and the file can be read at any moment.
 * @param firstStep where training is resumed: TensorBoard then hides what older files in the folder have from this step
 * on. It takes every session start in a folder but the first as a restart, so every file begins with one.
 * @throws {UserError} where the file cannot be created.
 */
export async function openEventWriter(folder: string, firstStep = 0): Promise<EventWriter> {
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
  const file = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${filesOpened++}`);
  const handle = await makeFolder(folder)
    .then(() => open(file, 'ax'))
    .catch((error) => cannotWrite(file, error));
  let waiting: Buffer[] = [
    encodeEvent(0, proto.bytes(3, 'brain.Event:2')),
    encodeEvent(firstStep, proto.message(7, proto.varint(1, sessionStart))),
  ];
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;

  async function write(): Promise<void> {
    const data = Buffer.concat(waiting);
    waiting = [];
    if (data.length === 0 || failure) return;
    try {
      await handle.appendFile(data);
    } catch (error) {
      failure = error;
    }
  }

  async function flush(): Promise<void> {
    writing = writing.then(write);
    await writing;
    if (failure) cannotWrite(file, failure);
  }

  const timer = setInterval(() => flush().catch(() => {}), flushInterval);
  timer.unref();
  return {
    file,
    summary: (step, summary) => void waiting.push(encodeEvent(step, proto.bytes(5, summary))),
    graph: (graph) => void waiting.push(encodeEvent(0, proto.bytes(4, graph))),
    flush,
    async close() {
      clearInterval(timer);
      try {
        await flush();
      } finally {
        await handle.close();
      }
    },
  };
}
