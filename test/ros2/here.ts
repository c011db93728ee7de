import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Undefined where a real ROS 2 is sourced and rclnodejs is installed for it; else why these tests are skipped. */
export function rosIsMissing(): string | undefined {
  for (const variable of ['ROS_DISTRO', 'AMENT_PREFIX_PATH'])
    if (!process.env[variable]) return `no ${variable}: source the setup.bash of ROS 2`;
  try {
    const folder = createRequire(import.meta.url)
      .resolve('rclnodejs/package.json')
      .replace(/package\.json$/, '');
    // Without its addon an import would build it for minutes.
    if (existsSync(`${folder}build/Release/rclnodejs.node`) || existsSync(`${folder}prebuilds`))
      return undefined;
    return 'rclnodejs is not built: npm rebuild rclnodejs';
  } catch {
    return 'no rclnodejs: npm install --no-save rclnodejs@2.2.0';
  }
}
