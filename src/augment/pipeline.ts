import seedrandom from 'seedrandom';
import { UsageError } from '../errors.ts';
import { withOurSpelling } from '../text/american_spelling.ts';
import { didYouMean } from '../text/did_you_mean.ts';
import { wrongValue } from '../text/wrong_value.ts';
import type { Change, Operation, Size } from './operation.ts';
import { findOperation, type OperationSetting, operations } from './registry.ts';

/** The operations of config.ts, and those of classes that have their own, by class name. */
export interface OperationsOfClasses {
  operations: readonly OperationSetting[];
  classes?: Record<string, readonly OperationSetting[]>;
}

/** An operation with its probability and all of its parameters. */
export interface Step {
  operation: Operation;
  /** 0..1. */
  probability: number;
  parameters: Record<string, unknown>;
}

export type Pipeline = Step[];

function parseStep(given: unknown, where: string): Step {
  const setting = withOurSpelling(given);
  const { operation: name, ...options } = (
    typeof setting === 'object' && setting !== null ? setting : { operation: setting }
  ) as Record<string, unknown>;
  const operation = findOperation(name);
  if (!operation) {
    const known = operations.map((one) => one.name);
    const meant = typeof name === 'string' ? didYouMean(name, known) : '';
    if (meant) throw new UsageError(`There is no operation ${JSON.stringify(name)}${meant} (${where})`);
    throw wrongValue('operation', `one of ${known.join(', ')}`, name, where);
  }
  const { parameters } = operation;
  const known = ['probability', ...Object.keys(parameters)];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new UsageError(`${name} has no parameter "${unknown}"; it has ${known.join(', ')} (${where}).`);
  const { probability = operation.probability, ...values } = options;
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw wrongValue(`${name}.probability`, 'a number from 0 to 1', probability, where);
  }
  const used = Object.fromEntries(
    Object.entries(parameters).map(([key, parameter]) => {
      const value = values[key] ?? parameter.default;
      if (!parameter.accepts(value)) throw wrongValue(`${name}.${key}`, parameter.allowed, value, where);
      return [key, value];
    }),
  );
  checkOrder(where, operation.name, used);
  return { operation, probability, parameters: used };
}

/** Refuses a minFactor above maxFactor, and the like. */
function checkOrder(where: string, name: string, values: Record<string, unknown>): void {
  for (const [min, value] of Object.entries(values)) {
    const max = min.replace(/^min/, 'max');
    if (max === min || !(Number(value) > Number(values[max]))) continue;
    throw wrongValue(`${name}.${min}`, `at most ${max}, which is ${values[max]}`, value, where);
  }
}

/**
 * Looks up the operations that a setting names, in its order, and checks their parameters.
 * @param where name of the setting, for messages.
 * @throws {UsageError} naming the operation, parameter or value that is not allowed, and what is.
 */
export function parsePipeline(settings: readonly unknown[], where = 'augmentOperations'): Pipeline {
  return settings.map((setting) => parseStep(setting, where));
}

/** The pipeline of a class: its own, or the common one. @throws {UsageError} as parsePipeline does. */
export function pipelineOf({ operations, classes = {} }: OperationsOfClasses, name: string): Pipeline {
  const own = Object.hasOwn(classes, name) ? classes[name] : undefined;
  return own ? parsePipeline(own, `augmentClasses.${name}`) : parsePipeline(operations);
}

/** The common pipeline, then those of the classes that have their own. @throws {UsageError} as parsePipeline does. */
export function allPipelines({ operations, classes = {} }: OperationsOfClasses): Pipeline[] {
  const own = Object.entries(classes).map(([name, list]) => parsePipeline(list, `augmentClasses.${name}`));
  return [parsePipeline(operations), ...own];
}

/** Name of the first operation that mixes in another source; undefined where none does. */
export function findMixing(pipelines: Pipeline[]): string | undefined {
  return pipelines.flat().find(({ operation }) => operation.mixes)?.operation.name;
}

/** A pipeline as JSON with all defaults written out: equal for two settings that do the same. */
export function describePipeline(pipeline: Pipeline): Record<string, unknown>[] {
  return pipeline.map(({ operation, probability, parameters }) => ({
    operation: operation.name,
    probability,
    ...parameters,
  }));
}

/**
 * Makes the random choices for one copy of a picture. Those of an operation depend on the key, the operation's name and
 * how many times it came before, so that they stay the same when another operation is added or removed.
 * @param size of the picture.
 */
export function samplePipeline(pipeline: Pipeline, key: string, size: Size): Change[] {
  const changes: Change[] = [];
  const seen = new Map<string, number>();
  let current = size;
  for (const { operation, probability, parameters } of pipeline) {
    const count = (seen.get(operation.name) ?? 0) + 1;
    seen.set(operation.name, count);
    // Alea is much faster to seed than the default, and each operation of each picture needs a generator.
    const random = seedrandom.alea(`${key}/${operation.name}${count > 1 ? `/${count}` : ''}`);
    if (random() >= probability) continue;
    const sampled = [operation.sample(random, parameters as never, current)].flat();
    changes.push(...sampled);
    const last = sampled.findLast((change) => change.kind === 'geometry');
    if (last) current = { width: last.width, height: last.height };
  }
  return changes;
}
