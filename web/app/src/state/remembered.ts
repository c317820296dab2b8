import { effect, type Signal, signal } from "@preact/signals";

/** A signal that this browser remembers. Where storing is forbidden it works all the same, until the page is left. */
export function remembered<T>(key: string, initial: T, read: (text: string) => T | null): Signal<T> {
  let value = initial;
  try {
    const stored = localStorage.getItem(`sputnik.${key}`);
    if (stored !== null) value = read(stored) ?? initial;
  } catch {
    // No storage: the initial value.
  }
  const result = signal(value);
  effect(() => {
    const now = String(result.value);
    try {
      localStorage.setItem(`sputnik.${key}`, now);
    } catch {
      // As above.
    }
  });
  return result;
}

/** For values out of a few words. */
export function oneOf<T extends string>(...words: T[]): (text: string) => T | null {
  return (text) => words.find((word) => word === text) ?? null;
}
