import { Busboy } from '@fastify/busboy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { list, object, optional, string, wrongWith } from '../json.ts';
import { Problem } from './problem.ts';

/** A picture of a request. */
export interface SentPicture {
  /** As it was sent; absent where it was not. */
  name?: string;
  bytes: Buffer;
}

export const mostPictures = 32;
/** Of other fields of a form, which are not looked at. */
const mostFields = 16;
const mostFieldBytes = 1024;

export const mediaTypes = 'image/*, application/octet-stream, multipart/form-data or application/json';

function tooMany(): Problem {
  return new Problem(413, `A request can hold ${mostPictures} pictures; send the others in another one.`);
}

/** The files of a form, in its order. */
export function readForm(body: Buffer, contentType: string): Promise<SentPicture[]> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(
        error instanceof Problem ? error : new Problem(400, 'The form (multipart/form-data) is damaged.'),
      );
    try {
      const limits = {
        files: mostPictures,
        fields: mostFields,
        fieldSize: mostFieldBytes,
        parts: mostPictures + mostFields,
        headerPairs: 32,
        headerSize: 8192,
      };
      const form = new Busboy({ headers: { 'content-type': contentType }, limits });
      const pictures: SentPicture[] = [];
      form.on('file', (_, stream, name) => {
        const chunks: Buffer[] = [];
        const picture: SentPicture = { bytes: Buffer.alloc(0), ...(name && { name }) };
        pictures.push(picture);
        stream.on('data', (chunk) => chunks.push(chunk));
        stream.on('end', () => {
          picture.bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        });
        stream.on('error', fail);
      });
      for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const)
        form.on(limit, () => fail(tooMany()));
      form.on('error', fail);
      form.on('finish', () => resolve(pictures));
      form.end(body);
    } catch (error) {
      fail(error);
    }
  });
}

const jsonShape = object({ pictures: list(object({ data: string, name: optional(string) })) });
/** RFC 4648, section 4. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** { "pictures": [{ "data": base64, "name"? }] } */
export function readJsonBody(body: Buffer): SentPicture[] {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new Problem(400, 'The body is not JSON.');
  }
  const wrong = wrongWith(value, jsonShape);
  if (wrong) throw new Problem(400, `The JSON is not as expected: ${wrong}.`);
  const { pictures } = value as { pictures: { data: string; name?: string | null }[] };
  if (pictures.length > mostPictures) throw tooMany();
  return pictures.map(({ data, name }, index) => {
    if (data.length % 4 !== 0 || !base64.test(data))
      throw new Problem(400, `The JSON is not as expected: pictures[${index}].data is not base64.`);
    return { bytes: Buffer.from(data, 'base64'), ...(name != null && { name }) };
  });
}

/** Makes every kind of body the pictures in it. Fastify counts the bytes as they come. */
export function addBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const add = (type: string | RegExp, read: (body: Buffer, type: string) => unknown) =>
    app.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
      read(body, request.headers['content-type'] as string),
    );
  add('multipart/form-data', readForm);
  add('application/json', readJsonBody);
  for (const type of ['application/octet-stream', /^image\//]) add(type, (bytes) => [{ bytes }]);
}
