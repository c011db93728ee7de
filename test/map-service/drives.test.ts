import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DriveStore } from '../../src/map-service/http/drive-store.ts';
import { FolderStore } from '../../src/map-service/http/folder-store.ts';
import { Random } from '../../src/math/random.ts';
import { sha256 } from './demo-map.ts';
import { serveMaps } from './service.ts';

const root = mkdtempSync(join(tmpdir(), 'drives-'));
const random = new Random(9);
const recording = Uint8Array.from({ length: 300_000 }, () => random.uint32() & 255);
const hex = sha256(recording);
const TYPE = 'application/offset+octet-stream';
let service: Awaited<ReturnType<typeof serveMaps>>;
beforeAll(async () => {
  service = await serveMaps({ store: new FolderStore(root), drives: join(root, 'drives') });
});
afterAll(async () => {
  await service.app.close();
  rmSync(root, { recursive: true });
});

const begin = (body: object) =>
  fetch(`${service.url}/v1/drives/files`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const send = (name: string, offset: number | string, body: Uint8Array, type = TYPE) =>
  fetch(`${service.url}/v1/drives/files/${name}`, {
    method: 'PATCH',
    headers: { 'content-type': type, 'upload-offset': `${offset}` },
    body: Buffer.from(body),
  });
const offsetOf = async (name: string) =>
  Number(
    (await fetch(`${service.url}/v1/drives/files/${name}`, { method: 'HEAD' })).headers.get('upload-offset'),
  );

describe('drives', () => {
  it('that nobody went on with for two weeks are forgotten, and no others', async () => {
    const drives = mkdtempSync(join(tmpdir(), 'drives-old-'));
    const old = new Date(Date.now() - 15 * 24 * 3_600_000);
    const [gone, going, whole] = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
    for (const name of [`${gone}.part`, `${gone}.json`, `${going}.part`, `${going}.json`, whole!]) {
      writeFileSync(join(drives, name), '{"bytes":9}');
      if (name !== `${going}.part`) utimesSync(join(drives, name), old, old);
    }
    const store = new DriveStore(drives, 1e6);
    await store.begin(hex, 100);
    expect(readdirSync(drives).sort()).toEqual(
      [`${going}.json`, `${going}.part`, whole, `${hex}.json`, `${hex}.part`].sort(),
    );
    rmSync(drives, { recursive: true });
  });

  it('come in parts, go on after a cut, and are there once', async () => {
    const begun = await begin({ sha256: hex, bytes: recording.length });
    expect([begun.status, begun.headers.get('location')]).toEqual([201, `/v1/drives/files/${hex}`]);
    expect((await send(hex, 0, recording.subarray(0, 1000))).headers.get('upload-offset')).toBe('1000');
    await cutOff(hex, 1000, recording.subarray(1000, 150_000));
    // What was under way when the line broke still arrives: wait until it rests.
    let offset = -1;
    for (let now = await offsetOf(hex); now === 1000 || now !== offset; now = await offsetOf(hex)) {
      offset = now;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(offset).toBeGreaterThan(1000);
    expect(offset).toBeLessThanOrEqual(150_000);
    const wrong = await send(hex, offset + 1, recording.subarray(offset + 1));
    expect([wrong.status, wrong.headers.get('upload-offset')]).toEqual([409, `${offset}`]);
    expect((await begin({ sha256: hex, bytes: recording.length })).status).toBe(200);
    expect((await send(hex, offset, recording.subarray(offset))).status).toBe(204);
    expect(sha256(readFileSync(join(root, 'drives', hex)))).toBe(hex);
    const again = await begin({ sha256: hex, bytes: recording.length });
    expect(await again.json()).toMatchObject({ complete: true, offset: recording.length });
    expect((await send(hex, 0, recording)).status).toBe(204);
    expect(readdirSync(join(root, 'drives'))).toEqual([hex]);
  });

  it('are not spoilt by an upload that another one overtook', async () => {
    const content = recording.subarray(0, 200_000);
    const name = sha256(content);
    await begin({ sha256: name, bytes: content.length });
    const late = openUpload(name, content.length);
    late.write(content.subarray(0, 1000));
    while ((await offsetOf(name)) < 1000) await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await send(name, 1000, content.subarray(1000))).status).toBe(204);
    await new Promise<void>((resolve) => late.end(Buffer.alloc(content.length - 1000), () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(sha256(readFileSync(join(root, 'drives', name)))).toBe(name);
  });

  it('are refused when their content is another, and can begin anew', async () => {
    const name = sha256('abc');
    await begin({ sha256: name, bytes: 3 });
    expect((await send(name, 0, Buffer.from('abd'))).status).toBe(422);
    expect((await send(name, 0, Buffer.from('abc'))).status).toBe(404);
    await begin({ sha256: name, bytes: 3 });
    expect((await send(name, 0, Buffer.from('abc'))).status).toBe(204);
  });

  it('are refused when too long, unknown, of another length, or sent wrongly', async () => {
    const name = sha256('xyz');
    expect((await begin({ sha256: name, bytes: 10_000_001 })).status).toBe(413);
    expect((await begin({ sha256: '../x', bytes: 3 })).status).toBe(400);
    expect((await begin({ sha256: name, bytes: 3 })).status).toBe(201);
    expect((await begin({ sha256: name, bytes: 4 })).status).toBe(409);
    expect((await send(name, 0, Buffer.from('xyz and more'))).status).toBe(413);
    expect((await send(name, 'x', Buffer.from('xyz'))).status).toBe(400);
    expect((await send(name, 0, Buffer.from('"xyz"'), 'application/json')).status).toBe(415);
    expect((await send(sha256('none'), 0, Buffer.from('xyz'))).status).toBe(404);
    expect((await send('..%2f..%2fx', 0, Buffer.from('xyz'))).status).toBe(404);
  });
});

/** An upload from 0 on whose body is still to be written. */
function openUpload(name: string, bytes: number): Socket {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    `PATCH /v1/drives/files/${name} HTTP/1.1\r\nHost: x\r\nContent-Type: ${TYPE}\r\nUpload-Offset: 0\r\nContent-Length: ${bytes}\r\n\r\n`,
  );
  return socket;
}

/** Promises the rest of the recording, sends a part of it and breaks the connection. */
function cutOff(name: string, offset: number, part: Uint8Array): Promise<void> {
  const { port } = new URL(service.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        `PATCH /v1/drives/files/${name} HTTP/1.1\r\nHost: x\r\nContent-Type: ${TYPE}\r\nUpload-Offset: ${offset}\r\nContent-Length: ${recording.length - offset}\r\n\r\n`,
      );
      socket.write(part, () => setTimeout(() => socket.destroy(), 50));
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}
