import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { libraryFolders, type MpiFamily } from './launcher.ts';

/**
 * The functions of MPI that are used here, through koffi. What they are called is in the standard; what the handles and
 * constants are is each family's own (its mpi.h), and the same for all versions with one soname.
 */

type Koffi = typeof import('koffi')['default'];
type Library = ReturnType<Koffi['load']>;
/** A pointer with Open MPI, a number with MPICH. */
type Handle = bigint | number;
/** Memory that MPI reads or writes. It must not move: allocate it by {@link memory}. */
export type Values = Uint8Array | Uint16Array | Float32Array | Float64Array;

interface Family {
  /** Sonames; of one name for all versions that share an interface. */
  libraries: string[];
  /** What the library says it is. */
  version: RegExp;
  handle: 'void *' | 'int';
  find(library: Library): {
    world: Handle;
    types: { byte: Handle; float: Handle; double: Handle };
    operations: { sum: Handle };
  };
  inPlace: bigint;
  ignoreStatus: bigint;
  anySource: number;
}

const families: Record<MpiFamily, Family> = {
  // Of versions 4 and 5 alike.
  'Open MPI': {
    libraries: ['libmpi.so.40', 'libmpi.40.dylib'],
    version: /^Open MPI v[45]\./,
    handle: 'void *',
    find: (library) => ({
      world: library.symbol('ompi_mpi_comm_world'),
      types: {
        byte: library.symbol('ompi_mpi_byte'),
        float: library.symbol('ompi_mpi_float'),
        double: library.symbol('ompi_mpi_double'),
      },
      operations: { sum: library.symbol('ompi_mpi_op_sum') },
    }),
    inPlace: 1n,
    ignoreStatus: 0n,
    anySource: -1,
  },
  // The interface that MPICH, Intel MPI, MVAPICH and Cray MPICH agreed on; Debian calls it libmpich.
  MPICH: {
    libraries: ['libmpi.so.12', 'libmpich.so.12', 'libmpi.12.dylib'],
    version: /MPICH|Intel\(R\) MPI|MVAPICH/,
    handle: 'int',
    find: () => ({
      world: 0x44000000,
      types: { byte: 0x4c00010d, float: 0x4c00040a, double: 0x4c00080b },
      operations: { sum: 0x58000003 },
    }),
    inPlace: -1n,
    ignoreStatus: 1n,
    anySource: -2,
  },
};

const threadFunneled = 1;
const errorsTag = 1;

/** An operation under way. */
export interface Request {
  handle: Uint8Array;
  /** What it reads and writes, kept from the garbage collector. */
  uses: (Values | Int32Array)[];
}

/** MPI of the communicator of all ranks. Operations on values start here and end when {@link Mpi.isDone} says so. */
export interface Mpi {
  /** e.g. 'Open MPI v4.1.4'. */
  version: string;
  rank: number;
  size: number;
  /** Rank 0's values to all. */
  broadcast(values: Values): Request;
  /** The sum of all ranks' values, to all. */
  allreduce(values: Float32Array | Float64Array): Request;
  /** Each rank's values one after the other, to all. `all` has room for them. */
  allgather(mine: Values, all: Values): Request;
  /** Each rank's bytes one after the other, to rank 0 alone; `counts` are how many each rank has. */
  gather(mine: Uint8Array, all: Uint8Array, counts: Int32Array): Request;
  /** Part i of `given` to rank i, and what rank i has for this one to part i of `taken`. */
  alltoall(given: Values, taken: Values): Request;
  barrier(): Request;
  /** To rank 0, outside of what all do together. */
  send(values: Uint8Array): Request;
  /** The next of these, of any rank. */
  receive(values: Uint8Array): Request;
  isDone(request: Request): boolean;
  cancel(request: Request): void;
  /** Ends all ranks, this one included. */
  abort(exitCode: number): void;
  finalize(): void;
}

/** Memory that stays where it is, all zeros. */
export function memory<T>(
  type: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number },
  length: number,
): T {
  return new type(new ArrayBuffer(length * type.BYTES_PER_ELEMENT));
}

function open(koffi: Koffi, candidates: MpiFamily[]): { library: Library; family: Family; name: string } {
  const choices = candidates.flatMap((candidate) =>
    families[candidate].libraries.map((name) => ({ family: families[candidate], name })),
  );
  // UCX, which MPI may bring along, rewrites the C library's mmap and sbrk as it loads, to know what it may keep registered
  // with a network's card. A process with threads, as Node's, does not always survive that.
  process.env.UCX_MEM_MMAP_HOOK_MODE ??= 'none';
  const folders = libraryFolders();
  for (const { family, name } of choices) {
    for (const path of [...folders.map((folder) => join(folder, name)), name]) {
      try {
        // Its components look for its symbols among those of the whole process.
        return { library: koffi.load(path, { global: true }), family, name: path };
      } catch {
        // The next one may be there.
      }
    }
  }
  throw new UserError(
    `The launcher started several processes, but no library of ${candidates.join(' or ')} loads ` +
      `(${choices.map(({ name }) => name).join(', ')}); install it, or add its folder to LD_LIBRARY_PATH.`,
  );
}

