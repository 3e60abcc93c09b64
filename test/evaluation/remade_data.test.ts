import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Checkpoint } from '../../src/checkpoints/index.ts';
import { describeRemadeData } from '../../src/evaluation/remade_data.ts';
import { copySettings } from '../../src/images/resize.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const size = { width: 100, height: 100, channels: 3, fit: 'fill' } as const;

/** A run of the default size, trained on pictures that were made of rawData, and what lies in their folder. */
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
/** As resize tells of what it is about to make; a kill leaves it so. */
const announced = JSON.stringify(['bat/2.png', -1, 0]);

test('data/ in the size of the run is as it was, also where resizing more pictures was interrupted', async () => {
  const { checkpoint, data } = project({ ledger: [copySettings(size), made, announced] });
  assert.equal(await describeRemadeData(checkpoint), undefined);
  assert.equal(await describeRemadeData(checkpoint, data), undefined);
});

test('what came from elsewhere, or was never made anew, is as it was', async () => {
  assert.equal(await describeRemadeData(project({ ledger: [] }).checkpoint), undefined);
  // A newer version that makes other bytes of the same size.
  const newer = JSON.stringify({ ...size, jpeg: 'other' });
  assert.equal(await describeRemadeData(project({ ledger: [newer, made] }).checkpoint), undefined);
});

test('data/ in another size is told, with the command for what the run was made of, whatever config.ts says', async () => {
  const ledger = [copySettings({ ...size, width: 64 }), made];
  const { checkpoint, data } = project({ rawData: '/media/usb/photos', ledger });
  const remade = await describeRemadeData(checkpoint);
  assert.ok(remade?.startsWith(`${data} has been resized anew since run-001 was trained`), remade);
  const [, command = ''] = /"(bat-sup resize .*)" makes it as it was\.$/.exec(remade ?? '') ?? [];
  assert.match(command, /^bat-sup resize --width 100 --height 100 --channels 3 --fit fill /);
  assert.match(command, / --raw-data \/media\/usb\/photos( |$)/);
  assert.match(command, / --data '.*my data'( |$)/);
});
