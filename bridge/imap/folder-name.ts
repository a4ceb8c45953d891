/** Folder names as people write them, and as IMAP does. */

/** Modified UTF-7, RFC 3501 section 5.1.3. */
export function folderName(written: string): string {
  return written.replace(/&|[^\u0020-\u007e]+/g, (part) => (part === '&' ? '&-' : `&${encoded(part)}-`));
}

function encoded(part: string): string {
  return Buffer.from(part, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replaceAll('/', ',');
}
