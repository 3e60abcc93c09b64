/** Implements src/page/answer.d.ts in the browser: asks the server that the page came from. */
import type { Answer, Description } from '../page/answer.js';

/** Key of the token in the tab's session storage. */
const tokenKey = 'bat-sup token';

/** Shows a dialog that asks for the server's token. @returns '' where none was given. */
function askForToken(): Promise<string> {
  const dialog = document.createElement('dialog');
  const form = document.createElement('form');
  form.method = 'dialog';
  const label = document.createElement('label');
  label.textContent = 'This server requires a token: ';
  const input = document.createElement('input');
  input.type = 'password';
  input.required = true;
  const button = document.createElement('button');
  button.textContent = 'Continue';
  label.append(input);
  form.append(label, button);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener('cancel', () => form.reset());
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(input.value.trim());
    });
  });
}

function send(path: string, request: RequestInit): Promise<Response> {
  const token = sessionStorage.getItem(tokenKey);
  const headers = new Headers(request.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  return fetch(path, { ...request, headers }).catch(() => {
    throw new Error('The server cannot be reached. Is it still running?');
  });
}

/** Sends a request and asks for a token as often as the server refuses it. @returns the JSON of the answer. */
async function ask(path: string, request: RequestInit = {}) {
  for (;;) {
    const response = await send(path, request);
    const body = await response.json();
    if (response.ok) return body;
    const token = response.status === 401 ? await askForToken() : '';
    if (token === '') throw new Error(body.detail);
    sessionStorage.setItem(tokenKey, token);
  }
}

export async function describe(): Promise<Description> {
  const { classes, fit, crop, heatMaps } = await ask('/model');
  const note = `Pictures are sent to ${location.host}, which classifies them and does not keep them.`;
  return { title: 'Picture classifier', classes, fit, crop, heatMaps, note };
}

export async function answer(picture: Blob, { heatMap }: { heatMap: boolean }): Promise<Answer> {
  const isPicture = picture.type.startsWith('image/');
  const body = await ask(`/predict?heatmap=${heatMap}`, {
    method: 'POST',
    headers: { 'content-type': isPicture ? picture.type : 'application/octet-stream' },
    body: picture,
  });
  const [{ classes, answered, distance, heatMap: png }] = body.answers;
  return {
    classes: classes.map(({ class: label, probability }: { class: string; probability: number }) => ({
      label,
      probability,
    })),
    ...(answered && { answered }),
    ...(distance !== undefined && { distance }),
    heatMap: png
      ? new Blob([Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0))], { type: 'image/png' })
      : null,
  };
}
