import { createPortableCore } from '../../src/portable/core.ts';
import { coreContract } from './core-contract.ts';
import { pcdCases } from './pcd-cases.ts';

coreContract('portable', createPortableCore);
pcdCases('portable', createPortableCore);
