/** multipart/form-data (RFC 7578), in one pass over a body that is all there; pictures are views of it. */
import { Problem } from './problem.ts';

/** A picture of a request. */
export interface SentPicture {
  /** As it was sent; absent where it was not. */
  name?: string;
  bytes: Buffer;
}

export const maxPictures = 32;
/** Other fields of a form, which are not looked at. */
const maxFields = 16;
/** A part's header. */
const maxHeaderBytes = 8192;
/** Characters (RFC 2046, 5.1.1). */
const maxBoundaryLength = 70;
/** Characters of a picture's name, which is part of the answer. */
const maxNameLength = 1024;

export function tooManyPictures(): Problem {
  return new Problem(413, `A request can hold ${maxPictures} pictures; send the others in another one.`);
}

/** @throws {Problem} where a picture's name is longer than anybody needs. */
export function checkName(name: string): string {
  if (name.length <= maxNameLength) return name;
  throw new Problem(
    413,
    `A picture's name has more than ${maxNameLength} characters; send it with a shorter one.`,
  );
}

function damaged(what: string): Problem {
  return new Problem(400, `The form (multipart/form-data) is damaged: ${what}.`);
}

/** A value's parameters, names in small letters: 'form-data; name="a"' -> { name: 'a' }. Ends where it is malformed. */
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

/** RFC 8187, as some clients write names that are not ASCII: UTF-8''na%C3%AFve.jpg. */
function decodeExtended(value = ''): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/is.exec(value)?.[1];
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** A file's name, without what browsers escape in it (HTML, "multipart/form-data encoding algorithm"). */
function fileNameOf(disposition: Map<string, string>): string | undefined {
  const escapes: Record<string, string> = { '%0A': '\n', '%0D': '\r', '%22': '"' };
  const name = disposition.get('filename')?.replace(/%0A|%0D|%22/g, (found) => escapes[found] as string);
  return decodeExtended(disposition.get('filename*')) ?? name;
}

interface Part {
  /** Header fields by their names in small letters. */
  fields: Map<string, string>;
  bytes: Buffer;
}

/** @param header all between a boundary and an empty line. */
function fieldsOf(header: string): Map<string, string> {
  const [padding, ...lines] = header.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  if (padding?.trim() !== '') throw damaged('a boundary is followed by other text');
  const entries = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw damaged('a line of a header has no name');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return new Map(entries);
}

/** The parts of a body, one after the other: nothing after the one that was taken last has been looked at. */
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
    // The end of the header's last line may be that of the next boundary as well, where a part has no bytes.
    const end = find(start - 2);
    yield { fields: fieldsOf(header.toString('utf8', 0, length)), bytes: body.subarray(start, end) };
    at = end + delimiter.length;
  }
}

/** Whether a part is a picture's file; undefined where it is another field. */
function pictureOf({ fields, bytes }: Part): SentPicture | undefined {
  const type = fields.get('content-type') ?? 'text/plain';
  if (/^multipart\//i.test(type))
    throw new Problem(400, 'A part of the form holds parts of its own; send each picture as a part.');
  if (/^(base64|quoted-printable)$/i.test(fields.get('content-transfer-encoding') ?? ''))
    throw new Problem(400, 'A part of the form is encoded (Content-Transfer-Encoding); send the bytes.');
  const disposition = parametersOf(fields.get('content-disposition') ?? '');
  const isFile = disposition.has('filename') || disposition.has('filename*');
  if (!isFile && !/^(image\/|application\/octet-stream)/i.test(type)) return undefined;
  const name = fileNameOf(disposition);
  return { bytes, ...(name && { name: checkName(name) }) };
}

/**
 * The files of a form, in its order. It is read no further than to the part that is one too many.
 * @throws {Problem} where it is damaged, or has too many parts or too long headers.
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
      throw new Problem(413, `A form can hold ${maxFields} fields besides its pictures; send fewer.`);
  }
  return pictures;
}
