// npm's install step: builds the native addon where a compiler is found. Where none is, it says so and what it costs,
// and leaves the portable fallback in place: the install does not fail.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const has = (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
const compiler = [process.env.CXX, 'g++', 'clang++'].find((name) => name && has(name));
const portable =
  'dilly-nav will run on its portable TypeScript core: right, but about a hundred times slower.';
const remedy = 'Mend it with a C++17 compiler and make (Debian: apt-get install g++ make), then: npm rebuild';

function explain(why) {
  console.warn(`dilly-nav: the native core was not built: ${why}\n${portable}\n${remedy}`);
  process.exit(0);
}

if (process.env.DILLY_SKIP_NATIVE) explain('DILLY_SKIP_NATIVE is set.');
if (!compiler) explain('no g++ or clang++ was found.');
if (!has('make')) explain('no make was found.');
// As a dependency the packages with the headers may be hoisted; Node's own resolution finds them.
const headers = dirname(dirname(fileURLToPath(import.meta.resolve('node-api-headers/package.json'))));
const built = spawnSync('make', ['-C', here, '-j2', 'addon', `CXX=${compiler}`, `MODULES=${headers}`], {
  stdio: 'inherit',
});
if (built.status !== 0 || !existsSync(join(here, 'build', 'dilly.node')))
  explain(`${compiler} failed; its words are above.`);
