/** LZF (Marc Lehmann's liblzf format): exactly `size` bytes, or undefined when the stream gives something else. */
export function decompressLzf(packed: Uint8Array, size: number): Uint8Array | undefined {
  // Three bytes can stand for 264: no honest stream expands further, and no small file may ask for gigabytes.
  if (size > packed.length * 88) return undefined;
  const out = new Uint8Array(size);
  let from = 0;
  let to = 0;
  while (from < packed.length) {
    const control = packed[from++]!;
    if (control < 32) {
      const length = control + 1;
      if (from + length > packed.length || to + length > size) return undefined;
      out.set(packed.subarray(from, from + length), to);
      from += length;
      to += length;
      continue;
    }
    const extra = control >> 5 === 7 ? packed[from++] : 0;
    const low = packed[from++];
    if (extra === undefined || low === undefined) return undefined;
    const length = (control >> 5) + extra + 2;
    const distance = ((control & 31) << 8) + low + 1;
    if (distance > to || to + length > size) return undefined;
    // Byte by byte: source and destination may overlap, which repeats a pattern.
    for (let k = 0; k < length; k++, to++) out[to] = out[to - distance]!;
  }
  return to === size ? out : undefined;
}
