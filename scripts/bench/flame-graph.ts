/** What V8's profiler gives, as far as it is used here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface FlameGraph {
  readonly svg: string;
  readonly totalMs: number;
  /** Own time in milliseconds by folder of src, most first. */
  readonly byFolder: readonly (readonly [string, number])[];
  /** Own time in milliseconds by function, most first. */
  readonly byFunction: readonly (readonly [string, number])[];
}

interface Box {
  readonly name: string;
  readonly group: string;
  ms: number;
  own: number;
  readonly inside: Map<string, Box>;
}

const WIDTH = 1200;
const ROW = 17;
const SMALLEST = 0.8;
const LETTER = 6.4;
const COLORS = ['#f4a582', '#d6604d', '#fddbc7', '#92c5de', '#4393c3', '#d1e5f0', '#b8e186', '#7fbc41'];
/** The profiler itself and the wait for its answer are no part of what was measured. */
const LEFT_OUT = new Set(['dispatch', '(idle)']);

/** Adds up a profile and draws it: one row a call, as wide as its time, callers below. */
export function flameGraph(profile: CpuProfile, title: string): FlameGraph {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node.id])));
  const own = new Map<number, number>();
  profile.samples.forEach((id, i) => own.set(id, (own.get(id) ?? 0) + profile.timeDeltas[i]! / 1000));

  const root: Box = { name: 'all', group: '', ms: 0, own: 0, inside: new Map() };
  const folders = new Map<string, number>();
  const functions = new Map<string, number>();
  for (const [id, ms] of own) {
    const chain: Box['name'][] = [];
    const groups: string[] = [];
    let isLeftOut = false;
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { functionName, url } = nodes.get(at)!.callFrame;
      if (LEFT_OUT.has(functionName)) isLeftOut = true;
      if (functionName === '(root)') break;
      chain.unshift(functionName === '' ? '(anonymous)' : functionName);
      groups.unshift(groupOf(functionName, url));
    }
    if (isLeftOut || chain.length === 0) continue;
    let box = root;
    box.ms += ms;
    chain.forEach((name, i) => {
      const key = `${groups[i]!} ${name}`;
      let next = box.inside.get(key);
      if (next === undefined) {
        next = { name, group: groups[i]!, ms: 0, own: 0, inside: new Map() };
        box.inside.set(key, next);
      }
      next.ms += ms;
      box = next;
    });
    box.own += ms;
    add(folders, box.group, ms);
    add(functions, `${box.group} ${box.name}`, ms);
  }
  return {
    svg: draw(root, title),
    totalMs: root.ms,
    byFolder: sorted(folders),
    byFunction: sorted(functions),
  };
}

function add(map: Map<string, number>, key: string, ms: number): void {
  map.set(key, (map.get(key) ?? 0) + ms);
}

function sorted(map: ReadonlyMap<string, number>): [string, number][] {
  return [...map].sort((a, b) => b[1] - a[1]);
}

/* The folder of src, `node`, or what V8 does itself. */
function groupOf(name: string, url: string): string {
  const folder = /\/src\/([^/]+)\//.exec(url)?.[1];
  if (folder !== undefined) return `src/${folder}`;
  if (name === '(garbage collector)' || name === '(program)') return 'V8';
  return url.includes('/scripts/') ? 'benchmark' : 'node';
}

function draw(root: Box, title: string): string {
  const depth = depthOf(root);
  const height = (depth + 2) * ROW;
  const groups: string[] = [];
  const parts: string[] = [];
  const place = (box: Box, x: number, level: number): void => {
    const width = (box.ms / root.ms) * WIDTH;
    if (width < SMALLEST) return;
    if (!groups.includes(box.group)) groups.push(box.group);
    const color = COLORS[groups.indexOf(box.group) % COLORS.length]!;
    const y = height - (level + 1) * ROW;
    const share = ((100 * box.ms) / root.ms).toFixed(1);
    const letters = Math.floor((width - 4) / LETTER);
    const text =
      letters < 3 ? '' : escape(box.name.length > letters ? `${box.name.slice(0, letters - 1)}…` : box.name);
    parts.push(
      `<g><title>${escape(`${box.group} ${box.name}: ${share} %`)}</title>` +
        `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${color}"/>` +
        (text === '' ? '' : `<text x="${(x + 2).toFixed(1)}" y="${y + ROW - 5}">${text}</text>`) +
        '</g>',
    );
    let at = x;
    for (const inside of [...box.inside.values()].sort((a, b) => b.ms - a.ms)) {
      place(inside, at, level + 1);
      at += (inside.ms / root.ms) * WIDTH;
    }
  };
  place(root, 0, 0);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">` +
    `<text x="4" y="${ROW - 4}">${escape(title)}: width is time, callers are below; hover for shares</text>\n` +
    `${parts.join('\n')}\n</svg>\n`
  );
}

function depthOf(box: Box): number {
  let deepest = 0;
  for (const inside of box.inside.values()) deepest = Math.max(deepest, depthOf(inside));
  return deepest + 1;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
