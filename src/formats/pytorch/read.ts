import { reason, UserError } from '../../errors.ts';
import { quoted } from '../../text/quoted.ts';
import type { StateDict, StateTensor } from '../state_dict/state_dict.ts';
import { readArchive } from './archive.ts';
import { looksLegacy, readLegacy } from './legacy.ts';
import {
  failPickle,
  isA,
  opaque,
  type Pickled,
  type PickledDict,
  type PickledFunction,
  type PickleReader,
} from './pickle.ts';
import { type Dtype, dtypes, readValues, rebuildTensor, type Storage, type StoredTensor } from './tensor.ts';

const functions: Record<string, (args: Pickled[]) => Pickled> = {
  'collections.OrderedDict': ([pairs]) => toDict(pairs),
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_parameter': ([tensor]) =>
    isA<StoredTensor>(tensor, 'tensor') ? tensor : failPickle('it holds a parameter without a tensor'),
  '__builtin__.set': ([items]) => items ?? [],
  'torch.Size': ([sizes]) => sizes ?? [],
  'torch.device': ([type]) => type ?? null,
};

/**
 * Classes of settings, counts and figures that training programs save beside the weights. They are read as objects of which
 * nothing is known.
 */
const besides = [
  /^(__builtin__|builtins)\.(list|dict|int|float|str|bool|tuple)$/,
  /^argparse\.Namespace$/,
  /^pathlib\.(Pure)?(Posix|Windows)?Path$/,
  /^collections\.(defaultdict|Counter|deque)$/,
  /^datetime\.(datetime|date|timedelta)$/,
  /^_codecs\.encode$/,
  /^numpy\.(dtype|ndarray|dtypes\.\w+|_?core\.multiarray\.(scalar|_reconstruct))$/,
  /^(pytorch_lightning|lightning|lightning_fabric|omegaconf)\.[\w.]+$/,
];

function toDict(pairs: Pickled | undefined): PickledDict {
  const dict: PickledDict = new Map();
  for (const pair of Array.isArray(pairs) ? pairs : []) {
    if (!Array.isArray(pair)) failPickle('it holds a damaged dict');
    dict.set(pair[0] ?? null, pair[1] ?? null);
  }
  return dict;
}

/** The classes and functions that pickles of tensors name. */
function globalOf(name: string): Pickled | undefined {
  if (Object.hasOwn(functions, name))
    return { kind: 'function', call: functions[name] as PickledFunction['call'] } as Pickled;
  const [, storage = ''] = /^torch\.(\w+)$/.exec(name) ?? [];
  if (Object.hasOwn(dtypes, storage)) return dtypes[storage];
  if (besides.some((pattern) => pattern.test(name))) return opaque as Pickled;
  return /^torch\.(b?float|u?int|bool)\d*$/.test(name) ? name : undefined;
}

/** The class of a name such as 'argparse.Namespace' cannot be read; only tensors in dicts can. */
function readerFor(storages: Map<string, Storage>): PickleReader {
  return {
    global: globalOf,
    persistent(id) {
      const [kind, dtype, key, , length, view = null] = Array.isArray(id) ? id : [];
      const isValid =
        kind === 'storage' &&
        isA<Dtype>(dtype, 'dtype') &&
        typeof key === 'string' &&
        typeof length === 'number' &&
        Number.isSafeInteger(length) &&
        length >= 0;
      if (!isValid || view !== null) failPickle('it names a storage in a way that torch.save does not');
      const known = storages.get(key);
      if (known && (known.dtype !== dtype || known.length !== length))
        failPickle(`it describes its storage ${quoted(key)} twice, differently`);
      const storage: Storage = known ?? { kind: 'storage', key, dtype, length };
      storages.set(key, storage);
      return storage;
    },
  };
}

/** Where training programs put a network's state_dict. */
const usualKeys = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'module', 'weights'];
/** Where they put the moving average of its weights. */
const averageKeys = [
  'state_dict_ema',
  'model_ema',
  'ema_state_dict',
  'model_ema_state_dict',
  'ema_model',
  'ema',
];
/** A state_dict within the state of a model within that of a training. */
const maxDepth = 3;

function tensorsIn(dict: PickledDict): [string, StoredTensor][] {
  return [...dict].filter(
    (entry): entry is [string, StoredTensor] =>
      typeof entry[0] === 'string' && isA<StoredTensor>(entry[1], 'tensor'),
  );
}

