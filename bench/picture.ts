/** A line of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly colour: string;
  /** SVG's stroke-dasharray; empty for a whole line. */
  readonly dashes: string;
  readonly values: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly ChartLine[];
}

export interface Chart {
  readonly title: string;
  /** What x counts. */
  readonly unit: string;
  readonly panels: readonly Panel[];
}

const [WIDTH, HEIGHT] = [380, 260];
const [LEFT, TOP, GAP, LEGEND] = [60, 56, 70, 18];

/** Panels side by side as SVG, both axes logarithmic: a straight line that climbs a decade for a decade is linear, a level one flat. */
export function chart({ title, unit, panels }: Chart): string {
  const names = panels[0]!.lines;
  const [width, height] = [LEFT + panels.length * (WIDTH + GAP), TOP + HEIGHT + 56 + Math.ceil(names.length / 3) * LEGEND];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 22, title, 'font-size="14" font-weight="bold"'),
    ...panels.map((panel, index) => drawPanel(panel, unit, LEFT + index * (WIDTH + GAP))),
    ...names.map((line, index) => legend(line, LEFT + (index % 3) * 260, TOP + HEIGHT + 56 + Math.floor(index / 3) * LEGEND)),
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel({ title, lines }: Panel, unit: string, left: number): string {
  const all = lines.flatMap(({ values }) => values);
  const x = scale(all.map(([value]) => value), left, left + WIDTH);
  const y = scale(all.map(([, value]) => value), TOP + HEIGHT, TOP);
  return [
    text(left, TOP - 10, title),
    ...y.ticks.map((tick) => `<path d="M${left} ${y.at(tick)}H${left + WIDTH}" stroke="#ddd"/>${text(left - 6, y.at(tick) + 4, label(tick), 'text-anchor="end"')}`),
    ...x.ticks.map((tick) => `<path d="M${x.at(tick)} ${TOP}V${TOP + HEIGHT}" stroke="#eee"/>${text(x.at(tick), TOP + HEIGHT + 16, label(tick), 'text-anchor="middle"')}`),
    text(left + WIDTH / 2, TOP + HEIGHT + 34, unit, 'text-anchor="middle"'),
    ...lines.map(({ colour, dashes, values }) => {
      const places = values.map(([one, other]) => [x.at(one), y.at(other)] as const);
      return `<path d="M${places.map((place) => place.join(" ")).join("L")}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>${places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.5" fill="${colour}"/>`).join("")}`;
    }),
  ].join("\n");
}

/** A logarithmic scale over whole decades, with a tick at each. */
function scale(values: readonly number[], from: number, to: number): { at(value: number): number; readonly ticks: readonly number[] } {
  const logs = values.map((value) => Math.log10(value));
  const [low, high] = [Math.floor(Math.min(...logs) + 1e-9), Math.max(Math.ceil(Math.max(...logs) - 1e-9), Math.floor(Math.min(...logs)) + 1)];
  return {
    at: (value) => Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10,
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  };
}

function legend({ name, colour, dashes }: ChartLine, x: number, y: number): string {
  return `<path d="M${x} ${y - 4}h28" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>${text(x + 34, y, name)}`;
}

function label(value: number): string {
  return value >= 1 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x}" y="${y}" ${more}>${content.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`;
}
