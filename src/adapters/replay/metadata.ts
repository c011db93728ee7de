import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Refusal } from '../../types.ts';

/**
 * The files that rosbag2's `metadata.yaml` lists, in its order; undefined if there is none or it cannot be read (then
 * the folder's own files count). Rejects with a Refusal `unsupported-compression` if the messages are packed one by one.
 */
export async function readBagMetadata(folder: string): Promise<string[] | undefined> {
  const information = await readInformation(join(folder, 'metadata.yaml'));
  if (!information) return undefined;
  if (String(information.compression_mode).toUpperCase() === 'MESSAGE') {
    const format = information.compression_format;
    throw new Refusal(
      'unsupported-compression',
      `expected messages as they are, found compression_mode MESSAGE (${format}) in ${folder}; ` +
        'rewrite it with `ros2 bag convert` and compression_mode "", or record to MCAP with chunk compression',
    );
  }
  const paths = information.relative_file_paths;
  return Array.isArray(paths) && paths.length > 0 ? paths.map(String) : undefined;
}

async function readInformation(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const document = parse(await readFile(path, 'utf8')) as { rosbag2_bagfile_information?: unknown } | null;
    const information = document?.rosbag2_bagfile_information;
    return typeof information === 'object' && information !== null
      ? (information as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
