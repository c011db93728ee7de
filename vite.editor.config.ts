import { defineConfig } from 'vite';

/** The page of `map annotate --edit`; relative addresses, nothing from outside. */
// biome-ignore lint/style/noDefaultExport: vite asks for it
export default defineConfig({
  root: 'src/map-service/editor/page',
  base: './',
  build: { outDir: '../../../../dist/map-editor', emptyOutDir: true, target: 'es2022' },
});
