import { expect, test } from "vitest";

import { splitBlocks } from "./blocks";

const kText = [
  "# Title", "", "A paragraph", "of two lines.", "", "1. one", "", "2. two", "", "   inside two", "",
  "```python", "a = 1", "", "b = 2", "```", "", "| a | b |", "|---|---|", "| 1 | 2 |", "", "    indented", "", "end",
].join("\n");

test("blocks joined again are the text", () => {
  for (const text of ["", "\n", "\n\n\n", kText, `${kText}\n\n`]) expect(splitBlocks(text).join("\n")).toBe(text);
});

test("code, lists and what is indented stay whole", () => {
  const blocks = splitBlocks(kText).map((block) => block.trim());
  expect(blocks[2]).toBe("1. one\n\n2. two\n\n   inside two");
  expect(blocks[3]).toBe("```python\na = 1\n\nb = 2\n```");
  expect(blocks.at(-1)).toBe("end");
});

test("while a text grows, only its last block changes", () => {
  let before = splitBlocks("");
  for (let n = 1; n <= kText.length; n += 1) {
    const now = splitBlocks(kText.slice(0, n));
    for (let i = 0; i + 2 < before.length; i += 1) expect(now[i]).toBe(before[i]);
    // A blank line may yet turn out to be inside of the block before it.
    expect(now.length).toBeGreaterThanOrEqual(before.length - 1);
    before = now;
  }
});

test("a fence that is open holds all that follows", () => {
  expect(splitBlocks("~~~\na\n\n```\n\nb")).toHaveLength(1);
  expect(splitBlocks("````\n```\n\nb\n````\n\nc")).toHaveLength(2);
});
