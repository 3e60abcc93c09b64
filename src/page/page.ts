/** The behaviour of the page. The network is behind answer.js; see answer.d.ts. */
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

/** Most classes listed per picture. */
const maxListed = 10;
const photographQuality = 0.95;

/** A picture and its card on the page. */
interface Entry {
  picture: Blob;
  card: Element;
  /** Whether the browser can show it; undefined until it has tried. */
  isShown?: boolean;
  answer?: Answer;
  /** Whether the answer was requested with a heat map. */
  isDrawn: boolean;
  /** Why there is no answer, in a sentence; '' otherwise. */
  problem: string;
}

/** The pictures on the page. Answers for earlier ones are dropped. */
let current: Entry[] = [];
/** The pictures that are being classified. */
let working: Entry[] | undefined;
/** How pictures are fitted to the network's size. */
let fit: Description['fit'] = 'fill';
/** Share of height and width that the network sees. */
let crop = 1;

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

/** An element of a picture's card. */
function part<T extends HTMLElement>({ card }: Entry, className: string): T {
  return card.querySelector(`.${className}`) as T;
}

/** Shows a blob in an image element, and releases the previous one. */
function show(image: HTMLImageElement, blob: Blob): void {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
}

/** Shows or hides the parts of a card; a browser supports other formats than the network's decoder. */
function updateCard(entry: Entry): void {
  part(entry, 'stack').hidden = !entry.isShown;
  part(entry, 'unseen').hidden = entry.isShown !== false || !entry.answer;
  part(entry, 'heat-map').hidden = !showHeatMap.checked || !entry.answer?.heatMap;
}

async function showPicture(entry: Entry): Promise<void> {
  const image = part<HTMLImageElement>(entry, 'picture');
  show(image, entry.picture);
  entry.isShown = await image.decode().then(
    () => true,
    () => false,
  );
  updateCard(entry);
}

function row({ label, probability }: Answer['classes'][number], answered: string[]): HTMLLIElement {
  const item = document.createElement('li');
  if (answered.includes(label)) item.className = 'answered';
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

/** Where a picture is of none of the classes: a sentence about it; '' otherwise. */
function whyUnknown({ distance = 0 }: Partial<Answer>): string {
  if (distance <= 1) return '';
  return `Unknown: none of the classes (distance ${distance.toFixed(2)}; above 1 is unknown)`;
}

function showAnswer(entry: Entry): void {
  const { classes = [], answered = [], heatMap } = entry.answer ?? {};
  const unknown = whyUnknown(entry.answer ?? {});
  part(entry, 'unknown').textContent = unknown;
  part(entry, 'unknown').hidden = unknown === '';
  part(entry, 'problem').textContent = entry.problem;
  part(entry, 'classes').replaceChildren(...classes.slice(0, maxListed).map((one) => row(one, answered)));
  if (heatMap) show(part(entry, 'heat-map'), heatMap);
  updateCard(entry);
}

/** The line above the pictures when all are done. */
function summary(all: Entry[]): string {
  const answered = all.filter(({ answer }) => answer);
  const [best] = all[0]?.answer?.classes ?? [];
  if (all.length > 1) return `${answered.length} of ${all.length} pictures classified`;
  const shown = all[0]?.answer?.answered;
  if (shown) return shown.join(', ') || 'None of the classes';
  const unknown = whyUnknown(all[0]?.answer ?? {});
  if (unknown) return unknown;
  return best ? `${best.label}, ${percent(best.probability)}` : '';
}

/** @throws {Error} where the file is a folder, or no longer exists. */
async function checkReadable({ picture }: Entry): Promise<void> {
  await picture
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => {
      throw new Error('This file cannot be read. If it is a folder, choose the pictures in it.');
    });
}

/** Classifies one picture and shows the result, unless other pictures have replaced it. */
async function classifyOne(entry: Entry, all: Entry[]): Promise<void> {
  const heatMap = showHeatMap.checked;
  const which = all.length > 1 ? ` picture ${all.indexOf(entry) + 1} of ${all.length}` : '';
  status.textContent = `Classifying${which}${heatMap ? ' and drawing the heat map' : ''} ...`;
  try {
    await checkReadable(entry);
    entry.answer = await answer(entry.picture, { heatMap });
    entry.isDrawn = heatMap;
  } catch (error) {
    entry.problem = sentenceOf(error);
  }
  if (all === current) showAnswer(entry);
}

/** Classifies the pictures one after the other, and again those that need a heat map now. */
async function classifyAll(): Promise<void> {
  const all = current;
  if (all === working) return;
  working = all;
  const next = () =>
    all.find((entry) => entry.problem === '' && (!entry.answer || (showHeatMap.checked && !entry.isDrawn)));
  for (let entry = next(); entry && all === current; entry = next()) await classifyOne(entry, all);
  if (all !== current) return;
  working = undefined;
  status.textContent = summary(all);
}

/** Shows new pictures and classifies each. */
async function take(pictures: Blob[]): Promise<void> {
  for (const image of results.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  problem.textContent = '';
  current = pictures.map((picture) => {
    const card = (template.content.cloneNode(true) as DocumentFragment).firstElementChild as Element;
    const entry: Entry = { picture, card, isDrawn: false, problem: '' };
    const name = picture instanceof File ? picture.name : '';
    part(entry, 'name').textContent = name;
    part<HTMLImageElement>(entry, 'picture').alt = `Your picture ${name}`.trim();
    part(entry, 'heat-map').classList.add(fit);
    if (crop < 1) part(entry, 'heat-map').style.transform = `scale(${crop})`;
    return entry;
  });
  const all = current;
  results.replaceChildren(...all.map(({ card }) => card));
  await Promise.all([classifyAll(), ...all.map(showPicture)]);
}

function takeFiles(files: Iterable<File>): void {
  const pictures = [...files];
  if (pictures.length > 0) void take(pictures);
  else fail('That contains no picture; choose an image file.');
}

async function changeHeatMap(): Promise<void> {
  for (const entry of current) updateCard(entry);
  if (current.length > 0) await classifyAll();
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
        ? 'The browser blocks the camera; allow it for this page in the browser’s settings, or choose a picture.'
        : 'No camera is available; choose a picture instead.',
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
    (picture) => (picture ? take([picture]) : fail('The camera returned no picture; try again.')),
    'image/jpeg',
    photographQuality,
  );
}

function listen(): void {
  for (const id of ['file', 'photograph-file']) {
    const input = element<HTMLInputElement>(id);
    input.addEventListener('change', () => {
      if (input.files?.length) takeFiles(input.files);
      // Allows choosing the same file again.
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
  // Browsers offer cameras only to pages from HTTPS or from this machine.
  const hasCamera = navigator.mediaDevices !== undefined;
  cameraButton.hidden = !hasCamera;
  photograph.hidden = hasCamera;
}

function introduce({ title, classes, heatMaps, note, ...description }: Description): void {
  fit = description.fit;
  crop = description.crop;
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
