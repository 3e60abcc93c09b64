/** The facts that decide whether TensorFlow can be set up. */
export interface Machine {
  platform: NodeJS.Platform;
  arch: string;
  /** Whether programs are linked with the GNU C library, not with musl. */
  glibc: boolean;
}

export function thisMachine(): Machine {
  const { platform, arch } = process;
  const report = platform === 'linux' ? process.report.getReport() : {};
  const { header } = report as { header?: { glibcVersionRuntime?: string } };
  return { platform, arch, glibc: header?.glibcVersionRuntime !== undefined };
}

const names: Partial<Record<NodeJS.Platform, string>> = { darwin: 'macOS', linux: 'Linux', win32: 'Windows' };

/** Why TensorFlow cannot be set up on a machine, and what runs there instead; undefined if it can. */
export function whyNoTensorFlow({ platform, arch, glibc }: Machine = thisMachine()): string | undefined {
  if (platform === 'linux' && glibc && ['x64', 'arm64'].includes(arch)) return undefined;
  const libc = platform === 'linux' && !glibc ? ' with musl' : '';
  return (
    `TensorFlow can be set up on Linux with glibc (x64, arm64) only, not on ${names[platform] ?? platform}${libc} (${arch}); ` +
    'the engines wasm and cpu run here, and need no setup.'
  );
}
