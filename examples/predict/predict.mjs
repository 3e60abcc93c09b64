/** Classifies pictures: node predict.mjs <checkpoints> <picture> ... */
import { loadModel, UnreadablePicture } from 'bat-sup';

const [checkpoints, ...files] = process.argv.slice(2);
if (!checkpoints || files.length === 0) {
  console.error('usage: node predict.mjs <checkpoints> <picture> ...');
  process.exit(2);
}

const model = await loadModel(checkpoints);
let index = 0;
// Answers come in the order of the files, however many cores decode them.
for await (const answer of model.predictAll(files)) {
  const file = files[index++];
  if (answer instanceof UnreadablePicture) console.error(`${file}: ${answer.message}`);
  else console.log(`${file}: ${answer.class} (${(100 * answer.probability).toFixed(1)} %)`);
}
await model.dispose();
