import { Refusal } from '../../types.ts';

/**
 * Decoder of bzip2, which `rosbag record -j` and old ROS 1 bags use and for which Node has none. After the format's
 * description by J. Tsai (2016, "BZIP2: Format Specification") and J. Seward's bzip2 1.0.8.
 */

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const BLOCK_UNIT = 100_000;
/** symbols per Huffman table */
const GROUP = 50;
const MAX_CODE_LENGTH = 20;

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

/** Unpacks a bzip2 stream into exactly `size` bytes. Throws a Refusal `damaged-bag`, also for a wrong block CRC. */
export function bunzip2(data: Uint8Array, size: number): Uint8Array {
  const bits = new BitReader(data);
  const output = new Output(size);
  if (bits.read(24) !== 0x425a68) damaged('the magic BZh');
  const level = bits.read(8) - 0x30;
  if (level < 1 || level > 9) damaged('a block size 1 … 9');
  for (;;) {
    const magic = bits.read(24) * 2 ** 24 + bits.read(24);
    const crc = bits.read(16) * 2 ** 16 + bits.read(16);
    if (magic === END_MAGIC) return output.finish();
    if (magic !== BLOCK_MAGIC) damaged('the start of a block');
    output.block(crc, invertTransform(...readBlock(bits, level * BLOCK_UNIT)));
  }
}

/** The sorted bytes of a block and the row of the original text. */
function readBlock(bits: BitReader, capacity: number): [sorted: Uint8Array, origin: number] {
  if (bits.read(1) === 1) damaged('a block that is not randomised (obsolete since bzip2 0.9.5)');
  const origin = bits.read(24);
  const used = readUsedBytes(bits);
  const tableCount = bits.read(3);
  const selectors = readSelectors(bits, tableCount);
  const endOfBlock = used.length + 1;
  const tables = Array.from({ length: tableCount }, () => readTable(bits, endOfBlock + 1));

  const sorted = new Uint8Array(capacity);
  let length = 0;
  let [run, runWeight] = [0, 1];
  for (let symbols = 0; ; symbols++) {
    const table =
      tables[selectors[Math.floor(symbols / GROUP)] ?? damaged('a table for each group of symbols')]!;
    const symbol = table.next(bits);
    if (symbol <= 1) {
      // Runs are counted in bijective base 2: symbol 0 adds its weight, symbol 1 twice that.
      run += runWeight << symbol;
      runWeight <<= 1;
      if (run > capacity) damaged('a run within the block');
      continue;
    }
    if (length + run > capacity) damaged('a block of at most its size');
    sorted.fill(used[0]!, length, length + run);
    length += run;
    [run, runWeight] = [0, 1];
    if (symbol === endOfBlock) break;
    if (length >= capacity) damaged('a block of at most its size');
    sorted[length++] = moveToFront(used, symbol - 1);
  }
  if (origin >= length) damaged('an origin within the block');
  return [sorted.subarray(0, length), origin];
}

function readUsedBytes(bits: BitReader): number[] {
  const used: number[] = [];
  const rows = bits.read(16);
  for (let row = 0; row < 16; row++) {
    const columns = rows & (0x8000 >> row) ? bits.read(16) : 0;
    for (let column = 0; column < 16; column++)
      if (columns & (0x8000 >> column)) used.push(16 * row + column);
  }
  if (used.length === 0) damaged('at least one byte value');
  return used;
}

function readSelectors(bits: BitReader, tableCount: number): Uint8Array {
  if (tableCount < 2 || tableCount > 6) damaged('2 … 6 Huffman tables');
  const selectors = new Uint8Array(bits.read(15));
  const order = [0, 1, 2, 3, 4, 5];
  for (let i = 0; i < selectors.length; i++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place >= tableCount) damaged('a known Huffman table');
    selectors[i] = moveToFront(order, place);
  }
  return selectors;
}

function readTable(bits: BitReader, symbols: number): HuffmanTable {
  const lengths: number[] = [];
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    while (bits.read(1) === 1) length += bits.read(1) === 1 ? -1 : 1;
    if (length < 1 || length > MAX_CODE_LENGTH) damaged('code lengths 1 … 20');
    lengths.push(length);
  }
  return new HuffmanTable(lengths);
}

/** Canonical code: shorter codes first, then by symbol. */
class HuffmanTable {
  readonly #symbols: number[];
  readonly #counts = new Int32Array(MAX_CODE_LENGTH + 1);

  constructor(lengths: readonly number[]) {
    this.#symbols = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
    for (const length of lengths) this.#counts[length]!++;
  }

  next(bits: BitReader): number {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
      code |= bits.read(1);
      const count = this.#counts[length]!;
      if (code - first < count) return this.#symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return damaged('a known code');
  }
}

function moveToFront(list: number[], place: number): number {
  const value = list[place]!;
  list.copyWithin(1, 0, place);
  list[0] = value;
  return value;
}

/** Inverse Burrows–Wheeler transform. */
function invertTransform(sorted: Uint8Array, origin: number): Uint8Array {
  const starts = new Int32Array(257);
  for (const byte of sorted) starts[byte + 1]!++;
  for (let byte = 0; byte < 256; byte++) starts[byte + 1]! += starts[byte]!;
  const next = new Int32Array(sorted.length);
  for (let i = 0; i < sorted.length; i++) next[starts[sorted[i]!]!++] = i;
  const text = new Uint8Array(sorted.length);
  let row = next[origin]!;
  for (let i = 0; i < text.length; i++) {
    text[i] = sorted[row]!;
    row = next[row]!;
  }
  return text;
}

/** Undoes the first run-length code (four equal bytes are followed by a count of more) and checks the CRCs. */
class Output {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  block(expectedCrc: number, text: Uint8Array): void {
    const start = this.#length;
    let equal = 0;
    for (let i = 0; i < text.length; i++) {
      const byte = text[i]!;
      if (equal === 4) {
        this.#append(text[i - 1]!, byte);
        equal = 0;
        continue;
      }
      equal = equal > 0 && byte === text[i - 1] ? equal + 1 : 1;
      this.#append(byte, 1);
    }
    let crc = -1;
    for (let i = start; i < this.#length; i++) crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ this.#bytes[i]!]!;
    if (~crc >>> 0 !== expectedCrc) damaged(`block CRC ${expectedCrc}`);
  }

  finish(): Uint8Array {
    if (this.#length !== this.#bytes.length) damaged(`${this.#bytes.length} bytes in all`);
    return this.#bytes;
  }

  #append(byte: number, count: number): void {
    if (this.#length + count > this.#bytes.length) damaged(`at most ${this.#bytes.length} bytes`);
    this.#bytes.fill(byte, this.#length, this.#length + count);
    this.#length += count;
  }
}

/** Bits from the most significant one. */
class BitReader {
  readonly #data: Uint8Array;
  #offset = 0;
  #held = 0;
  #count = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** Up to 24 bits. */
  read(count: number): number {
    while (this.#count < count) {
      const byte = this.#data[this.#offset++] ?? damaged('more data');
      this.#held = ((this.#held & 0xffffff) << 8) | byte;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }
}

function damaged(expected: string): never {
  throw new Refusal('damaged-bag', `bzip2: expected ${expected}, found something else`);
}
