import { fingerprintBytes } from '../images/fingerprint.ts';
import type { Stamp } from './inspect.ts';
import { digestBytes, type Inspection } from './inspection.ts';

/**
 * The inspections of all pictures by index. They are stored in columns rather than objects, 170 bytes per picture without
 * its path, so that a million fit into memory.
 */
export class Inspections {
  readonly size: Float64Array;
  readonly modified: Float64Array;
  readonly width: Uint32Array;
  readonly height: Uint32Array;
  readonly damaged: Uint8Array;
  readonly uniform: Uint8Array;
  readonly digests: Uint8Array;
  readonly fingerprints: Uint8Array;
  /** Why a picture cannot be read, for those that cannot. */
  readonly unreadable = new Map<number, string>();
  readonly #kinds: Uint8Array;
  readonly #kindNames: string[] = [];

  constructor(count: number) {
    this.size = new Float64Array(count).fill(-1);
    this.modified = new Float64Array(count);
    this.width = new Uint32Array(count);
    this.height = new Uint32Array(count);
    this.damaged = new Uint8Array(count);
    this.uniform = new Uint8Array(count);
    this.digests = new Uint8Array(count * digestBytes);
    this.fingerprints = new Uint8Array(count * fingerprintBytes);
    this.#kinds = new Uint8Array(count);
  }

  kind(index: number): string {
    return this.#kindNames[this.#kinds[index] as number] as string;
  }

  digest(index: number): Uint8Array {
    return this.digests.subarray(index * digestBytes, (index + 1) * digestBytes);
  }

  fingerprint(index: number): Uint8Array {
    return this.fingerprints.subarray(index * fingerprintBytes, (index + 1) * fingerprintBytes);
  }

  /** @param result an inspection, or why the picture cannot be read. */
  set(index: number, { size, modified }: Stamp, result: Inspection | string): void {
    this.size[index] = size;
    this.modified[index] = modified;
    if (typeof result === 'string') {
      this.unreadable.set(index, result);
      this.digest(index).fill(0);
      this.fingerprint(index).fill(0);
      return;
    }
    this.unreadable.delete(index);
    this.width[index] = result.width;
    this.height[index] = result.height;
    this.damaged[index] = Number(result.damaged);
    this.uniform[index] = Number(result.uniform);
    this.digest(index).set(result.digest);
    this.fingerprint(index).set(result.fingerprint);
    this.#kinds[index] = this.#numberOf(result.kind);
  }

  get(index: number): Inspection | string {
    return (
      this.unreadable.get(index) ?? {
        kind: this.kind(index),
        width: this.width[index] as number,
        height: this.height[index] as number,
        damaged: this.damaged[index] === 1,
        uniform: this.uniform[index] === 1,
        digest: this.digest(index),
        fingerprint: this.fingerprint(index),
      }
    );
  }

  #numberOf(kind: string): number {
    const known = this.#kindNames.indexOf(kind);
    return known >= 0 ? known : this.#kindNames.push(kind) - 1;
  }
}
