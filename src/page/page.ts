/** The page's behaviour. What answers is behind answer.js: see answer.d.ts. */
import { type Answer, answer, type Description, describe } from './answer.js';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const ways = element('ways');
const status = element('status');
const problem = element('problem');
const showHeatMap = element<HTMLInputElement>('show-heat-map');
const heatMapImage = element<HTMLImageElement>('heat-map');
const pictureImage = element<HTMLImageElement>('picture');
const video = element<HTMLVideoElement>('video');

const cameraButton = element('open-camera');
const photograph = element('photograph');

/** So many of the likeliest are listed. */
const mostListed = 10;
const photographQuality = 0.95;

/** The picture that is shown; an answer about one before it comes too late. */
let current: { picture: Blob; hasHeatMap: boolean } | undefined;

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}

function fail(error: unknown): void {
  status.textContent = '';
  problem.textContent = error instanceof Error ? error.message : String(error);
}

/** Shows a blob in an image, and forgets the one before. */
function show(image: HTMLImageElement, blob: Blob): void {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

function row({ label, probability }: Answer['classes'][number]): HTMLLIElement {
  const item = document.createElement('li');
  const part = (className: string, text: string) => {
    const span = document.createElement('span');
    span.className = className;
    span.textContent = text;
    item.append(span, ' ');
    return span;
  };
  part('label', label);
  part('share', percent(probability));
  const filled = document.createElement('span');
  filled.style.width = `${100 * probability}%`;
  part('bar', '').append(filled);
  return item;
}

function showAnswer({ classes, heatMap }: Answer): void {
  element('classes').replaceChildren(...classes.slice(0, mostListed).map(row));
  const [best] = classes;
  status.textContent = best ? `${best.label}, ${percent(best.probability)}` : '';
  if (heatMap) show(heatMapImage, heatMap);
}

/** Asks about the current picture, with a heat map where that is wished. */
async function ask(): Promise<void> {
  const asked = current;
  if (!asked) return;
  const heatMap = showHeatMap.checked;
  problem.textContent = '';
  status.textContent = heatMap ? 'Looking, and drawing the heat map ...' : 'Looking ...';
  try {
    const found = await answer(asked.picture, { heatMap });
    if (asked !== current) return;
    asked.hasHeatMap ||= found.heatMap !== null;
    showAnswer(found);
    heatMapImage.hidden = !showHeatMap.checked || !asked.hasHeatMap;
  } catch (error) {
    if (asked === current) fail(error);
  }
}

/** Shows a new picture and asks about it. */
async function take(picture: Blob): Promise<void> {
  current = { picture, hasHeatMap: false };
  element('result').hidden = false;
  element('classes').replaceChildren();
  heatMapImage.hidden = true;
  show(pictureImage, picture);
  await ask();
}

function takeFirst(files: Iterable<File>): void {
  const all = [...files];
  const picture = all.find(({ type }) => type.startsWith('image/')) ?? all[0];
  if (picture) void take(picture);
  else fail('There is no picture in what was given; choose a picture’s file.');
}

async function changeHeatMap(): Promise<void> {
  if (showHeatMap.checked && current && !current.hasHeatMap) await ask();
  else heatMapImage.hidden = !showHeatMap.checked || !current?.hasHeatMap;
}

function closeCamera(): void {
  if (video.srcObject instanceof MediaStream) for (const track of video.srcObject.getTracks()) track.stop();
  video.srcObject = null;
  element('camera').hidden = true;
  cameraButton.focus();
}

async function openCamera(): Promise<void> {
  problem.textContent = '';
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    element('camera').hidden = false;
    await video.play();
    element('capture').focus();
  } catch (error) {
    closeCamera();
    photograph.hidden = false;
    const isForbidden = error instanceof DOMException && error.name === 'NotAllowedError';
    fail(
      isForbidden
        ? 'The camera may not be used; allow it for this page in the browser’s settings, or choose a picture.'
        : 'No camera can be used here; choose a picture instead.',
    );
  }
}

function capture(): void {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob(
    (picture) => (picture ? take(picture) : fail('The camera gave no picture; try again.')),
    'image/jpeg',
    photographQuality,
  );
}

function listen(): void {
  for (const id of ['file', 'photograph-file']) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener('change', () => {
      if (input.files?.length) takeFirst(input.files);
      // So that the same file can be chosen again.
      input.value = '';
    });
  }
  addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData?.files.length) takeFirst(clipboardData.files);
  });
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    takeFirst(event.dataTransfer?.files ?? []);
  });
  cameraButton.addEventListener('click', openCamera);
  element('close-camera').addEventListener('click', closeCamera);
  element('capture').addEventListener('click', capture);
  showHeatMap.addEventListener('change', changeHeatMap);
  // Browsers give cameras to pages of HTTPS and of this machine alone.
  const hasCamera = navigator.mediaDevices !== undefined;
  cameraButton.hidden = !hasCamera;
  photograph.hidden = hasCamera;
}

function introduce({ title, classes, fit, heatMaps, note }: Description): void {
  document.title = title;
  element('title').textContent = title;
  const listed = classes.slice(0, mostListed).join(', ');
  const more = classes.length > mostListed ? ` and ${classes.length - mostListed} more` : '';
  element('about').textContent = `Tells pictures apart: ${listed}${more}.`;
  element('note').textContent = note;
  element('heat-map-choice').hidden = !heatMaps;
  heatMapImage.classList.add(fit);
  ways.hidden = false;
}

try {
  introduce(await describe());
  listen();
} catch (error) {
  element('about').textContent = '';
  fail(error);
}
