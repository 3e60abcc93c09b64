import { dirname, join } from 'node:path';
import { parseObject } from '../../text/json.ts';
import { readModelFile } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { damagedModel, decodeTfjs, type ModelJson } from './decode.ts';
import { networkOfGraphModel } from './graph_model.ts';
import { namedByMachine, teachableMachine, withMachine } from './teachable_machine.ts';
import { readWeights } from './weights.ts';

/**
 * Reads a layers-model or a graph-model from a folder.
 * @param source path of model.json.
 * @throws {UserError} where it or its weights are damaged, or have layers that bat-sup lacks.
 */
export async function readTfjs(source: string, hints: ImportHints): Promise<Network> {
  const read = (path: string) => readModelFile(join(dirname(source), path));
  const fail = damagedModel(source);
  const json: ModelJson = parseObject(String(await readModelFile(source))) ?? fail('it is not a JSON object');
  const topology = json.modelTopology as Record<string, unknown> | null | undefined;
  if (json.format === 'graph-model' || Array.isArray(topology?.node)) {
    const weights = await readWeights(json.weightsManifest, read, fail);
    return networkOfGraphModel(topology ?? {}, weights, { file: source, fail, hints });
  }
  const machine = await teachableMachine(dirname(source));
  return namedByMachine(await decodeTfjs(json, { source, read }, withMachine(hints, machine)), machine);
}
