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

/**
 * <run>/training.lock/owner.json: the process that writes to the run. The lock is a folder because renaming a folder
 * never replaces one that has files.
 */
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

/** Seconds between the owner's updates of the file `alive`: the only sign of life that other hosts can see. */
const heartbeatInterval = 30;
/** Without an update for this many seconds, an owner on another host is taken for dead. */
const heartbeatTimeout = 300;
/** Taking over and releasing a lock take milliseconds; what is unchanged for this many seconds was left by a kill. */
const staleAfter = 2;
/** Tokens of the locks that this process holds. */
const held = new Set<string>();

const ownerFile = (lock: string) => join(lock, 'owner.json');
const heartbeatFile = (lock: string) => join(lock, 'alive');

/** The owner of a lock; undefined where a kill left none. */
function readOwner(lock: string): Promise<Owner | undefined> {
  return readJson<Owner>(ownerFile(lock), { maxBytes: 65536, shape: ownerShape }).catch(() => undefined);
}

/** Seconds since the owner's last sign of life, by the clock of the disk that both hosts write to. */
async function silence(lock: string, justWritten: string): Promise<number> {
  const [theirs, now] = await Promise.all([stat(heartbeatFile(lock)), stat(heartbeatFile(justWritten))]);
  return (now.mtimeMs - theirs.mtimeMs) / 1000;
}

async function isHeld(owner: Owner, lock: string, own: string): Promise<boolean> {
  const { id, host } = owner.process;
  if (host !== hostname()) return (await silence(lock, own).catch(() => 0)) < heartbeatTimeout;
  // In a container, a killed training often had the process id that this one has now.
  return id === process.pid ? held.has(owner.token) : isRunning(owner.process);
}

function refuse(run: string, lock: string, { process: { id, host }, since }: Owner): never {
  const where = host === hostname() ? '' : ` on ${host}`;
  const advice =
    host === hostname()
      ? 'wait for it, stop it, or name another run with --run'
      : `if it has ended, try again in ${heartbeatTimeout / 60} minutes or delete ${lock}`;
  throw new UserError(`${run} is in use by process ${id}${where} since ${since}; ${advice}.`);
}

const unlessMissing = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'ENOENT') throw error;
};

/** Seconds since a folder was changed; 0 where it does not exist. */
function ageOf(folder: string): Promise<number> {
  return stat(folder).then(
    ({ mtimeMs }) => (Date.now() - mtimeMs) / 1000,
    () => 0,
  );
}

/**
 * Removes the lock of a dead process. One process at a time may do that, and only while the lock is still that of the
 * dead one: a slower process must not remove the lock of a quicker one.
 */
async function removeStale(lock: string, dead: Owner | undefined): Promise<void> {
  const guard = `${lock}.takeover`;
  try {
    await mkdir(guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((await ageOf(guard)) > staleAfter) await rmdir(guard).catch(unlessMissing); // left by a kill
    return sleep(20);
  }
  try {
    const owner = await readOwner(lock);
    // Without an owner, it may be one that is being released.
    const isDead = owner ? owner.token === dead?.token : (await ageOf(lock)) > staleAfter;
    if (!isDead) return await sleep(20);
    const aside = `${lock}.${randomUUID()}`;
    await rename(lock, aside).catch(unlessMissing);
    await rm(aside, { recursive: true, force: true });
  } finally {
    await rmdir(guard).catch(() => {});
  }
}

async function take(run: string, lock: string, own: string): Promise<void> {
  for (;;) {
    try {
      return await rename(own, lock);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      // Windows reports an existing folder as one that may not be written.
      const isTaken = ['ENOTEMPTY', 'EEXIST'].includes(code);
      if (!isTaken && !(['EPERM', 'EACCES'].includes(code) && existsSync(lock))) throw error;
    }
    const owner = await readOwner(lock);
    if (owner && (await isHeld(owner, lock, own))) refuse(run, lock, owner);
    await removeStale(lock, owner);
  }
}

/** Whether a run that this process locked has been removed since, and perhaps created again by another process. */
export async function isRunRemoved(run: string): Promise<boolean> {
  const lock = join(run, 'training.lock');
  if (!existsSync(lock)) return !existsSync(join(run, 'run.json'));
  const owner = await readOwner(lock);
  return owner !== undefined && !held.has(owner.token);
}

/**
 * Makes this process the only one that writes to a run's folder, creating the folder if necessary. The lock of a killed
 * process is taken over.
 * @returns a function that releases the lock.
 * @throws {UserError} where another process has the lock, or the folder cannot be written.
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  const lock = join(run, 'training.lock');
  const owner: Owner = { token: randomUUID(), since: new Date().toISOString(), process: thisProcess() };
  const own = `${lock}.${owner.token}`;
  let isNew = false;
  try {
    isNew = await makeFolder(run);
    await mkdir(own);
    await writeDurably(ownerFile(own), JSON.stringify(owner));
    await writeFile(heartbeatFile(own), '');
    held.add(owner.token);
    await take(run, lock, own);
  } catch (error) {
    held.delete(owner.token);
    await rm(own, { recursive: true, force: true }).catch(() => {});
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${run} cannot be written (${reason(error)}); check the folder's permissions, or choose another one.`,
    );
  }
  const beat = () => writeFile(heartbeatFile(lock), '').catch(() => {});
  const timer = setInterval(beat, heartbeatInterval * 1000).unref();
  return async () => {
    clearInterval(timer);
    const isLost = await isRunRemoved(run);
    held.delete(owner.token);
    if (isLost) return; // any lock there now belongs to another process
    for (const file of [heartbeatFile(lock), ownerFile(lock)]) await unlink(file).catch(() => {});
    await rmdir(lock).catch(() => {});
    if (isNew) await rmdir(run).catch(() => {}); // fails unless it is empty
  };
}
