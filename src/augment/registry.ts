import type { AmericanOf } from '../text/american_spelling.ts';
import type { Operation } from './operation.ts';
import * as all from './operations/index.ts';
import type { ValuesOf } from './parameters.ts';

type Registered = (typeof all)[keyof typeof all];

/** Every operation, in alphabetical order. */
export const operations: readonly Registered[] = Object.values(all);

/** 'autoContrast', 'blackAndWhite' ...: `bat-sup augment --list` describes them. */
export type OperationName = Registered['name'];

type ParametersOf<Name> = ValuesOf<Extract<Registered, { name: Name }>['parameters']>;

/** The same parameters under the American spellings of their names: centre -> center. */
type AmericanParametersOf<P> = { [Name in keyof P as AmericanOf<Name>]: P[Name] };

/**
 * An operation as config.ts names it: its name alone, with its default probability and parameters, or
 * { operation: 'rotate', probability: 0.7, maxLeft: 10 }. American spellings are accepted: 'grayscale' for 'greyscale'.
 */
export type OperationSetting =
  | OperationName
  | AmericanOf<OperationName>
  | {
      [Name in OperationName]: {
        operation: Name | AmericanOf<Name>;
        probability?: number;
      } & Partial<ParametersOf<Name>> &
        Partial<AmericanParametersOf<ParametersOf<Name>>>;
    }[OperationName];

/** @returns undefined where no operation has this name. */
export function findOperation(name: unknown): Operation | undefined {
  return operations.find((one) => one.name === name) as Operation | undefined;
}
