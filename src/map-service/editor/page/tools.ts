/** Tools by their button; all but the first make something. */
export const TOOLS = {
  choose: 'Choose',
  node: 'Node',
  link: 'Link',
  poi: 'POI',
  signal: 'Signal',
  door: 'Door',
  lift: 'Lift',
  wall: 'Wall',
  area: 'No-go area',
} as const;
export type Tool = keyof typeof TOOLS;
/** Tools that want more than one corner. */
export const LINES: readonly Tool[] = ['link', 'wall', 'area'];

/** Asks the service. Rejects with what it says is wrong. */
export async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const answer = await fetch(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.detail ?? `expected an answer, found status ${answer.status}`);
  return found;
}
