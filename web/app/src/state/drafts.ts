/** What was typed and not sent, per conversation. What belongs to temporary ones is not written anywhere. */
const inMemory = new Map<string, string>();

function key(conversation: string | null): string {
  return `sputnik.draft.${conversation ?? "new"}`;
}

export function draftOf(conversation: string | null): string {
  const name = key(conversation);
  try {
    return inMemory.get(name) ?? localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(conversation: string | null, text: string, temporary: boolean): void {
  const name = key(conversation);
  inMemory.set(name, text);
  if (temporary) return;
  try {
    if (text === "") localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // No storage: the draft lives as long as the page.
  }
}