/**
 * Loads MPI and joins the processes that the launcher started.
 * @throws {UserError} where the library is missing, or of another family than this knows.
 */
export async function initialize(candidates: MpiFamily[]): Promise<Mpi> {
  const koffi = (await import('koffi')).default;
  const { library, family, name } = open(koffi, candidates);
  const { handle } = family;
  const define = (name: string, ...types: string[]) => {
    const call = library.func(name, 'int', types);
    return (...values: unknown[]) => {
      const code = call(...values);
      if (code !== 0) throw new UserError(`${name} failed with MPI's error ${code}.`);
    };
  };
  const number = () => memory(Int32Array, 1);
  const ask = (call: (to: Int32Array) => void): number => {
    const result = number();
    call(result);
    return result[0] as number;
  };

  const version = readVersion(define('MPI_Get_library_version', 'void *', 'void *'));
  if (!family.version.test(version)) {
    throw new UserError(
      `${name} is "${version}", which is not known here; use Open MPI 4 or 5, or MPICH or one built on it.`,
    );
  }
  define('MPI_Init_thread', 'void *', 'void *', 'int', 'void *')(null, null, threadFunneled, number());

  const { world, types, operations } = family.find(library);
  const typeOf = (values: Values): [number, Handle] => {
    if (values instanceof Float32Array) return [values.length, types.float];
    if (values instanceof Float64Array) return [values.length, types.double];
    return [values.byteLength, types.byte];
  };
  const start = (uses: Request['uses'], call: (request: Uint8Array) => void): Request => {
    const request = { handle: memory(Uint8Array, 8), uses };
    call(request.handle);
    return request;
  };

  const commRank = define('MPI_Comm_rank', handle, 'void *');
  const commSize = define('MPI_Comm_size', handle, 'void *');
  const bcast = define('MPI_Ibcast', 'void *', 'int', handle, 'int', handle, 'void *');
  const reduce = define('MPI_Iallreduce', 'void *', 'void *', 'int', handle, handle, handle, 'void *');
  const exchange = ['void *', 'int', handle, 'void *', 'int', handle, handle, 'void *'];
  const allgather = define('MPI_Iallgather', ...exchange);
  const gather = define(
    'MPI_Igatherv',
    ...['void *', 'int', handle, 'void *', 'void *', 'void *', handle, 'int', handle, 'void *'],
  );
  const swap = define('MPI_Ialltoall', ...exchange);
  const wait = define('MPI_Ibarrier', handle, 'void *');
  const message = ['void *', 'int', handle, 'int', 'int', handle, 'void *'];
  const send = define('MPI_Isend', ...message);
  const receive = define('MPI_Irecv', ...message);
  const test = define('MPI_Test', 'void *', 'void *', 'void *');
  const cancel = define('MPI_Cancel', 'void *');
  const free = define('MPI_Request_free', 'void *');
  const abort = define('MPI_Abort', handle, 'int');
  const finalize = define('MPI_Finalize');
  const done = number();
  const size = ask((to) => commSize(world, to));

  return {
    version,
    rank: ask((to) => commRank(world, to)),
    size,
    broadcast: (values) => start([values], (request) => bcast(values, ...typeOf(values), 0, world, request)),
    allreduce: (values) =>
      start([values], (request) =>
        reduce(family.inPlace, values, ...typeOf(values), operations.sum, world, request),
      ),
    allgather: (mine, all) =>
      start([mine, all], (request) => allgather(mine, ...typeOf(mine), all, ...typeOf(mine), world, request)),
    gather(mine, all, counts) {
      const starts = memory(Int32Array, size);
      for (let rank = 1; rank < size; rank++)
        starts[rank] = (starts[rank - 1] as number) + (counts[rank - 1] as number);
      return start([mine, all, counts, starts], (request) =>
        gather(mine, ...typeOf(mine), all, counts, starts, types.byte, 0, world, request),
      );
    },
    alltoall(given, taken) {
      const part = given.subarray(0, given.length / size);
      return start([given, taken], (request) =>
        swap(given, ...typeOf(part), taken, ...typeOf(part), world, request),
      );
    },
    barrier: () => start([], (request) => wait(world, request)),
    send: (values) =>
      start([values], (request) => send(values, ...typeOf(values), 0, errorsTag, world, request)),
    receive: (values) =>
      start([values], (request) =>
        receive(values, ...typeOf(values), family.anySource, errorsTag, world, request),
      ),
    isDone(request) {
      test(request.handle, done, family.ignoreStatus);
      return done[0] !== 0;
    },
    cancel(request) {
      cancel(request.handle);
      free(request.handle);
    },
    abort: (exitCode) => abort(world, exitCode),
    finalize: () => finalize(),
  };
}

/** MPI_MAX_LIBRARY_VERSION_STRING is 256 with Open MPI, 8192 with MPICH. */
function readVersion(call: (...values: unknown[]) => void): string {
  const text = memory(Uint8Array, 8192);
  call(text, memory(Int32Array, 1));
  const end = text.indexOf(0);
  const [first = ''] = Buffer.from(text.buffer, 0, end).toString().split(/[\n,]/);
  return first.replaceAll(/\s+/g, ' ').trim();
}
