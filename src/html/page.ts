import { html, Markup } from './markup.ts';

const style = `
:root { color-scheme: light dark; --line: light-dark(#c8ccd0, #44494e); --soft: light-dark(#555b61, #b3bac1); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  background: light-dark(#fff, #16181a); color: light-dark(#1b1e21, #e8eaec); }
a { color: light-dark(#0b57c2, #8ab8ff); }
h1, h2 { line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child { text-align: left; overflow-wrap: anywhere; min-width: 7rem; }
caption { text-align: left; color: var(--soft); }
.scroll { overflow-x: auto; }
p { margin: .25rem 0; }
figure { margin: 0; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; color: var(--soft); }
img { display: block; max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 4px; }
code { overflow-wrap: anywhere; }
`;

/**
 * A self-contained HTML page: the style is embedded, and its Content-Security-Policy allows embedded pictures only, no
 * scripts. It is light or dark as the reader's system is.
 */
export function page({
  title,
  style: more,
  header,
  main,
}: {
  title: string;
  /** CSS in addition to that of every page. */
  style: string;
  header: Markup;
  main: Markup;
}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(style + more)}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
</body>
</html>
`.text;
}

/** A table that scrolls where it is wider than the page. The first cell of each row is its header. */
export function dataTable(caption: string, titles: string[], rows: (string | number)[][]): Markup {
  const heads = titles.map((title) => html`<th scope="col">${title}</th>`);
  const lines = rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`,
  );
  return scrolling(
    caption,
    html`<table>
<caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody></table>`,
  );
}

/** Content in a box that scrolls sideways, with the keyboard as well. */
export function scrolling(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${content}</div>`;
}
