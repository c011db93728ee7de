// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the made-up files have templates of their own
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Path below src/ → text. */
type Files = ReadonlyMap<string, string>;

const STAGES = ['localization', 'map', 'route', 'crossing'];
const ANYTHING = 'anything';
/** Who may import whom; everybody may import its own zone. `core (types)`: by `import type` only. */
const RULES: Readonly<Record<string, readonly string[] | typeof ANYTHING>> = {
  types: [],
  math: ['types'],
  ports: ['types'],
  core: ['types'],
  'http-close': [],
  config: ['types', 'math', ...STAGES, 'pipeline', 'robot', "an adapter's *-config.ts"],
  pointcloud: ['types', 'math', 'core'],
  ros: ['types', 'math'],
  quality: ['types', 'math'],
  portable: ['types', 'math', 'core', 'pointcloud'],
  native: ['types', 'core', 'portable'],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['types', 'math', 'core', 'native']])),
  pipeline: ['types', 'math', 'core', 'ports', ...STAGES],
  robot: ['types', 'math', 'core', 'ports', ...STAGES, 'pipeline'],
  adapters: ['types', 'math', 'ports', 'http-close', 'pointcloud', 'ros', 'quality', 'core (types)'],
  evaluation: ['types', 'math'],
  drive: ['types', 'math', 'core', 'map', 'quality'],
  'map-service': ['types', 'math', 'core', 'http-close', 'pointcloud', 'map', 'route', 'quality'],
  main: ANYTHING,
  commands: ANYTHING,
  index: ANYTHING,
};
const CLOCKLESS = [...STAGES, 'math', 'robot'];
const CLOCKS =
  /\bDate\.now\b|\bnew\s+Date\b(?!\s*\(\s*[^)\s])|(?<!\bnew\s+)\bDate\s*\(|\bperformance\b|\bhrtime\b|\bset(?:Timeout|Interval)\b|\bAbortSignal\.timeout\b/g;
const CLOCK_MODULES = /^(?:node:)?(?:timers|perf_hooks)(?:\/|$)/;
const MAX_LINES = 260;

/** Everything that breaks a rule, one readable line each. */
function breachesOf(files: Files, dependencies: readonly string[] = []): string[] {
  return [...files].flatMap(([path, text]) => {
    const zone = zoneOf(path);
    if (!zone)
      return [`src/${path}: has no place in the architecture; add it to RULES with what it may import`];
    const { code, strings } = scan(text);
    const found: [index: number, what: string][] = [];
    for (const one of importsOf(code, strings)) {
      const problem = importProblem(files, path, zone, one, dependencies);
      if (problem) found.push([one.index, problem]);
    }
    const each = (pattern: RegExp, what: (match: string) => string) => {
      for (const match of code.matchAll(pattern)) found.push([match.index, what(match[0])]);
    };
    each(/\bexport\s+default\b|\bexport\s*\{[^}]*\bdefault\s*[,}]/g, () => 'has a default export; name it');
    each(/(?<![.\w$])enum\s+[\w$]+\s*\{/g, () => 'has an enum; use a union of strings');
    if (CLOCKLESS.includes(zone)) each(CLOCKS, (clock) => `reads a clock (${clock}); pass time in`);
    for (const match of code.matchAll(/"(\d+)"/g)) {
      if (zone !== 'native' && strings[Number(match[1])]?.endsWith('.node'))
        found.push([match.index, 'loads an addon; only src/native.ts does']);
    }
    if (zone === 'index') {
      const rest = code.replaceAll(RE_EXPORT, '').trim();
      if (rest) found.push([code.indexOf(rest), `is more than re-exports: ${rest.split('\n')[0]}`]);
    }
    const lines = lineCount(text);
    if (lines >= MAX_LINES)
      found.push([0, `has ${lines} lines, expected fewer than ${MAX_LINES}; divide it`]);
    return found.map(([index, what]) => `src/${path}:${lineCount(code.slice(0, index + 1))} ${what}`);
  });
}

/** `math/so3.ts` → math; `adapters/replay/open.ts` → adapters/replay; `core.ts` → core; else undefined. */
function zoneOf(path: string): string | undefined {
  const [first, second, third] = path.split('/');
  const name = second === undefined ? first!.replace(/\.ts$/, '') : first!;
  if (!Object.hasOwn(RULES, name)) return undefined;
  if (name !== 'adapters') return name;
  return third === undefined ? undefined : `${first}/${second}`;
}

function importProblem(
  files: Files,
  path: string,
  zone: string,
  { specifier, typeOnly }: Import,
  dependencies: readonly string[],
): string | undefined {
  if (specifier === undefined) return 'has an import whose path is computed; write it out';
  if (!specifier.startsWith('.')) {
    if (CLOCKLESS.includes(zone) && CLOCK_MODULES.test(specifier))
      return `reads a clock (${specifier}); pass time in`;
    const [scope, name] = specifier.split('/');
    const known =
      specifier.startsWith('node:') ||
      dependencies.includes(scope!) ||
      dependencies.includes(`${scope}/${name}`);
    return known
      ? undefined
      : `imports '${specifier}': neither node: nor in the dependencies of package.json`;
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (target.startsWith('..')) return zone === 'native' ? undefined : `imports ${specifier}, out of src/`;
  if (!files.has(target)) return `imports ${specifier}, which is not a file (write the .ts)`;
  const to = zoneOf(target)!;
  const rule = RULES[zone.split('/')[0]!]!;
  if (rule === ANYTHING || to === zone || rule.includes(to)) return undefined;
  if (typeOnly && rule.includes(`${to} (types)`)) return undefined;
  if (zone === 'config' && /^adapters\/.*-config\.ts$/.test(target)) return undefined;
  return `imports src/${target}: ${zone} may import ${[...rule, 'itself'].join(', ')}`;
}

interface Import {
  /** undefined when it is computed */
  readonly specifier: string | undefined;
  readonly typeOnly: boolean;
  readonly index: number;
}

/** A clause is what stands between `import` or `export` and `from`: names, braces, commas, a star. */
const FROM = /(?<![.\w$])(?:import|export)\b((?:(?!\b(?:import|export)\b)[\w$\s{},*"])*?)\bfrom\s*"(\d+)"/g;
const RE_EXPORT = new RegExp(`${FROM.source.replace('import|export', 'export')};?`, 'g');
const BARE = /(?<![.\w$])import\s*"(\d+)"/g;
const DYNAMIC = /(?<![.\w$])import\s*\(\s*(?:"(\d+)"\s*[,)])?/g;
/** A computed `require` is left alone: it reaches npm packages only, which are CommonJS. */
const REQUIRED = /(?<![.\w$])require\s*\(\s*"(\d+)"\s*\)/g;

/** All that a scanned file imports, re-exports, imports by a call, or requires. */
function importsOf(code: string, strings: readonly string[]): Import[] {
  const from = [...code.matchAll(FROM)].map((match) => ({
    specifier: strings[Number(match[2])],
    typeOnly:
      /^\s*type\b(?!\s*(?:,|$))/.test(match[1]!) || /^\s*\{(?:\s*type\s[^,}]*,?)+\s*\}\s*$/.test(match[1]!),
    index: match.index,
  }));
  const called = [BARE, DYNAMIC, REQUIRED]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .map((match) => ({
      specifier: match[1] === undefined ? undefined : strings[Number(match[1])],
      typeOnly: false,
      index: match.index,
    }));
  return [...from, ...called];
}

const TOKEN = new RegExp(
  [
    String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`,
    String.raw`'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"`,
    // A slash begins a regular expression where no operand stands before it.
    String.raw`(?<=(?:^|[=(,:;!&|?{}[+*%<>~^-]|=>|\b(?:return|typeof|case))\s*)(?<!(?:\+\+|--)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*`,
    '[`{}]',
  ].join('|'),
  'g',
);
const TEMPLATE_TEXT = /((?:\\[\s\S]|\$(?!\{)|[^\\`$])*)(`|\$\{|$)/y;

/**
 * The text as code alone, line by line: comments, regular expressions and the text of templates are gone, `${…}` stays,
 * and each string is `"n"`, n its place in `strings`.
 */
function scan(text: string): { code: string; strings: string[] } {
  const strings: string[] = [];
  let code = '';
  let at = 0;
  /** open braces within each `${` that is open */
  const depths: number[] = [];
  const literal = (value: string) => `"${strings.push(value) - 1}"`;
  const gone = (part: string) => ' '.concat('\n'.repeat(lineCount(part) - 1));
  const template = (from: number, begins: boolean) => {
    TEMPLATE_TEXT.lastIndex = from;
    const [whole, body, end] = TEMPLATE_TEXT.exec(text)!;
    if (end === '${') depths.push(0);
    code += begins && end === '`' ? literal(body!) + gone(body!) : gone(whole);
    at = from + whole.length;
  };
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    code += text.slice(at, match?.index);
    if (!match) return { code, strings };
    const token = match[0];
    at = match.index + token.length;
    const first = token[0];
    if (first === '`') template(at, true);
    else if (first === '}' && depths.at(-1) === 0) {
      depths.pop();
      template(at, false);
    } else if (first === '{' || first === '}') {
      if (depths.length > 0) depths[depths.length - 1]! += first === '{' ? 1 : -1;
      code += token;
    } else code += first === '/' ? gone(token) : literal(token.slice(1, -1));
  }
}

function lineCount(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

const root = resolve(import.meta.dirname, '..');
function sources(): Map<string, string> {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const paths = names.filter((name) => name.endsWith('.ts')).sort();
  return new Map(
    paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(root, 'src', path), 'utf8')]),
  );
}

describe('src/', () => {
  it('keeps the rules of the architecture (CONTRIBUTING.md, "Who may import whom")', () => {
    const files = sources();
    const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
      readFileSync(join(root, 'package.json'), 'utf8'),
    );
    const bySize = [...files]
      .map(([path, text]) => [lineCount(text), path] as const)
      .sort((a, b) => b[0] - a[0]);
    console.info(
      `largest of ${files.size} files: ${bySize
        .slice(0, 3)
        .map(([n, path]) => `src/${path} ${n}`)
        .join(', ')}`,
    );
    expect(files.size).toBeGreaterThan(50);
    // What the operators' page is bundled from is not installed with the product.
    const { three } = devDependencies;
    expect(breachesOf(files, Object.keys({ ...dependencies, ...optionalDependencies, three }))).toEqual([]);
  });
});

describe('the checker', () => {
  const others = [
    'types',
    'ports',
    'core',
    'native',
    'math/so3',
    'map/tile',
    'route/graph',
    'crossing/guard',
    'pointcloud/pcd',
  ];
  const more = [
    'adapters/sim/world',
    'adapters/replay/open',
    'adapters/replay/degrade-config',
    'main',
    'pipeline',
  ];
  /** What is said of one made-up file among small ones. */
  const said = (path: string, text: string): string[] =>
    breachesOf(new Map([...[...others, ...more].map((name) => [`${name}.ts`, ''] as const), [path, text]]), [
      'zod',
      '@a/b',
    ]);

  it.each([
    ['map/x.ts', "import { g } from '../route/graph.ts';"],
    ['map/x.ts', "import type { G } from '../route/graph.ts';"],
    ['map/x.ts', "export * from '../route/graph.ts';"],
    ['map/x.ts', "export { g as h } from '../route/graph.ts'"],
    ['map/x.ts', "export type * as G from '../route/graph.ts';"],
    ['map/x.ts', "import {\n  a, // it's\n  type b,\n} from '../route/graph.ts';"],
    ['map/x.ts', "import\n'../route/graph.ts'"],
    ['map/x.ts', 'const m = await import(\n  `../route/graph.ts`\n);'],
    ['map/x.ts', "type G = import('../route/graph.ts').G;"],
    ['map/x.ts', "const text = `${await import('../route/graph.ts')} ${`}`}`;"],
    ['map/x.ts', "const quote = /['\"`]/; import { g } from '../route/graph.ts'; const other = /['\"`]/;"],
    ['map/x.ts', "const half = i++ / 2; import { g } from '../route/graph.ts'; const b = 1 / 2;"],
    ['map/x.ts', "const url = 'https://x'; import { g } from '../route/graph.ts';"],
    ['map/x.ts', 'const path = y; await import(path);'],
    ['map/x.ts', "import { open } from '../adapters/replay/open.ts';"],
    ['map/x.ts', "import { run } from '../pipeline.ts';"],
    ['map/x.ts', "import { gone } from './gone.ts';"],
    ['map/x.ts', "import { tile } from './tile';"],
    ['map/x.ts', "import left from 'left-pad';"],
    ['math/x.ts', "import type { Core } from '../core.ts';"],
    ['types.ts', "export type { V } from './math/so3.ts';"],
    ['pipeline.ts', "import { open } from './adapters/replay/open.ts';"],
    ['adapters/sim/x.ts', "import { open } from '../replay/open.ts';"],
    ['adapters/sim/x.ts', "import { tile } from '../../map/tile.ts';"],
    ['adapters/sim/x.ts', "import { core } from '../../core.ts';"],
    ['adapters/sim/x.ts', "import { type A, b } from '../../core.ts';"],
    ['adapters/sim/x.ts', "import { loadCore } from '../../native.ts';"],
    ['config.ts', "import { open } from './adapters/replay/open.ts';"],
    ['evaluation/x.ts', "import type { Core } from '../core.ts';"],
    ['map-service/x.ts', "import { g } from '../crossing/guard.ts';"],
    ['portable/x.ts', "createRequire(import.meta.url)('../../native/build/dilly.node');"],
    ['math/x.ts', "import { readFileSync } from '../../test/read.ts';"],
    ['helpers/x.ts', ''],
    ['adapters/x.ts', ''],
    ['map/x.ts', 'const t = Date.now();'],
    ['map/x.ts', 'const t = `${new Date()}`;'],
    ['map/x.ts', 'const t = new Date( );'],
    ['map/x.ts', 'const t = performance.now();'],
    ['map/x.ts', 'const t = process.hrtime.bigint();'],
    ['map/x.ts', 'setTimeout(() => {}, 1);'],
    ['map/x.ts', "import { setImmediate } from 'node:timers/promises';"],
    ['evaluation/x.ts', 'export default 1;'],
    ['evaluation/x.ts', 'const a = 1; export { a as default };'],
    ['evaluation/x.ts', 'export const enum Kind { A }'],
    ['evaluation/x.ts', 'x;\n'.repeat(260)],
    ['index.ts', "export { run } from './pipeline.ts';\nconsole.log(1);"],
  ])('%s refuses %j', (path, text) => {
    expect(said(path, text)).toHaveLength(1);
  });

  it.each([
    ['map/x.ts', "import { z } from 'zod';\nimport b from '@a/b/c';\nimport { join } from 'node:path';"],
    [
      'map/x.ts',
      "import { t } from './tile.ts';\nimport { s } from '../math/so3.ts';\nimport { l } from '../native.ts';",
    ],
    ['map/x.ts', "// import { g } from '../route/graph.ts';\n/* import '../route/graph.ts' */"],
    ['map/x.ts', "const text = \"import '../route/graph.ts'\" + 'it\\'s import \"../route/graph.ts\"';"],
    ['map/x.ts', "const text = `import { g } from '../route/graph.ts'`;"],
    ['map/x.ts', "const found = /import '..\\/route\\/graph.ts'/.test(a / b);"],
    ['map/x.ts', "object.import('../route/graph.ts'); const from = { import: '../route/graph.ts' };"],
    ['map/x.ts', 'const t = new Date(stamp); const d = z.enum([1]); const performanceMs = 3; // Date.now()'],
    ['map/x.ts', "export { default as tile } from './tile.ts';"],
    [
      'adapters/sim/x.ts',
      "import type { Core } from '../../core.ts';\nimport { type A, type B } from '../../core.ts';",
    ],
    [
      'adapters/sim/x.ts',
      "import { w } from './world.ts';\nimport { e } from '../../pointcloud/pcd.ts'; setTimeout(f, 1);",
    ],
    ['config.ts', "import { schema } from './adapters/replay/degrade-config.ts';"],
    ['native.ts', "createRequire(import.meta.url)('../native/build/dilly.node');"],
    ['commands/x.ts', "import { open } from '../adapters/replay/open.ts'; import { m } from '../main.ts';"],
    [
      'evaluation/x.ts',
      'const require = createRequire(import.meta.url); require.resolve(`fonts/${x}`); require(path);',
    ],
    ['index.ts', "/** Ours. */\nexport { run } from './pipeline.ts';\nexport type * from './types.ts';"],
  ])('%s lets %j pass', (path, text) => {
    expect(said(path, text)).toEqual([]);
  });

  it('says where, what, and what is allowed', () => {
    expect(said('map/x.ts', "/* two\nlines */\nimport {\n  g,\n} from '../route/graph.ts';")).toEqual([
      'src/map/x.ts:3 imports src/route/graph.ts: map may import types, math, core, native, itself',
    ]);
  });
});
