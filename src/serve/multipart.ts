/** Reads multipart/form-data (RFC 7578) in one pass over a complete body; pictures are views of the body. */
import { Problem } from './problem.ts';

/** A picture in a request. */
export interface SentPicture {
  /** The file name that the client sent, if any. */
  name?: string;
  bytes: Buffer;
}

export const maxPictures = 32;
/** Most other fields in a form; their values are ignored. */
const maxFields = 16;
/** Largest header of a part. */
const maxHeaderBytes = 8192;
/** In characters (RFC 2046, 5.1.1). */
const maxBoundaryLength = 70;
/** In characters; the name is part of the answer. */
const maxNameLength = 1024;

export function tooManyPictures(): Problem {
  return new Problem(413, `A request can hold ${maxPictures} pictures; send the others in a second request.`);
}

/** @throws {Problem} where a picture's name is too long. */
export function checkName(name: string): string {
  if (name.length <= maxNameLength) return name;
  throw new Problem(413, `A picture's name has more than ${maxNameLength} characters; send a shorter one.`);
}

function damaged(what: string): Problem {
  return new Problem(400, `The form (multipart/form-data) is damaged: ${what}.`);
}

/** Parameters of a header value by lower-case name: 'form-data; name="a"' -> { name: 'a' }. Stops where it is malformed. */
function parametersOf(value: string): Map<string, string> {
  const parameter = /\s*;\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/sy;
  parameter.lastIndex = value.search(/;|$/);
  const parameters = new Map<string, string>();
  for (;;) {
    const [found, name, quoted, plain] = parameter.exec(value) ?? [];
    if (found === undefined) return parameters;
    parameters.set((name as string).toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? (plain as string));
  }
}

/** Decodes RFC 8187, which some clients use for names outside ASCII: UTF-8''na%C3%AFve.jpg. */
function decodeExtended(value = ''): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/is.exec(value)?.[1];
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** The file name, with the escapes of browsers decoded (HTML, "multipart/form-data encoding algorithm"). */
function fileNameOf(disposition: Map<string, string>): string | undefined {
  const escapes: Record<string, string> = { '%0A': '\n', '%0D': '\r', '%22': '"' };
  const name = disposition.get('filename')?.replace(/%0A|%0D|%22/g, (found) => escapes[found] as string);
  return decodeExtended(disposition.get('filename*')) ?? name;
}

interface Part {
  /** Header fields by lower-case name. */
  fields: Map<string, string>;
  bytes: Buffer;
}

/** Parses the header of a part. @param header the text between a boundary and the empty line. */
function fieldsOf(header: string): Map<string, string> {
  const [padding, ...lines] = header.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  if (padding?.trim() !== '') throw damaged('a boundary is followed by other text');
  const entries = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw damaged('a header line has no name');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(entries);
}

/** The parts of a body, read lazily: nothing after the last part that was taken is examined. */
function* partsOf(body: Buffer, boundary: string): Generator<Part> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const opening = delimiter.subarray(2);
  const find = (from: number) => {
    const at = body.indexOf(delimiter, from);
    if (at < 0) throw damaged('it ends before its last boundary');
    return at;
  };
  const isAt = (text: Buffer, at: number) => body.subarray(at, at + text.length).equals(text);
  const closing = Buffer.from('--');

  for (let at = isAt(opening, 0) ? opening.length : find(0) + delimiter.length; !isAt(closing, at); ) {
    const header = body.subarray(at, at + maxHeaderBytes);
    const length = header.indexOf('\r\n\r\n');
    if (length < 0 && header.length === maxHeaderBytes)
      throw new Problem(413, `The header of a part of the form has more than ${maxHeaderBytes} bytes.`);
    if (length < 0) throw damaged('it ends within the header of a part');
    const start = at + length + 4;
    // In a part without bytes the line break that ends the header also starts the next boundary.
    const end = find(start - 2);
    yield { fields: fieldsOf(header.toString('utf8', 0, length)), bytes: body.subarray(start, end) };
    at = end + delimiter.length;
  }
}

/** The picture in a part; undefined where the part is another field. */
function pictureOf({ fields, bytes }: Part): SentPicture | undefined {
  const type = fields.get('content-type') ?? 'text/plain';
  if (/^multipart\//i.test(type))
    throw new Problem(
      400,
      'A part of the form has parts of its own; send each picture as a part of the form.',
    );
  if (/^(base64|quoted-printable)$/i.test(fields.get('content-transfer-encoding') ?? ''))
    throw new Problem(400, 'A part of the form has a Content-Transfer-Encoding; send the bytes as they are.');
  const disposition = parametersOf(fields.get('content-disposition') ?? '');
  const isFile = disposition.has('filename') || disposition.has('filename*');
  if (!isFile && !/^(image\/|application\/octet-stream)/i.test(type)) return undefined;
  const name = fileNameOf(disposition);
  return { bytes, ...(name && { name: checkName(name) }) };
}

/**
 * The pictures in a form, in order. Reading stops at the first part too many.
 * @throws {Problem} where the form is damaged, has too many parts, or has too long headers.
 */
export function readForm(body: Buffer, contentType: string): SentPicture[] {
  const boundary = parametersOf(contentType).get('boundary') ?? '';
  if (boundary === '' || boundary.length > maxBoundaryLength)
    throw damaged(`its boundary must have 1 to ${maxBoundaryLength} characters`);
  const pictures: SentPicture[] = [];
  let others = 0;
  for (const part of partsOf(body, boundary)) {
    const picture = pictureOf(part);
    if (picture) pictures.push(picture);
    else others++;
    if (pictures.length > maxPictures) throw tooManyPictures();
    if (others > maxFields)
      throw new Problem(413, `A form can hold ${maxFields} fields besides the pictures; send fewer.`);
  }
  return pictures;
}
