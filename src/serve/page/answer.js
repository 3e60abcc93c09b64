/** Answers come from the server that the page is from. */

const tokenKey = 'bat-sup token';

/** Asks for the token that the server wants, in a dialogue. @returns {Promise<string>} '' where none was given. */
function askForToken() {
  const dialog = document.createElement('dialog');
  const form = document.createElement('form');
  form.method = 'dialog';
  const label = document.createElement('label');
  label.textContent = 'This server asks for a token. ';
  const input = document.createElement('input');
  input.type = 'password';
  input.autocomplete = 'current-password';
  input.required = true;
  const button = document.createElement('button');
  button.textContent = 'Go on';
  label.append(input);
  form.append(label, button);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(input.value.trim());
    });
  });
}

function ask(blob) {
  const token = sessionStorage.getItem(tokenKey);
  return fetch('/predict?heatmap=true', {
    method: 'POST',
    headers: {
      'content-type': blob.type.startsWith('image/') ? blob.type : 'application/octet-stream',
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: blob,
  });
}

/** Asks again with another token as long as one is given. The tab remembers it. */
async function askWithToken(blob) {
  for (;;) {
    const response = await ask(blob);
    if (response.status !== 401) return response;
    const token = await askForToken();
    if (token === '') return response;
    sessionStorage.setItem(tokenKey, token);
  }
}

/**
 * @param {Blob} blob a picture.
 * @returns {Promise<{classes: {label: string, probability: number}[], heatMap: Blob | null}>} best first.
 * @throws {Error} with the server's reason.
 */
export async function answer(blob) {
  const response = await askWithToken(blob);
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  const [{ classes, heatMap }] = body.answers;
  return {
    classes: classes.map(({ class: label, probability }) => ({ label, probability })),
    heatMap:
      heatMap &&
      new Blob([Uint8Array.from(atob(heatMap), (letter) => letter.charCodeAt(0))], { type: 'image/png' }),
  };
}
