import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Checkpoint } from '../../src/checkpoints/index.ts';
import { describeRemadeData } from '../../src/evaluation/remade_data.ts';
import { copySettings } from '../../src/images/resize_plan.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;

/** A run of the default size, trained on pictures resized from rawData, and the ledger in their folder. */
function project({ rawData, ledger }: { rawData?: string; ledger: string[] }) {
  const folder = temporaryFolder();
  const [run, data] = [join(folder, 'run-001'), join(folder, 'my data')];
  mkdirSync(run);
  mkdirSync(data);
  const session = {
    started: '2026-01-01T00:00:00.000Z',
    state: 'finished',
    settings: { ...size, data, epochs: 4, ...(rawData !== undefined && { rawData }) },
    dataset: [],
    from: { epoch: 0, step: 0 },
    environment: { batSup: '0', node: '0', platform: '', cpu: '', threads: 1, memory: 1 },
    process: { id: 1, host: '' },
  };
  const record = { format: 'bat-sup run', version: 1, sessions: [session] };
  writeFileSync(join(run, 'run.json'), JSON.stringify(record));
  writeFileSync(join(data, '.resized.jsonl'), ledger.map((line) => `${line}\n`).join(''));
  const manifest = { model: { ...size }, preprocessing: { fit: size.fit } };
  const checkpoint = { folder: join(run, 'checkpoint-00000001'), manifest } as unknown as Checkpoint;
  return { run, data, checkpoint };
}

const made = JSON.stringify(['bat/1.png', 100, 1]);
/** Written by resize before it writes a picture; remains if it is killed then. */
const announced = JSON.stringify(['bat/2.png', -1, 0]);

test('data/ in the size of the run counts as unchanged, even if resizing more pictures was interrupted', async () => {
  const { checkpoint, data } = project({ ledger: [copySettings(size), made, announced] });
  assert.equal(await describeRemadeData(checkpoint), undefined);
  assert.equal(await describeRemadeData(checkpoint, data), undefined);
});

test('data/ that resize did not make, or made only once, counts as unchanged', async () => {
  assert.equal(await describeRemadeData(project({ ledger: [] }).checkpoint), undefined);
  // A newer version that makes other bytes of the same size.
  const newer = JSON.stringify({ ...size, jpeg: 'other' });
  assert.equal(await describeRemadeData(project({ ledger: [newer, made] }).checkpoint), undefined);
});

test('data/ in another size gets a warning with the command that restores it, whatever config.ts says', async () => {
  const ledger = [copySettings({ ...size, width: 64 }), made];
  const { checkpoint, data } = project({ rawData: '/media/usb/photos', ledger });
  const remade = await describeRemadeData(checkpoint);
  assert.ok(remade?.startsWith(`${data} was resized again after run-001 was trained`), remade);
  const [, command = ''] = /"(bat-sup resize .*)" restores it\.$/.exec(remade ?? '') ?? [];
  assert.match(command, /^bat-sup resize --width 100 --height 100 --channels 3 --fit fill /);
  assert.match(command, / --raw-data \/media\/usb\/photos( |$)/);
  assert.match(command, / --data '.*my data'( |$)/);
});