interface Found {
  tensors: [string, StoredTensor][];
  /** Says which was chosen, where there are several. */
  notes: string[];
}

/** The tensors under one of these keys. */
function under(keys: string[], dict: PickledDict, depth: number): { key: string; found: Found } | undefined {
  for (const key of keys) {
    const inner = dict.get(key);
    const found = inner instanceof Map ? search(inner, depth + 1) : undefined;
    if (found) return { key, found };
  }
  return undefined;
}

function search(dict: PickledDict, depth: number): Found | undefined {
  const average = depth < maxDepth ? under(averageKeys, dict, depth) : undefined;
  const usual = depth < maxDepth ? under(usualKeys, dict, depth) : undefined;
  if (average && usual) {
    const note = `The moving average of the weights, ${quoted(average.key)}, is imported, not ${quoted(usual.key)}.`;
    return { ...average.found, notes: [note] };
  }
  const tensors = tensorsIn(dict);
  return (average ?? usual)?.found ?? (tensors.length > 0 ? { tensors, notes: [] } : undefined);
}

/** The tensors of a state_dict, or of one in a dict with the state of a training. */
function stateDictIn(value: Pickled): Found {
  if (!(value instanceof Map)) return failPickle('it does not hold a dict of tensors');
  const found = search(value, 1);
  if (found) return found;
  const keys = [...value.keys()].slice(0, 5).map((key) => quoted(String(key)));
  return failPickle(`it holds no tensors, but ${keys.join(', ') || 'an empty dict'}`);
}

/** Removes the prefix that DataParallel gives to all names. */
function withoutModule(tensors: Found['tensors']): Found['tensors'] {
  const prefix = 'module.';
  if (!tensors.every(([name]) => name.startsWith(prefix))) return tensors;
  return tensors.map(([name, tensor]) => [name.slice(prefix.length), tensor]);
}

function open(data: Uint8Array, storages: Map<string, Storage>) {
  const reader = readerFor(storages);
  if (looksLegacy(data)) return { ...readLegacy(data, reader, storages), isBigEndian: false };
  if (data[0] === 0x50 && data[1] === 0x4b) return readArchive(data, reader, storages);
  if (Buffer.from(data.subarray(257, 262)).toString('latin1') === 'ustar')
    return failPickle('it was written by PyTorch 0.1, as a tar archive');
  return failPickle('it was not written by torch.save');
}

/**
 * The tensors of a PyTorch file (.pth, .pt), as torch.save writes a module's state_dict: since PyTorch 1.6 in a zip archive
 * (pytorch.org/docs/stable/notes/serialization.html), before in pickles one after the other. Also where the state_dict is an
 * entry 'state_dict', 'model_state_dict', 'model', 'net' ... of a dict, and without DataParallel's 'module.'. Beside a moving
 * average of the weights ('model_ema', 'state_dict_ema' ...) the average is taken, and `notes` says so. Nothing in the file is
 * executed, and it may be hostile: sizes are checked before memory is taken.
 * @param source its path, for messages.
 * @throws {UserError} where it is damaged, or holds other objects than tensors in dicts.
 */
export function readPyTorchFile(data: Uint8Array, source: string): { tensors: StateDict; notes: string[] } {
  return naming(source, () => {
    const storages = new Map<string, Storage>();
    const { value, isBigEndian, bytesOf } = open(data, storages);
    const { tensors, notes } = stateDictIn(value);
    const named = withoutModule(tensors).map(([name, tensor]): [string, StateTensor] => {
      const read = () => naming(source, () => readValues(tensor, bytesOf(tensor.storage.key), isBigEndian));
      return [name, { shape: tensor.shape, read }];
    });
    return { tensors: new Map(named), notes };
  });
}

/** The tensors alone. */
export const readPyTorch = (data: Uint8Array, source: string): StateDict =>
  readPyTorchFile(data, source).tensors;

/** Names from the file may be long, and hold characters that would break the line. */
const shown = (why: string) => why.slice(0, 300).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');

/** Names the file in an error. */
function naming<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(
      `${source} cannot be read: ${shown(reason(error))}; copy it again, or save the weights alone with torch.save(model.state_dict(), "weights.pth").`,
    );
  }
}
