import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reason, UserError } from '../errors.ts';
import { makeFolder, writeDurably } from '../system/files.ts';
import { isRunning, type ProcessIdentity, thisProcess } from '../system/processes.ts';
import { readJson } from '../system/read_json.ts';
import { matching, object, optional, string, time, whole } from '../text/json.ts';

/** <run>/training.lock/owner.json: who writes to the run. A folder, since renaming one never replaces another. */
interface Owner {
  token: string;
  since: string;
  process: ProcessIdentity;
}

const ownerShape = object({
  token: matching(/^[0-9a-f-]{36}$/),
  since: time,
  process: object({ id: whole(1), host: string, started: optional(string) }),
});

/** The owner writes the file `alive` every so many seconds; of another host's it is all that can be seen. */
const signEvery = 30;
const silenceAllowed = 300;
/** Taking over and giving back take milliseconds; what has not changed for so many seconds was left by a kill. */
const secondsOfChange = 2;
/** Tokens of the locks that this process holds. */
const held = new Set<string>();

const ownerFile = (lock: string) => join(lock, 'owner.json');
const signOfLife = (lock: string) => join(lock, 'alive');

/** Undefined where a kill left the lock without one. */
function readOwner(lock: string): Promise<Owner | undefined> {
  return readJson<Owner>(ownerFile(lock), { most: 65536, shape: ownerShape }).catch(() => undefined);
}

/** Seconds since the owner was last heard of, by the clock of the disk that both write to. */
async function silence(lock: string, justWritten: string): Promise<number> {
  const [theirs, now] = await Promise.all([stat(signOfLife(lock)), stat(signOfLife(justWritten))]);
  return (now.mtimeMs - theirs.mtimeMs) / 1000;
}

async function isHeld(owner: Owner, lock: string, own: string): Promise<boolean> {
  const { id, host } = owner.process;
  if (host !== hostname()) return (await silence(lock, own).catch(() => 0)) < silenceAllowed;
  // In a container a killed training had often the number of this one.
  return id === process.pid ? held.has(owner.token) : isRunning(owner.process);
}

function refuse(run: string, lock: string, { process: { id, host }, since }: Owner): never {
  const where = host === hostname() ? '' : ` on ${host}`;
  const advice =
    host === hostname()
      ? 'wait for it, stop it, or name another run with --run'
      : `if it has ended, try again in ${silenceAllowed / 60} minutes or delete ${lock}`;
  throw new UserError(`${run} is in use by process ${id}${where} since ${since}; ${advice}.`);
}

const unlessMissing = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error;
};

/** Seconds since something was changed in a folder; 0 where it is not there. */
function ageOf(folder: string): Promise<number> {
  return stat(folder).then(
    ({ mtimeMs }) => (Date.now() - mtimeMs) / 1000,
    () => 0,
  );
}

/**
 * Puts the lock of a process that is no more out of the way. Only one process at a time may, and only while the lock
 * is still the dead one's: whoever comes late must not remove that of who was quicker.
 */
async function clear(lock: string, dead: Owner | undefined): Promise<void> {
  const right = `${lock}.takeover`;
  try {
    await mkdir(right);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((await ageOf(right)) > secondsOfChange) await rmdir(right).catch(unlessMissing); // left by a kill
    return sleep(20);
  }
  try {
    const owner = await readOwner(lock);
    // Without an owner it may be one that is just given back.
    const isDead = owner ? owner.token === dead?.token : (await ageOf(lock)) > secondsOfChange;
    if (!isDead) return await sleep(20);
    const aside = `${lock}.${randomUUID()}`;
    await rename(lock, aside).catch(unlessMissing);
    await rm(aside, { recursive: true, force: true });
  } finally {
    await rmdir(right).catch(() => {});
  }
}

async function take(run: string, lock: string, own: string): Promise<void> {
  for (;;) {
    try {
      return await rename(own, lock);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // Windows says of a folder that is there what is said of a place where nothing may be written.
      const isTaken = ['ENOTEMPTY', 'EEXIST'].includes(code);
      if (!isTaken && !(['EPERM', 'EACCES'].includes(code) && existsSync(lock))) throw error;
    }
    const owner = await readOwner(lock);
    if (owner && (await isHeld(owner, lock, own))) refuse(run, lock, owner);
    await clear(lock, owner);
  }
}

/** Whether a run that this process has locked was removed since, and perhaps made anew by another one. */
export async function isRunRemoved(run: string): Promise<boolean> {
  const lock = join(run, 'training.lock');
  if (!existsSync(lock)) return !existsSync(join(run, 'run.json'));
  const owner = await readOwner(lock);
  return owner !== undefined && !held.has(owner.token);
}

/**
 * Makes this process the only one that writes to a run's folder, which is made where it is not there. The lock of a
 * process that was killed is taken over.
 * @returns what gives it back.
 * @throws {UserError} where another process has it, or the folder cannot be written.
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const lock = join(run, 'training.lock');
  const owner: Owner = { token: randomUUID(), since: new Date().toISOString(), process: thisProcess() };
  const own = `${lock}.${owner.token}`;
  let made = false;
  try {
    made = await makeFolder(run);
    await mkdir(own);
    await writeDurably(ownerFile(own), JSON.stringify(owner));
    await writeFile(signOfLife(own), '');
    held.add(owner.token);
    await take(run, lock, own);
  } catch (error) {
    held.delete(owner.token);
    await rm(own, { recursive: true, force: true }).catch(() => {});
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${run} cannot be written (${reason(error)}); mend the folder, or name another place.`,
    );
  }
  const sign = () => writeFile(signOfLife(lock), '').catch(() => {});
  const timer = setInterval(sign, signEvery * 1000).unref();
  return async () => {
    clearInterval(timer);
    const isReplaced = await isRunRemoved(run);
    held.delete(owner.token);
    if (isReplaced) return; // the lock there is another's
    for (const file of [signOfLife(lock), ownerFile(lock)]) await unlink(file).catch(() => {});
    await rmdir(lock).catch(() => {});
    if (made) await rmdir(run).catch(() => {}); // where nothing came of it
  };
}
