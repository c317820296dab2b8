/** A formula in a text: where it ends, what is in it, and whether it stands by itself. */
export interface Formula {
  end: number;  // behind the closing mark
  tex: string;
  display: boolean;
}

const kForms = [
  { open: "$$", close: "$$", display: true },
  { open: "\\[", close: "\\]", display: true },
  { open: "\\(", close: "\\)", display: false },
  { open: "$", close: "$", display: false },
] as const;

/**
 * The formula that begins at `at`, or null: there is none, or its end has not come yet, in which case it stays text.
 * No formula holds a blank line. Single dollars are formulas only where no money can be meant: no space inside the
 * marks, no digit behind.
 */
export function formulaAt(text: string, at: number): Formula | null {
  const form = kForms.find(({ open }) => text.startsWith(open, at));
  if (form === undefined) return null;
  const begin = at + form.open.length;
  for (let end = begin; end < text.length; end += 1) {
    if (text[end] === "\n" && /^\n[ \t]*\n/.test(text.slice(end, end + 80))) return null;
    if (text.startsWith(form.close, end)) {
      const tex = text.slice(begin, end);
      if (tex.trim() === "") return null;
      if (form.open === "$" && !couldBeFormula(tex, text[end + 1])) return null;
      return { end: end + form.close.length, tex: tex.trim(), display: form.display };
    }
    if (text[end] === "\\") end += 1;  // \$ and \\ close nothing
  }
  return null;
}

function couldBeFormula(tex: string, next: string | undefined): boolean {
  return !/^\s|\s$/.test(tex) && !(next !== undefined && /\d/.test(next));
}
