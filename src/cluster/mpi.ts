import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { libraryFolders, type MpiFamily } from './launcher.ts';

/**
 * Bindings to the MPI functions that we use, through koffi. Their names are in the MPI standard; the handles and constants
 * differ between families (see their mpi.h), and are the same for all versions with one soname.
 */

type Koffi = typeof import('koffi')['default'];
type Library = ReturnType<Koffi['load']>;
/** A pointer in Open MPI, a number in MPICH. */
type Handle = bigint | number;
/** Memory that MPI reads or writes. It must not move: allocate it with {@link memory}. */
export type Values = Uint8Array | Uint16Array | Float32Array | Float64Array;

interface Family {
  /** Names of the shared library; versions with the same interface share a soname. */
  libraries: string[];
  /** Matches the version that the library reports. */
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
  // The same for versions 4 and 5.
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

/** An operation in progress. */
export interface Request {
  handle: Uint8Array;
  /** The memory that it reads and writes, protected from the garbage collector. */
  uses: (Values | Int32Array)[];
}

/** MPI on the communicator of all ranks. The operations are non-blocking: they end when {@link Mpi.isDone} says so. */
export interface Mpi {
  /** e.g. 'Open MPI v4.1.4'. */
  version: string;
  rank: number;
  size: number;
  /** Sends the values of rank 0 to all ranks. */
  broadcast(values: Values): Request;
  /** Sums the values of all ranks, in place on all. */
  allreduce(values: Float32Array | Float64Array): Request;
  /** Concatenates the values of all ranks on all; `all` is size times as long as `mine`. */
  allgather(mine: Values, all: Values): Request;
  /** Concatenates the bytes of all ranks on rank 0; `counts` has the length of each rank's. */
  gather(mine: Uint8Array, all: Uint8Array, counts: Int32Array): Request;
  /** Sends part i of `sent` to rank i, and receives part i of `received` from rank i. */
  alltoall(sent: Values, received: Values): Request;
  barrier(): Request;
  /** Sends to rank 0 alone, independent of the collective operations. */
  send(values: Uint8Array): Request;
  /** Receives the next message of {@link Mpi.send} from any rank. */
  receive(values: Uint8Array): Request;
  isDone(request: Request): boolean;
  cancel(request: Request): void;
  /** Ends all ranks, this one included. */
  abort(exitCode: number): void;
  finalize(): void;
}

/** An array filled with zeros that the garbage collector does not move. */
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
  // UCX, which MPI may load, patches mmap and sbrk of the C library for its cache of memory registered with the network
  // card. A process with threads, such as Node.js, does not always survive that.
  process.env.UCX_MEM_MMAP_HOOK_MODE ??= 'none';
  const folders = libraryFolders();
  for (const { family, name } of choices) {
    for (const path of [...folders.map((folder) => join(folder, name)), name]) {
      try {
        // global: the plugins of MPI look up its symbols in the whole process.
        return { library: koffi.load(path, { global: true }), family, name: path };
      } catch {
        // Try the next one.
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
 * @throws {UserError} where the library is missing, or of an unsupported family.
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
      `${name} is "${version}", which is not supported; use Open MPI 4 or 5, MPICH, or a derivative of MPICH.`,
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
  const alltoall = define('MPI_Ialltoall', ...exchange);
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
    alltoall(sent, received) {
      const part = sent.subarray(0, sent.length / size);
      return start([sent, received], (request) =>
        alltoall(sent, ...typeOf(part), received, ...typeOf(part), world, request),
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

/** The version of the library. MPI_MAX_LIBRARY_VERSION_STRING is 256 in Open MPI, 8192 in MPICH. */
function readVersion(call: (...values: unknown[]) => void): string {
  const text = memory(Uint8Array, 8192);
  call(text, memory(Int32Array, 1));
  const end = text.indexOf(0);
  const [first = ''] = Buffer.from(text.buffer, 0, end).toString().split(/[\n,]/);
  return first.replaceAll(/\s+/g, ' ').trim();
}
