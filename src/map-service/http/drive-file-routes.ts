import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { sha256Hex } from '../../quality/drive-offer.ts';
import type { DriveState, DriveStore } from './drive-store.ts';
import { Problem, parseBody } from './problem.ts';

const TYPE = 'application/offset+octet-stream';
const FILES = '/v1/drives/files';
const fileRequest = z.object({ sha256: sha256Hex, bytes: z.int().positive() });

/** Files of drives in parts: POST names the content, PATCH sends bytes from Upload-Offset on, HEAD says how many are here. */
export function addFileRoutes(app: FastifyInstance, drives: DriveStore): void {
  app.addContentTypeParser(TYPE, (_request, payload, done) => done(null, payload));

  const find = async (params: unknown): Promise<DriveState> => {
    const hex = (params as { sha256: string }).sha256;
    const state = sha256Hex.safeParse(hex).success ? await drives.find(hex) : undefined;
    if (!state)
      throw new Problem(
        404,
        'unknown-file',
        `expected a file that was begun, found ${hex}; POST ${FILES} first`,
      );
    return state;
  };

  app.post(
    FILES,
    {
      schema: {
        summary: 'Begin or find the upload of a file of a drive, named by its content',
        description:
          'Answers 201 for a new one, 200 for one that is known, with Location and Upload-Offset. Then PATCH the rest to Location. A repeated upload of complete content costs nothing.',
        body: z.toJSONSchema(fileRequest),
      },
    },
    async (request, reply) => {
      const { sha256: hex, bytes } = parseBody(fileRequest, request.body);
      const known = await drives.find(hex);
      const state = await drives.begin(hex, bytes);
      return say(reply.code(known ? 200 : 201).header('location', `${FILES}/${hex}`), state).send(state);
    },
  );

  app.route({
    method: 'HEAD',
    url: `${FILES}/:sha256`,
    schema: { summary: 'How much of a file is here: Upload-Offset, Upload-Length' },
    handler: async (request, reply) => say(reply, await find(request.params)).send(),
  });

  app.patch(
    `${FILES}/:sha256`,
    {
      schema: {
        summary: 'Bytes of a file from Upload-Offset on',
        description: `Content-Type ${TYPE}. Answers 204 with the new Upload-Offset; 409 where the offset is another: ask HEAD and go on from there. The last part is answered when the hash was checked; 422 means that all is to be sent again.`,
        consumes: [TYPE],
      },
    },
    async (request, reply) => {
      const header = request.headers['upload-offset'];
      if (typeof header !== 'string' || !/^\d{1,15}$/.test(header))
        throw new Problem(400, 'bad-offset', `expected Upload-Offset: BYTES, found ${header ?? 'none'}`);
      if (request.headers['content-type'] !== TYPE)
        throw new Problem(
          415,
          'bad-type',
          `expected Content-Type ${TYPE}, found ${request.headers['content-type']}`,
        );
      const before = await find(request.params);
      // Said with a 409 too, so that a client knows at once where to go on.
      say(reply, before);
      const state = await drives.append(before, Number(header), request.body as Readable);
      return say(reply.code(204), state).send();
    },
  );
}

function say(reply: FastifyReply, { offset, bytes }: DriveState): FastifyReply {
  return reply
    .header('upload-offset', offset)
    .header('upload-length', bytes)
    .header('cache-control', 'no-store');
}
