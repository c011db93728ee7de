import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { FolderMap } from '../adapters/tiles/folder-map.ts';
import { keyId, signManifest, verifyManifest } from '../map/dsse.ts';
import { parseManifest } from '../map/manifest.ts';
import { Refusal } from '../types.ts';
import { answer, type CommonOptions, withCommonOptions } from './shared.ts';

export function addMapSign(map: Command): void {
  withCommonOptions(map.command('sign'))
    .description('sign the manifest of a map package')
    .argument('<dir>', 'folder of the map')
    .requiredOption('--key <file>', 'private Ed25519 key, PEM (see map keygen)')
    .action(async (dir: string, options: CommonOptions & { key: string }) => {
      const bytes = await new FolderMap(dir).read('manifest.json');
      const manifest = parseManifest(bytes);
      const key = await readKey(options.key, 'private');
      const path = join(dir, 'manifest.json.dsse');
      const envelope = signManifest(bytes, key);
      verifyManifest(bytes, envelope, [createPublicKey(key)]);
      const file = await open(`${path}.tmp`, 'w');
      try {
        await file.writeFile(envelope);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.tmp`, path);
      const id = keyId(createPublicKey(key));
      answer(
        options,
        { mapId: manifest.mapId, version: manifest.version, keyId: id },
        `map ${manifest.mapId} version ${manifest.version} signed by key ${id.slice(0, 16)}: ${path}`,
      );
    });
}

export function addMapKeygen(map: Command): void {
  withCommonOptions(map.command('keygen'))
    .description('make a pair of Ed25519 keys: PREFIX.key.pem to sign with, PREFIX.pub.pem for robots')
    .argument('<prefix>', 'where to write them')
    .action(async (prefix: string, options: CommonOptions) => {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      // An old key is never overwritten: maps signed by it would lose their signer.
      const write = (path: string, pem: string | Buffer, mode: number) =>
        writeFile(path, pem, { mode, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
          throw new Refusal('bad-key', `${path}: expected to write a new file, found ${error.code}`);
        });
      await write(`${prefix}.key.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
      await write(`${prefix}.pub.pem`, publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
      answer(options, { keyId: keyId(publicKey) }, `key ${keyId(publicKey)}: keep ${prefix}.key.pem secret`);
    });
}

/** Throws a Refusal `bad-key`. */
export async function readKey(path: string, type: 'private' | 'public'): Promise<KeyObject> {
  try {
    const pem = await readFile(path);
    const key = type === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
    throw new Error(`a key of type ${key.asymmetricKeyType}`);
  } catch (error) {
    throw new Refusal(
      'bad-key',
      `${path}: expected a ${type} Ed25519 key as PEM, found ${(error as Error).message}`,
    );
  }
}
