import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { UserError } from '../../errors.ts';
import { quoted } from '../../text/quoted.ts';
import { damaged, maxModelBytes, overlapping, type Region, readPart } from '../files.ts';
import type { TensorMessage } from './protos.ts';
import { external } from './tensor.ts';

interface Part extends Region {
  tensor: TensorMessage;
  file: string;
}

/**
 * Loads the values of tensors that are in files beside the model, e.g. PyTorch's model.onnx.data
 * (onnx.ai/onnx/repo-docs/ExternalData.html).
 * @throws {UserError} where such a file is missing, too short, or outside of the model's folder; otherwise a hostile model
 * could make its own weights of any file that the user can read.
 */
export async function withExternalData(tensors: TensorMessage[], source: string): Promise<TensorMessage[]> {
  const outside = tensors.filter(({ data_location: location }) => location === external);
  if (outside.length === 0) return tensors;
  const folders = [await realpath(dirname(source)), dirname(await realpath(source))];
  const files = new Map<string, string>();
  const parts: Part[] = [];
  for (const tensor of outside) {
    const { location, ...region } = readEntry(tensor, source);
    const file = files.get(location) ?? (await findFile(location, { source, folders }));
    files.set(location, file);
    parts.push({ tensor, file, ...region });
  }
  for (const file of new Set(files.values())) {
    const [one, other] = overlapping(parts.filter((part) => part.file === file)) ?? [];
    if (one && other)
      damaged(source, `${quoted(one.tensor.name)} and ${quoted(other.tensor.name)} share bytes of ${file}`);
  }
  const read = new Map<TensorMessage, TensorMessage>();
  for (const { tensor, file, from, to } of parts) {
    const raw = await readPart(file, { offset: from, size: to - from });
    read.set(tensor, { ...tensor, data_location: 0, raw_data: raw });
  }
  return tensors.map((tensor) => read.get(tensor) ?? tensor);
}

function readEntry(tensor: TensorMessage, source: string): Region & { location: string } {
  const entries = new Map((tensor.external_data ?? []).map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const name = quoted(tensor.name);
  const number = (key: string) => {
    const text = entries.get(key);
    const value = /^\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN;
    return value <= maxModelBytes ? value : damaged(source, `${name} has the ${key} ${quoted(text ?? '')}`);
  };
  const parts = location.split('/');
  if (location === '' || /[\0\\]/.test(location) || isAbsolute(location) || parts.includes('..'))
    damaged(source, `${name} is in ${quoted(location)}, which is not a file beside it`);
  const from = entries.has('offset') ? number('offset') : 0;
  return { location, from, to: from + number('length') };
}

/** Finds a file in the model's folder; both may be links into the same other folder, as download caches keep them. */
async function findFile(
  location: string,
  { source, folders }: { source: string; folders: string[] },
): Promise<string> {
  const path = join(dirname(source), location);
  const file = await realpath(path).catch(() => undefined);
  if (file === undefined)
    throw new UserError(
      `${source} has its weights in ${quoted(location)}, which is missing; copy that file beside the model.`,
    );
  if (folders.some((folder) => file.startsWith(folder.endsWith(sep) ? folder : folder + sep))) return path;
  return damaged(source, `its file of weights, ${quoted(location)}, is a link to another folder`);
}
