import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hashFile } from '../layer.ts';
import { type JobSpec, PLACES, type Plan } from './plan.ts';

/** Of what the jobs do: where another version would give other results, the old ones are not taken for its own. */
const JOBS_VERSION = 1;
/** Marks in the folder of a drive that are not of the drive. */
const MARKS = /(?:\.uploaded|\.tmp|-wal|-shm)$|^accepted\.json$/;

/** A job that can be done anywhere: what it takes lies in folders, and its key says by content what it is. */
export interface Job {
  readonly name: string;
  /** of kind, options and the content of all that it takes: the same key, the same result */
  readonly key: string;
  readonly spec: JobSpec;
  readonly set: readonly string[];
  /** keys of the jobs whose results it takes */
  readonly needs: readonly string[];
}

/**
 * The jobs of a plan with their keys; places are absolute, or folders of results.
 * @param resolve a place of the plan → where it is
 * @param folderOf where the result of a key is, or will be
 * @param also what else decides all results: the configuration's content
 */
export async function keyedJobs(
  plan: Plan,
  resolve: (place: string) => string,
  folderOf: (key: string) => string,
  also: string,
): Promise<Job[]> {
  const contents = new Map<string, Promise<string>>();
  const jobs = new Map<string, Job>();
  for (const { name, spec, needs } of plan.jobs) {
    const set = [...plan.set, ...('set' in spec ? spec.set : [])];
    const keyed: Record<string, unknown> = { ...spec, set };
    const placed: Record<string, unknown> = { ...spec };
    const one = async (place: string, mayBeWord: boolean): Promise<[content: string, where: string]> => {
      if (place.startsWith('=')) {
        const { key } = jobs.get(place.slice(1))!;
        return [`job ${key}`, folderOf(key)];
      }
      const where = resolve(place);
      if (!contents.has(where)) contents.set(where, contentOf(where));
      const content = await contents.get(where)!;
      // A topic of the recording, or `oxts`: not a place at all.
      return content === '' && mayBeWord ? [`word ${place}`, place] : [content, where];
    };
    for (const field of PLACES) {
      const value = keyed[field];
      const mayBeWord = field === 'reference' || field === 'poses';
      if (typeof value === 'string') [keyed[field], placed[field]] = await one(value, mayBeWord);
      if (Array.isArray(value)) {
        const all = await Promise.all(value.map((place: string) => one(place, mayBeWord)));
        // The order of silver layers does not matter to gold.
        keyed[field] = all.map(([content]) => content).sort();
        placed[field] = all.map(([, where]) => where);
      }
    }
    const sorted = Object.entries(keyed).sort(([a], [b]) => (a < b ? -1 : 1));
    const key = createHash('sha256')
      .update(JSON.stringify([JOBS_VERSION, also, sorted]))
      .digest('hex');
    const keys = needs.map((need) => jobs.get(need)!.key);
    jobs.set(name, { name, key, spec: placed as JobSpec, set, needs: keys });
  }
  return [...jobs.values()];
}

/** What is in a file or folder, by hash; a map or a layer by its manifest, which names all else. '' where nothing is. */
async function contentOf(place: string): Promise<string> {
  const found = await stat(place).catch(() => undefined);
  if (!found) return '';
  if (found.isFile()) return `file ${await hashFile(place)}`;
  const manifest = join(place, 'manifest.json');
  if (await stat(manifest).catch(() => undefined)) return `manifest ${await hashFile(manifest)}`;
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !MARKS.test(entry.name));
  const hash = createHash('sha256');
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort())
    hash.update(`${relative(place, path)} ${await hashFile(path)}\n`);
  return `folder ${hash.digest('hex')}`;
}
