import { effect } from "@preact/signals";

import { current, open, startNew } from "../state/talk";

const address = (id: string) => `#/c/${encodeURIComponent(id)}`;

export function go(id: string): void {
  location.hash = address(id);
}

export function goToNew(asTemporary = false): void {
  startNew(asTemporary);
  if (location.hash !== "" && location.hash !== "#/") location.hash = "#/";
}

async function follow(): Promise<void> {
  const match = /^#\/c\/(.+)$/.exec(location.hash);
  const id = match?.[1] === undefined ? null : decodeURIComponent(match[1]);
  if (id !== null && !(await open(id))) history.replaceState(null, "", "#/");
  if (id === null && current.peek() !== null && !current.peek()?.temporary) startNew();
}

/** The address says which conversation is open, so that it can be reloaded and gone back to. */
export function followAddress(): void {
  window.addEventListener("hashchange", () => void follow());
  void follow();
  effect(() => {
    const conversation = current.value;
    if (conversation === null || conversation.temporary) return;  // a temporary one is in no history
    if (location.hash !== address(conversation.id)) history.pushState(null, "", address(conversation.id));
  });
}
