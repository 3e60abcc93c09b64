import type { Command } from 'commander';
import { readSettings, settingOptions } from '../config/index.ts';
import type { Diagnosis } from '../doctor/doctor.ts';
import { addExamples } from './examples.ts';
import { noticeText } from './notice.ts';

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('print which engine runs here and why, and what a faster one would need')
    .option('--json', 'print the findings as JSON');
  settingOptions(command, ['engine', 'threads']).action(doctor);
  addExamples(command, [
    ['bat-sup doctor', 'prints which engine runs here, and what a faster one would need'],
    ['bat-sup doctor --engine native', 'prints whether one engine runs here, and why not'],
  ]);
}

/** Exits with code 1 where the requested engine cannot run. */
async function doctor(options: Record<string, unknown>): Promise<void> {
  const settings = await readSettings(options);
  const { diagnose } = await import('../doctor/doctor.ts');
  const diagnosis = await diagnose(settings.engine, settings.threads);
  if (options.json) console.log(JSON.stringify(diagnosis));
  else
    for (const [name, value] of rows(diagnosis))
      console.log(noticeText(`${name.padEnd(11)} ${value}`, ' '.repeat(12)));
  if (!diagnosis.engine) {
    process.exitCode = 1;
    console.error(`bat-sup: --engine ${settings.engine} cannot run here: ${diagnosis.why}`);
  }
}

function kindOf({ source, device }: NonNullable<Diagnosis['native']>): string {
  if (source === 'own') return 'a build of your own';
  return `for ${device === 'cuda' ? 'CUDA' : 'the CPU'}`;
}

function shownBackbone({ name, state }: Diagnosis['backbones'][number]): string {
  return state === 'installed' ? name : `${name} (${state.replace(/\.$/, '')})`;
}

function shownQuota({ cpuQuota, cores }: Diagnosis): string {
  if (cpuQuota === null) return '';
  return `; the container's CPU quota is ${Number(cpuQuota.toFixed(2))} of ${cores} cores`;
}

function rows(diagnosis: Diagnosis): [string, string][] {
  const { engine, why, engines, native, gpus } = diagnosis;
  return [
    ['engine', engine ? `${engine}: ${why}` : 'none that can run as requested'],
    ...engines.map((check): [string, string] => [
      `  ${check.name}`,
      check.description ? `runs: ${check.description}` : `does not run: ${check.reason}`,
    ]),
    ['TensorFlow', native ? `${native.tensorflow}, ${kindOf(native)}` : 'not set up'],
    ['CUDA', diagnosis.cuda ?? 'not set up'],
    ['cuDNN', diagnosis.cudnn ?? 'not set up'],
    [
      'GPUs',
      gpus.map(({ name, memory }) => `${name} (${memory} MiB)`).join(', ') ||
        'none found by the NVIDIA driver',
    ],
    ...(gpus[0] ? ([['driver', gpus[0].driver]] as [string, string][]) : []),
    ['backbones', diagnosis.backbones.map(shownBackbone).join(', ') || 'none installed'],
    ['threads', `${diagnosis.threads}, ${diagnosis.memory} GiB of memory${shownQuota(diagnosis)}`],
    ['Node.js', `${diagnosis.node} on ${diagnosis.platform}`],
    ['sharp', `${diagnosis.sharp}, libvips ${diagnosis.libvips}`],
    ...diagnosis.missing.map((text): [string, string] => ['missing', text]),
  ];
}
