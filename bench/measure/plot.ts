/** Charts for the documents, as SVG. */
import { grouped } from './markdown.ts';
import { round } from './statistics.ts';

export interface Point {
  x: number;
  y: number;
  /** Shown while the pointer is on it. */
  label: string;
  /** Written beside it. */
  note?: string;
  /** Drawn hollow. */
  isExtrapolated?: boolean;
}

export interface Series {
  /** For the legend. */
  name: string;
  points: Point[];
  /** Default true; otherwise dots alone. */
  isConnected?: boolean;
}

export interface Chart {
  /** Titles of the axes, which are both logarithmic. */
  x: string;
  y: string;
  series: Series[];
  /** Values to mark on the horizontal axis; default: powers of ten. */
  marks?: number[];
}

const size = { width: 520, height: 280 };
const area = { left: 60, right: 480, top: 20, bottom: 240 };
const colours = ['#0969da', '#1a7f37', '#bc4c00', '#8250df'];

/** Powers of ten around values; closer marks where these are few. */
function marksAround(values: number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
  if (to - from > 2) return decades;
  const closer = decades.flatMap((decade) => [1, 2, 5].map((step) => round(step * decade, 6)));
  const first = closer.findLastIndex((mark) => mark <= low);
  const last = closer.findIndex((mark) => mark >= high);
  return closer.slice(first, Math.max(last, first + 1) + 1);
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function scaleBetween(marks: number[], start: number, end: number): (value: number) => number {
  const [from, to] = [Math.log10(Math.min(...marks)), Math.log10(Math.max(...marks))];
  return (value) => round(start + ((Math.log10(value) - from) / (to - from || 1)) * (end - start), 1);
}

function drawChart({ x: across, y: up, series, marks }: Chart): string {
  const points = series.flatMap((one) => one.points);
  const columns = marks ?? marksAround(points.map(({ x }) => x));
  const rows = marksAround(points.map(({ y }) => y));
  const x = scaleBetween(columns, area.left, area.right);
  const y = scaleBetween(rows, area.bottom, area.top);
  const grid = [
    ...rows.map(
      (value) => `<path d="M${area.left} ${y(value)}H${area.right}" stroke="#d0d7de"/>
<text x="${area.left - 8}" y="${y(value) + 4}" text-anchor="end">${grouped(value)}</text>`,
    ),
    ...columns.map(
      (value) =>
        `<text x="${x(value)}" y="${area.bottom + 18}" text-anchor="middle">${grouped(value)}</text>`,
    ),
    `<text x="${(area.left + area.right) / 2}" y="274" text-anchor="middle">${escaped(across)}</text>`,
    `<text transform="translate(14 ${(area.top + area.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(up)}</text>`,
  ];
  const drawn = series.map(({ points, isConnected = true }, index) => {
    const colour = colours[index % colours.length] as string;
    const line = points.toSorted((a, b) => a.x - b.x).map((point) => `${x(point.x)},${y(point.y)}`);
    const dots = points.map((point) => {
      const [left, top] = [x(point.x), y(point.y)];
      const dot = `<circle cx="${left}" cy="${top}" r="4" fill="${point.isExtrapolated ? '#ffffff' : colour}" stroke="${colour}"><title>${escaped(point.label)}</title></circle>`;
      return point.note ? `${dot}\n<text x="${left + 8}" y="${top + 4}">${escaped(point.note)}</text>` : dot;
    });
    const polyline = `<polyline points="${line.join(' ')}" fill="none" stroke="${colour}"/>`;
    return [...(isConnected ? [polyline] : []), ...dots].join('\n');
  });
  return [...grid, ...drawn].join('\n');
}

function drawLegend(series: Series[], top: number): string {
  const entries = series.map(({ name }, index) => {
    const left = area.left + 170 * index;
    return `<circle cx="${left}" cy="${top}" r="4" fill="${colours[index % colours.length]}"/>
<text x="${left + 8}" y="${top + 4}">${escaped(name)}</text>`;
  });
  return entries.join('\n');
}

/**
 * Charts side by side.
 * @param hasLegend whether the names of the first one's series are written below.
 * @returns an SVG file.
 */
export function svgOf(title: string, charts: Chart[], hasLegend = false): string {
  const [width, height] = [size.width * charts.length, size.height + (hasLegend ? 24 : 0)];
  const drawn = charts.map(
    (chart, index) => `<g transform="translate(${size.width * index} 0)">\n${drawChart(chart)}\n</g>`,
  );
  const legend = hasLegend ? [drawLegend(charts[0]?.series ?? [], size.height + 8)] : [];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#57606a">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${[...drawn, ...legend].join('\n')}
</svg>
`;
}
