/** CSS of the report, in addition to that of every page. */
export const style = `
:root { --first: light-dark(#0b57c2, #8ab8ff); --second: light-dark(#a8420a, #ffb27d); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .5rem 1rem; margin: 1rem 0; }
.facts dt { color: var(--soft); font-size: .875rem; }
.facts dd { margin: 0; font-size: 1.25rem; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.chart svg { display: block; width: 100%; height: auto; max-width: 34rem; }
.chart text { font: 12px system-ui, sans-serif; fill: var(--soft); }
.chart line.grid { stroke: var(--line); }
.chart polyline { fill: none; stroke-width: 2; }
.chart polyline.first { stroke: var(--first); }
.chart polyline.second { stroke: var(--second); stroke-dasharray: 6 3; }
.chart circle.first { fill: var(--first); }
.chart circle.second { fill: var(--second); }
.chart line.ideal { stroke: var(--soft); stroke-dasharray: 1 4; stroke-linecap: round; stroke-width: 2; }
.key { display: inline-block; width: 1.5rem; margin: 0 .4rem .2rem 0; border-top: 3px solid; vertical-align: middle; }
.key.first { border-color: var(--first); }
.key.second { border-color: var(--second); border-top-style: dashed; }
.key.ideal { border-color: var(--soft); border-top-style: dotted; }
.key:not(:first-child) { margin-left: 1rem; }
.pictures { display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0 0; padding: 0; list-style: none; }
.pictures figure { max-width: 17.5rem; }
.pair { display: flex; gap: .25rem; }
.pair img { width: calc(50% - .125rem); height: auto; object-fit: contain; }
h3 { overflow-wrap: anywhere; margin-bottom: .25rem; }
.confusion td { background: color-mix(in srgb, var(--first) var(--share), transparent); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .5rem .75rem; }
summary { cursor: pointer; padding: .5rem 0; }
`;
