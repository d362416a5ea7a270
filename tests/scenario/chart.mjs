// Draws what a run measured: panels under one another over one time axis, as SVG. Knows nothing of fluxrig.
//   panel: { title, unit, rows: [{ name, spans: [{ from, to, word, colour }] }] }               bands
//      or  { title, unit, lines: [{ name, colour, points: [[seconds, value]] }], log, limit }   curves
//   marks: [{ at, word }], drawn through all panels
const WIDTH = 1000;
const LEFT = 92;
const RIGHT = 150;
const ROW = 24;
const CURVE = 128;
const GAP = 34;
const TOP = 88;
const MARK_ROWS = 2;  // so that the words of marks beside each other do not overlap
const PLOT = WIDTH - LEFT - RIGHT;

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const fixed = (value) => Number(value.toFixed(1));

function text(x, y, words, { size = 11, anchor = 'start', colour = '#444', weight = 'normal' } = {}) {
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" text-anchor="${anchor}" fill="${colour}" font-weight="${weight}">${escape(words)}</text>`;
}

// A step of 1, 2 or 5 times a power of ten, so that at most `most` of them cover `span`.
function step(span, most) {
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw);
}

function figure(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

function bands(panel, y, x) {
  let out = '';
  panel.rows.forEach((row, index) => {
    const top = y + index * ROW;
    out += text(LEFT - 8, top + 15, row.name, { anchor: 'end' });
    for (const { from, to, word, colour } of row.spans) {
      const width = Math.max(x(to) - x(from), 0.5);
      out += `<rect x="${fixed(x(from))}" y="${fixed(top + 2)}" width="${fixed(width)}" height="${ROW - 6}" fill="${colour}"><title>${escape(`${word}: ${from.toFixed(1)} s to ${to.toFixed(1)} s`)}</title></rect>`;
      if (word && width > 7 * word.length) out += text(x(from) + width / 2, top + 15, word, { anchor: 'middle', colour: '#fff', size: 10 });
    }
  });
  return out;
}

// From a value to its place, and the values that get a line.
function axis(panel, y) {
  const values = panel.lines.flatMap(({ points }) => points.map(([, value]) => value)).concat(panel.limit ? [panel.limit.value] : []);
  const highest = Math.max(...values, panel.log ? 1 : 1e-9);
  if (panel.log) {
    const least = Math.floor(Math.log10(Math.min(...values.filter((value) => value > 0), highest)));
    const most = Math.max(Math.ceil(Math.log10(highest)), least + 1);
    const place = (value) => y + CURVE - ((Math.log10(Math.max(value, 10 ** least)) - least) / (most - least)) * CURVE;
    return { place, ticks: Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i)) };
  }
  const width = step(highest, 4);
  const count = Math.ceil(highest / width - 1e-9);
  return { place: (value) => y + CURVE - (value / (count * width)) * CURVE, ticks: Array.from({ length: count + 1 }, (_, i) => i * width) };
}

function curves(panel, y, x) {
  const { place, ticks } = axis(panel, y);
  let out = '';
  for (const tick of ticks) {
    out += `<line x1="${LEFT}" x2="${LEFT + PLOT}" y1="${fixed(place(tick))}" y2="${fixed(place(tick))}" stroke="#e4e4e4"/>`;
    out += text(LEFT - 8, place(tick) + 4, figure(tick), { anchor: 'end' });
  }
  if (panel.limit) {
    const at = fixed(place(panel.limit.value));
    out += `<line x1="${LEFT}" x2="${LEFT + PLOT}" y1="${at}" y2="${at}" stroke="#b00020" stroke-dasharray="6 4"/>`;
    out += text(LEFT + PLOT + 8, at + 4, panel.limit.word, { colour: '#b00020' });
  }
  panel.lines.forEach(({ name, colour, points }, index) => {
    // A hole in the points is a hole in the line.
    let path = '';
    points.forEach(([at, value], i) => {
      const joined = i > 0 && at - points[i - 1][0] <= (panel.hole ?? 3);
      path += `${joined ? 'L' : 'M'}${fixed(x(at))} ${fixed(place(value))}`;
    });
    out += `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linejoin="round"/>`;
    out += `<rect x="${LEFT + PLOT + 8}" y="${y + index * 16}" width="10" height="3" fill="${colour}"/>`;
    out += text(LEFT + PLOT + 22, y + index * 16 + 5, name);
  });
  return out;
}

export function draw({ title, subtitle, seconds, panels, marks = [] }) {
  const x = (at) => LEFT + (Math.min(Math.max(at, 0), seconds) / seconds) * PLOT;
  const heightOf = (panel) => (panel.rows ? panel.rows.length * ROW : CURVE);
  const height = TOP + panels.reduce((sum, panel) => sum + heightOf(panel) + GAP, 0) + 12;
  const bottom = height - GAP - 8;
  let body = '';
  let y = TOP;
  for (const panel of panels) {
    body += text(LEFT, y - 8, `${panel.title}${panel.unit ? `, ${panel.unit}` : ''}`, { weight: 'bold', size: 12, colour: '#222' });
    body += panel.rows ? bands(panel, y, x) : curves(panel, y, x);
    y += heightOf(panel) + GAP;
  }
  for (const [index, { at, word }] of marks.entries()) {
    const above = TOP - 24 - 12 * (index % MARK_ROWS);
    body += `<line x1="${fixed(x(at))}" x2="${fixed(x(at))}" y1="${above - 8}" y2="${bottom}" stroke="#777" stroke-dasharray="2 3"/>`;
    body += text(x(at) + 3, above, word, { size: 10, colour: '#222' });
  }
  const width = step(seconds, 12);
  for (let at = 0; at <= seconds + 1e-9; at += width) {
    body += `<line x1="${fixed(x(at))}" x2="${fixed(x(at))}" y1="${bottom}" y2="${bottom + 4}" stroke="#888"/>`;
    body += text(x(at), bottom + 16, `${Number(at.toPrecision(6))}${at === 0 ? ' s' : ''}`, { anchor: 'middle' });
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
${text(LEFT, 22, title, { size: 16, weight: 'bold', colour: '#111' })}
${text(LEFT, 38, subtitle, { colour: '#555' })}
${body}
</svg>
`;
}
