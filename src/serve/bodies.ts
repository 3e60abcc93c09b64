import type { FastifyInstance, FastifyRequest } from 'fastify';
import { list, object, optional, string, wrongWith } from '../text/json.ts';
import { checkName, maxPictures, readForm, type SentPicture, tooManyPictures } from './multipart.ts';
import { Problem } from './problem.ts';

export const mediaTypes = 'image/*, application/octet-stream, multipart/form-data or application/json';

/** Most strings and punctuation marks in a JSON body: many times what 32 pictures need. */
const maxTokens = 4096;

const [quotationMark, backslash] = Buffer.from('"\\') as Iterable<number> as [number, number];
/** 1 for each byte that starts a string or is punctuation. */
const isToken = new Uint8Array(256);
for (const byte of Buffer.from('"{[:,')) isToken[byte] = 1;

/** Index of the quotation mark that ends the JSON string starting at `start`; the length where there is none. */
function endOfString(json: Buffer, start: number): number {
  const end = json.indexOf(quotationMark, start + 1);
  if (end < 0) return json.length;
  if (json[end - 1] !== backslash) return end;
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === quotationMark) return at;
    if (json[at] === backslash) at++;
  }
  return json.length;
}

/**
 * Whether JSON has more than `max` strings and punctuation marks; it stops at the first one too many. Parsing takes
 * time and memory in proportion to them, up to fifty times the size of the text.
 */
function hasMoreTokens(json: Buffer, max: number): boolean {
  let tokens = 0;
  for (let at = 0; at < json.length && tokens <= max; at++) {
    const byte = json[at] as number;
    tokens += isToken[byte] as number;
    if (byte === quotationMark) at = endOfString(json, at);
  }
  return tokens > max;
}

const jsonShape = object({ pictures: list(object({ data: string, name: optional(string) })) });
/** RFC 4648, section 4. */
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Reads { "pictures": [{ "data": base64, "name"? }] }. @throws {Problem} where the body is anything else. */
export function readJsonBody(body: Buffer): SentPicture[] {
  if (hasMoreTokens(body, maxTokens))
    throw new Problem(413, `The JSON has more than ${maxPictures} pictures, the most a request can hold.`);
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new Problem(400, 'The body is not JSON.');
  }
  const wrong = wrongWith(value, jsonShape);
  if (wrong) throw new Problem(400, `The JSON is not as expected: ${wrong}.`);
  const { pictures } = value as { pictures: { data: string; name?: string | null }[] };
  if (pictures.length > maxPictures) throw tooManyPictures();
  return pictures.map(({ data, name }, index) => {
    if (data.length % 4 !== 0 || !base64.test(data))
      throw new Problem(
        400,
        `The JSON is not as expected: pictures[${index}].data is not base64 (without line breaks and without "data:").`,
      );
    return { bytes: Buffer.from(data, 'base64'), ...(name != null && { name: checkName(name) }) };
  });
}

/** Parses every supported body into its pictures. Fastify enforces the size limit. */
export function addBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const add = (type: string | RegExp, read: (body: Buffer, type: string) => SentPicture[]) =>
    app.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) =>
      read(body, request.headers['content-type'] as string),
    );
  app.addHook('onRequest', async ({ headers }) => {
    const coding = headers['content-encoding'] ?? 'identity';
    if (!/^identity$/i.test(coding))
      throw new Problem(415, 'Send the body uncompressed, without a Content-Encoding.', {
        headers: { 'accept-encoding': 'identity' },
      });
  });
  add('multipart/form-data', readForm);
  add('application/json', readJsonBody);
  for (const type of ['application/octet-stream', /^image\//]) add(type, (bytes) => [{ bytes }]);
}
