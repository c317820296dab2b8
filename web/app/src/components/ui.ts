import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

export type OpenDialog = "palette" | "help" | "settings" | "context" | null;

/** Which dialog is open; one at a time. */
export const dialog = signal<OpenDialog>(null);
/** Id of the question that is being edited. */
export const editing = signal<string | null>(null);

/** Where typing goes when nothing else has the focus. */
export function focusComposer(): void {
  // Phones would raise their keyboard over what was to be read.
  if (window.matchMedia("(pointer: coarse)").matches) return;
  document.getElementById("composer-text")?.focus();
}

/** Gives the focus to what has just come into the page because the reader asked for it. */
export function useFocus<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => element.current?.focus(), []);
  return element;
}
