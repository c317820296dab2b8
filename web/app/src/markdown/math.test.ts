import { expect, test } from "vitest";

import { formulaAt } from "./math";

test("all four forms are formulas", () => {
  expect(formulaAt("$x^2$", 0)).toEqual({ end: 5, tex: "x^2", display: false });
  expect(formulaAt("$$x^2$$", 0)).toEqual({ end: 7, tex: "x^2", display: true });
  expect(formulaAt("\\(x^2\\)", 0)).toEqual({ end: 7, tex: "x^2", display: false });
  expect(formulaAt("\\[\nx^2\n\\] so", 0)).toEqual({ end: 9, tex: "x^2", display: true });
});

test("a formula that has not ended is text, at every length", () => {
  for (const whole of ["$a + b$", "$$a + b$$", "\\(a + b\\)", "\\[a + b\\]"]) {
    for (let n = 0; n < whole.length; n += 1) {
      // "$$" of "$$a..." may not be taken for an empty formula either.
      expect(formulaAt(whole.slice(0, n), 0), whole.slice(0, n)).toBeNull();
    }
    expect(formulaAt(whole, 0)?.end).toBe(whole.length);
  }
});

test("money is no formula", () => {
  expect(formulaAt("$5 and $6", 0)).toBeNull();
  expect(formulaAt("$5 or 10$ more", 0)?.tex).toBe("5 or 10");
  expect(formulaAt("$ 5$", 0)).toBeNull();
  expect(formulaAt("$20,000 and $30,000", 0)).toBeNull();
});

test("escaped marks close nothing, and no formula goes over a blank line", () => {
  expect(formulaAt("$a \\$ b$", 0)?.tex).toBe("a \\$ b");
  expect(formulaAt("$$a\n\nb$$", 0)).toBeNull();
  expect(formulaAt("\\\\(a\\)", 0)).toBeNull();
});
