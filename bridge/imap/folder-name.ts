/** Folder names as people write them, and as IMAP does. */

/** Modified UTF-7, RFC 3501 section 5.1.3. */
export function folderName(written: string): string {
  return written.replace(/&|[^\u0020-\u007e]+/g, (part) => (part === '&' ? '&-' : `&${encoded(part)}-`));
}

/** As people read it. What isn't modified UTF-7 stays as it came. Within a shift no `&` stands: each character is looked at once. */
export function writtenName(name: string): string {
  return name.replace(/&([^&-]*)-/g, (whole, part: string) => {
    if (part === '') return '&';
    const read = decoded(part);
    return encoded(read) === part ? read : whole;
  });
}

function encoded(part: string): string {
  return Buffer.from(part, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replaceAll('/', ',');
}

function decoded(part: string): string {
  const bytes = Buffer.from(part.replaceAll(',', '/'), 'base64');
  return bytes
    .subarray(0, bytes.length - (bytes.length % 2))
    .swap16()
    .toString('utf16le');
}
