import { defineConfig } from 'vitest/config';

/** vitest reads its configuration from a default export. */
// biome-ignore lint/style/noDefaultExport: vitest asks for it
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**', 'dist/**'],
    // A process per file: a crash of the native core names its file and spares the others.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    // Why tests were skipped (no addon, no DILLY_DATA) is said by console.warn and must be seen, also of passing files.
    silent: false,
    disableConsoleIntercept: true,
  },
});
