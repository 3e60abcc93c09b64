/** The page's behaviour. What answers is behind answer.js: see answer.d.ts. */
import { type Answer, answer, type Description, describe } from './answer.js';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const ways = element('ways');
const status = element('status');
const problem = element('problem');
const results = element('results');
const template = element<HTMLTemplateElement>('result');
const showHeatMap = element<HTMLInputElement>('show-heat-map');
const video = element<HTMLVideoElement>('video');

const cameraButton = element('open-camera');
const photograph = element('photograph');

/** So many of the likeliest are listed. */
const maxListed = 10;
const photographQuality = 0.95;

/** A picture that was given, and what is shown of it. */
interface Asked {
  picture: Blob;
  card: Element;
  /** Whether the browser can show it; undefined as long as it tries. */
  isShown?: boolean;
  answer?: Answer;
  /** Whether a heat map was asked for as well. */
  isDrawn: boolean;
  /** Why there is no answer, a sentence; '' where there is one. */
  problem: string;
}

/** What is shown; answers about what was shown before it come too late. */
let current: Asked[] = [];
/** Those that are being asked about. */
let working: Asked[] | undefined;
/** How pictures are brought to the network's size. */
let fit: Description['fit'] = 'fill';

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(error: unknown): void {
  status.textContent = '';
  problem.textContent = sentenceOf(error);
}

/** A part of what is shown of a picture. */
function part<T extends HTMLElement>({ card }: Asked, className: string): T {
  return card.querySelector(`.${className}`) as T;
}

/** Shows a blob in an image, and forgets the one before. */
function show(image: HTMLImageElement, blob: Blob): void {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

/** Shows what can be shown of it: a browser knows other kinds of pictures than the network's side does. */
function lay(asked: Asked): void {
  part(asked, 'stack').hidden = !asked.isShown;
  part(asked, 'unseen').hidden = asked.isShown !== false || !asked.answer;
  part(asked, 'heat-map').hidden = !showHeatMap.checked || !asked.answer?.heatMap;
}

async function showPicture(asked: Asked): Promise<void> {
  const image = part<HTMLImageElement>(asked, 'picture');
  show(image, asked.picture);
  asked.isShown = await image.decode().then(
    () => true,
    () => false,
  );
  lay(asked);
}

function row({ label, probability }: Answer['classes'][number]): HTMLLIElement {
  const item = document.createElement('li');
  const add = (className: string, text: string) => {
    const span = document.createElement('span');
    span.className = className;
    span.textContent = text;
    item.append(span, ' ');
    return span;
  };
  add('label', label);
  add('share', percent(probability));
  const filled = document.createElement('span');
  filled.style.width = `${100 * probability}%`;
  add('bar', '').append(filled);
  return item;
}

function showAnswer(asked: Asked): void {
  const { classes = [], heatMap } = asked.answer ?? {};
  part(asked, 'problem').textContent = asked.problem;
  part(asked, 'classes').replaceChildren(...classes.slice(0, maxListed).map(row));
  if (heatMap) show(part(asked, 'heat-map'), heatMap);
  lay(asked);
}

/** What became of all pictures, for the line above them. */
function summary(all: Asked[]): string {
  const answered = all.filter(({ answer }) => answer);
  const [best] = all[0]?.answer?.classes ?? [];
  if (all.length > 1) return `${answered.length} of ${all.length} pictures answered`;
  return best ? `${best.label}, ${percent(best.probability)}` : '';
}

/** @throws {Error} saying so where the file is a folder, or has gone. */
async function checkReadable({ picture }: Asked): Promise<void> {
  await picture
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => {
      throw new Error('This cannot be read; if it is a folder, choose the pictures in it.');
    });
}

/** Asks about one picture, and shows what came of it if it is still wanted. */
async function askOne(asked: Asked, all: Asked[]): Promise<void> {
  const heatMap = showHeatMap.checked;
  const which = all.length > 1 ? ` at picture ${all.indexOf(asked) + 1} of ${all.length}` : '';
  status.textContent = `Looking${which}${heatMap ? ', and drawing the heat map' : ''} ...`;
  try {
    await checkReadable(asked);
    asked.answer = await answer(asked.picture, { heatMap });
    asked.isDrawn = heatMap;
  } catch (error) {
    asked.problem = sentenceOf(error);
  }
  if (all === current) showAnswer(asked);
}

/** Asks about the pictures one after the other, again where a heat map is wished for since. */
async function ask(): Promise<void> {
  const all = current;
  if (all === working) return;
  working = all;
  const next = () =>
    all.find((asked) => asked.problem === '' && (!asked.answer || (showHeatMap.checked && !asked.isDrawn)));
  for (let asked = next(); asked && all === current; asked = next()) await askOne(asked, all);
  if (all !== current) return;
  working = undefined;
  status.textContent = summary(all);
}

/** Shows new pictures and asks about each. */
async function take(pictures: Blob[]): Promise<void> {
  for (const image of results.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  problem.textContent = '';
  current = pictures.map((picture) => {
    const card = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as Element;
    const asked: Asked = { picture, card, isDrawn: false, problem: '' };
    const name = picture instanceof File ? picture.name : '';
    part(asked, 'name').textContent = name;
    part<HTMLImageElement>(asked, 'picture').alt = `Your picture ${name}`.trim();
    part(asked, 'heat-map').classList.add(fit);
    return asked;
  });
  const all = current;
  results.replaceChildren(...all.map(({ card }) => card));
  await Promise.all([ask(), ...all.map(showPicture)]);
}

function takeFiles(files: Iterable<File>): void {
  const pictures = [...files];
  if (pictures.length > 0) void take(pictures);
  else fail('There is no picture in what was given; choose a picture’s file.');
}

async function changeHeatMap(): Promise<void> {
  for (const asked of current) lay(asked);
  if (current.length > 0) await ask();
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
    (picture) => (picture ? take([picture]) : fail('The camera gave no picture; try again.')),
    'image/jpeg',
    photographQuality,
  );
}

function listen(): void {
  for (const id of ['file', 'photograph-file']) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener('change', () => {
      if (input.files?.length) takeFiles(input.files);
      // So that the same file can be chosen again.
      input.value = '';
    });
  }
  addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData?.files.length) takeFiles(clipboardData.files);
  });
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', () => document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    takeFiles(event.dataTransfer?.files ?? []);
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

function introduce({ title, classes, heatMaps, note, ...description }: Description): void {
  fit = description.fit;
  document.title = title;
  element('title').textContent = title;
  const listed = classes.slice(0, maxListed).join(', ');
  const more = classes.length > maxListed ? ` and ${classes.length - maxListed} more` : '';
  element('about').textContent = `Recognises: ${listed}${more}.`;
  element('note').textContent = note;
  element('heat-map-choice').hidden = !heatMaps;
  ways.hidden = false;
}

try {
  introduce(await describe());
  listen();
} catch (error) {
  element('about').textContent = '';
  fail(error);
}
