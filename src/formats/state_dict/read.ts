import { UserError } from '../../errors.ts';
import { fittingOf } from '../../models/preprocessing.ts';
import { quoted } from '../../text/quoted.ts';
import type { ImportHints, Network } from '../format.ts';
import { NetworkBuilder } from '../network_builder.ts';
import { saysHow } from '../pixel_scaling.ts';
import type { StateDictArchitecture } from './architecture.ts';
import { stateDictArchitectures } from './architectures/index.ts';
import { listed, Modules } from './modules.ts';
import type { StateDict } from './state_dict.ts';

function cannot(source: string, why: string): never {
  throw new UserError(`${source} cannot be imported: ${why}.`);
}

/** What the names before the mark of an architecture begin with, e.g. 'model.' of Lightning; '' without a prefix. */
function prefixesIn(tensors: StateDict): string[] {
  const found = [...tensors.keys()].flatMap((name) =>
    stateDictArchitectures
      .filter(({ mark }) => name.endsWith(mark))
      .map(({ mark }) => name.slice(0, -mark.length))
      .filter((prefix) => prefix === '' || prefix.endsWith('.')),
  );
  return [...new Set(found)];
}

/** Whether a name is that of a moving average of the weights. */
export const isAverage = (name: string) => /(^|[._])ema([._\d]|$)|ema_?model|averaged/i.test(name);

/** The copy of the network to import: the only one, or the moving average of the weights. */
function choosePrefix(prefixes: string[], source: string): string {
  const averages = prefixes.filter(isAverage);
  const [prefix, ...more] = averages.length === 1 ? averages : prefixes;
  if (more.length === 0) return prefix as string;
  return cannot(
    source,
    `it holds ${prefixes.length} networks, whose names begin with ${listed(prefixes)}; save the state_dict of one`,
  );
}

/** The architecture whose names these are. @throws {UserError} where there is none, or several. */
function architectureFor(net: Modules, wanted: string | undefined, source: string): StateDictArchitecture {
  const marked = stateDictArchitectures.filter(({ mark }) => net.has(mark));
  const suiting = marked.filter(({ suits }) => suits?.(net) ?? true);
  const named = suiting.filter(({ names }) => wanted === undefined || names.test(wanted));
  const [architecture, ...more] = named;
  if (architecture && more.length === 0) return architecture;
  const which = (of: StateDictArchitecture[]) => of.map(({ description }) => description).join(', or ');
  if (architecture)
    return cannot(
      source,
      `its tensors are those of ${which(named)}, which answer differently; say which with --network`,
    );
  return cannot(source, `its tensors are those of ${which(suiting)}, not of ${quoted(wanted ?? '')}`);
}

/** Weights of a loss, e.g. of each class, and counts of metrics, which answers do not depend on. */
const isOfTraining = (name: string) => /(^|\.)(loss|criterion|\w*loss_fn|\w*_loss|\w*metrics?)\./.test(name);

/** Refuses tensors that the network does not read. @returns sentences about those that it need not. */
function checkUnread(unread: string[], prefix: string, prefixes: string[], source: string): string[] {
  const inCopy = (name: string) =>
    prefixes.some((one) => one !== prefix && one !== '' && name.startsWith(one));
  const others = unread.filter((name) => !inCopy(name) || name.startsWith(prefix));
  const unknown = others.filter((name) => !isOfTraining(name));
  if (unknown.length > 0) cannot(source, `its other tensors fit, but nothing reads ${listed(unknown)}`);
  const notes =
    others.length > 0
      ? [`Nothing reads ${listed(others)}, which ${others.length > 1 ? 'belong' : 'belongs'} to training.`]
      : [];
  if (prefixes.length === 1) return notes;
  const left = prefixes.filter((one) => one !== prefix);
  return [
    `The moving average of the weights, ${quoted(prefix)}, is imported, not ${listed(left)}.`,
    ...notes,
  ];
}

/** Whether the names of a state_dict tell its architecture. */
export function isRecognised(tensors: StateDict): boolean {
  return prefixesIn(tensors).length > 0;
}

/**
 * The network whose weights a state_dict holds, which its names tell.
 * @param source the file, for messages.
 * @param maxNumbers that its tensors may have in all.
 * @throws {UserError} where the names fit no architecture, or several; where a tensor is missing, superfluous, or of another
 * shape.
 */
export function readStateDict(
  tensors: StateDict,
  source: string,
  hints: ImportHints,
  maxNumbers: number,
): Network {
  const prefixes = prefixesIn(tensors);
  if (prefixes.length === 0)
    cannot(
      source,
      `the names of its tensors, such as ${listed([...tensors.keys()])}, tell no architecture that bat-sup knows; export the network as ONNX`,
    );
  const prefix = choosePrefix(prefixes, source);
  const builder = new NetworkBuilder(source, hints);
  const net = new Modules(builder, tensors, prefix, maxNumbers);
  const architecture = architectureFor(net, hints.networkName, source);
  const channels = net.shapeOf(architecture.stem)[1];
  const { side, ...convention } = architecture.convention(net);
  const pictures = builder.pictures('the network', [null, null, channels], { width: side, height: side });
  const logits = architecture.build(net, pictures);
  const notes = checkUnread(net.unread(), prefix, prefixes, source);
  const isUsual = channels === 3 && !saysHow(hints);
  const network = builder.finish(pictures, logits, undefined, { usual: isUsual ? convention : undefined });
  const { fit: _, ...normalisation } = network.preprocessing;
  const assumed = network.assumed?.map((what) => (what === 'order' && isUsual ? 'preparation' : what)) ?? [];
  return { ...network, preprocessing: { ...fittingOf(convention), ...normalisation }, assumed, notes };
}
