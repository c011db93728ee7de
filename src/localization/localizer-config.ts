import { z } from 'zod';
import { adviceConfig } from './advice.ts';
import { fusionSchema } from './fusion-config.ts';
import { headingAlignmentSchema } from './heading-alignment.ts';
import { initializationConfig } from './initialization.ts';
import { integrityConfig } from './integrity.ts';
import { framesConfig } from './mounts.ts';
import { registrationConfig } from './registration.ts';
import { lidarConfig } from './scan-check.ts';
import { timeOffsetsConfig } from './time-offsets.ts';

/** Everything that decides about the pose. */
export const localizerConfig = z.strictObject({
  frames: framesConfig.prefault({}),
  lidar: lidarConfig.prefault({}),
  registration: registrationConfig.prefault({}),
  initialization: initializationConfig.prefault({}),
  fusion: fusionSchema.prefault({}),
  timeOffsets: timeOffsetsConfig.prefault({}),
  headingAlignment: headingAlignmentSchema.prefault({}),
  integrity: integrityConfig.prefault({}),
  advice: adviceConfig.prefault({}),
});
export type LocalizerConfig = z.infer<typeof localizerConfig>;
