import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chmodSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOf, type Mpi, mpirunOf } from './mpirun.ts';

const cable = fileURLToPath(new URL('cable.py', import.meta.url));
const addresses = ['10.99.0.1', '10.99.0.2'];
const subnet = '10.99.0.0/24';

/** Why a test with several hosts is skipped, or false if it can run. */
export function withoutHosts(): string | false {
  const name = `probe-${process.pid}`;
  if (spawnSync('python3', ['--version']).status !== 0) return 'needs Python 3';
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0)
    return 'needs Linux, iproute2 and the right to make network namespaces (root)';
  spawnSync('ip', ['netns', 'delete', name]);
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return 'needs /dev/net/tun';
  }
}

export interface Disturbance {
  /** Milliseconds by which each packet is delayed. */
  delay: number;
  /** Share of the packets that are lost. */
  loss: number;
}

/** Two simulated hosts: a network namespace and an address each, and a cable between them. */
export class TwoHosts {
  readonly #names = ['a', 'b'].map((name) => `host-${name}-${process.pid}`);
  #cable: ChildProcess | undefined;

  constructor() {
    for (const name of this.#names) {
      execFileSync('ip', ['netns', 'add', name]);
      execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
  }

  async connect({ delay, loss }: Disturbance): Promise<void> {
    const ends = this.#names.map((name, host) => `${name}=${addresses[host]}`);
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    this.#cable = spawn('python3', [cable, ...ends, String(delay), String(loss)], { stdio: [...stdio] });
    await once(this.#cable.stdout as NodeJS.ReadableStream, 'data');
  }

  /** @returns how many packets the cable has carried and lost. */
  async disconnect(): Promise<{ carried: number; lost: number }> {
    const counts = once(this.#cable?.stdout as NodeJS.ReadableStream, 'data');
    this.#cable?.kill();
    return JSON.parse(String(await counts));
  }

  remove(): void {
    this.#cable?.kill();
    for (const name of this.#names) execFileSync('ip', ['netns', 'delete', name]);
  }

  /** Starts a program by mpirun on the first host, with one rank on each host, connected by TCP only. */
  start(mpi: Mpi, folder: string, program: string[]): ChildProcess {
    // Replaces ssh: mpirun passes options, the address, then the command.
    const agent = join(folder, 'agent.sh');
    const names = addresses.map((address, host) => `${address}) name=${this.#names[host]} ;;`).join(' ');
    const skip = 'while case $1 in -*) ;; *) false ;; esac; do shift; done';
    writeFileSync(
      agent,
      `#!/bin/sh\n${skip}\ncase $1 in ${names} esac\nshift\nexec ip netns exec $name sh -c "$*"\n`,
    );
    chmodSync(agent, 0o755);
    const [first] = this.#names as [string, string];
    const ranks = ['--wdir', folder, '-n', '2', process.execPath, ...program];
    const mpirun = [mpirunOf(mpi), ...overTcp[mpi.family](agent), ...ranks];
    return spawn('ip', ['netns', 'exec', first, ...mpirun], {
      env: environmentOf(mpi),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** mpirun's arguments for the two hosts and the network between them. */
const overTcp = {
  'Open MPI': (agent: string) => [
    ...['--allow-run-as-root', '--host', addresses.map((one) => `${one}:1`).join(',')],
    ...['--mca', 'plm_rsh_agent', agent, '--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self'],
    ...['--mca', 'btl_tcp_if_include', subnet, '--mca', 'oob_tcp_if_include', subnet],
    ...['-x', 'BATSUP_ENGINE'],
  ],
  MPICH: (agent: string) => [
    ...['-hosts', addresses.join(','), '-localhost', addresses[0] as string, '-launcher-exec', agent],
    ...['-genv', 'UCX_TLS', 'tcp,self'],
  ],
};
