import { describe, it } from 'vitest';
import type { Core } from '../../src/core.ts';
import { loadCore } from '../../src/native.ts';
import { createPortableCore } from '../../src/portable/core.ts';
import { argumentsAgree } from './arguments-agree.ts';
import { coreContract } from './core-contract.ts';
import { coresAgree } from './cores-agree.ts';
import { pcdCases } from './pcd-cases.ts';
import { placesAgree } from './places-contract.ts';

if (addonLoads()) {
  coreContract('native', () => loadCore('native'));
  coreContract('native, without SIMD', () => loadCore('native', 'scalar'));
  pcdCases('native', () => loadCore('native'));
  coresAgree(() => loadCore('native'));
  describe('places of both cores', () => placesAgree(loadCore('native'), createPortableCore()));
  describe('arguments', () => argumentsAgree(loadCore('native'), createPortableCore()));
} else {
  console.warn('skipped: the native addon is not built; run: make -C native addon');
  describe('native core', () => it.skip('is not built'));
}

function addonLoads(): Core | undefined {
  try {
    return loadCore('native');
  } catch {
    return undefined;
  }
}
