/** Classifies a picture that is chosen, on the visitor's own device. web/answer.js is what the export wrote. */
import { answer, describe } from './web/answer.js';

const file = document.querySelector('#file');
const picture = document.querySelector('#picture');
const text = document.querySelector('#answer');

async function classify() {
  const [chosen] = file.files;
  if (!chosen) return;
  picture.src = URL.createObjectURL(chosen);
  picture.hidden = false;
  try {
    const { classes } = await answer(chosen, { heatMap: false });
    text.textContent = classes
      .map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`)
      .join(', ');
  } catch (error) {
    text.textContent = error.message;
  }
}

file.addEventListener('change', classify);
try {
  const { classes } = await describe();
  text.textContent = `Choose a picture; the answer is one of: ${classes.join(', ')}.`;
  file.disabled = false;
} catch (error) {
  text.textContent = error.message;
}
