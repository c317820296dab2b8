export const kMaxFileBytes = 1_000_000;
/** Characters; a longer paste becomes a file. */
export const kLongPaste = 2000;

export type ReadFile = { kind: "text"; name: string; text: string } | { kind: "binary" | "large"; name: string };

/** Text in UTF-8, or what is wrong with it. What a file is says its content, not its name. */
export function readBytes(name: string, bytes: Uint8Array): ReadFile {
  if (bytes.length > kMaxFileBytes) return { kind: "large", name };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? { kind: "binary", name } : { kind: "text", name, text };
  } catch {
    return { kind: "binary", name };
  }
}

export async function readFile(file: File): Promise<ReadFile> {
  if (file.size > kMaxFileBytes) return { kind: "large", name: file.name };
  return readBytes(file.name, new Uint8Array(await file.arrayBuffer()));
}
