import { defineConfig } from 'vite';

/** Relative addresses, so that the page works behind any path; nothing from outside. */
// biome-ignore lint/style/noDefaultExport: vite asks for it
export default defineConfig({
  root: 'src/adapters/operator/page',
  base: './',
  build: { outDir: '../../../../dist/operator-page', emptyOutDir: true, chunkSizeWarningLimit: 1000 },
});
