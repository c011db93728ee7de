import { describe, expect, it } from 'vitest';
import { followMap } from '../../src/commands/follow-map.ts';
import type { MapIndex } from '../../src/map/map-index.ts';
import { Refusal } from '../../src/types.ts';

describe('following a map', () => {
  it('offers each newer version once, says what is wrong, and goes on until it is ended', async () => {
    const answers = [
      { problems: [] },
      { index: { version: 2 } as MapIndex, problems: [] },
      { problems: [{ reason: 'service-unreachable', detail: 'no network' }] },
      { index: { version: 3 } as MapIndex, problems: [] },
    ];
    const offered: number[] = [];
    const said: string[] = [];
    const end = new AbortController();
    let asked = 0;
    const update = async () => {
      const answer = answers[asked++];
      if (asked === answers.length) end.abort();
      return answer!;
    };
    const offer = ({ version }: MapIndex) => {
      if (version === 3) throw new Refusal('map-frame-changed', 'another origin');
      offered.push(version);
    };
    await followMap({ update }, { offer }, 1, end.signal, ({ reason }) => said.push(reason));
    expect({ offered, said, asked }).toEqual({
      offered: [2],
      said: ['service-unreachable', 'map-frame-changed'],
      asked: 4,
    });
  });

  it('has nothing to do for a folder, and hides no fault of our own', async () => {
    const { signal } = new AbortController();
    await followMap({}, { offer: () => {} }, 1, signal, () => {});
    const update = async () => {
      throw new TypeError('a bug');
    };
    await expect(followMap({ update }, { offer: () => {} }, 1, signal, () => {})).rejects.toThrow('a bug');
  });
});
