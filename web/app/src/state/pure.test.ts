import { expect, test } from "vitest";

import { readConversation } from "../api/read";
import { groupByDay } from "./days";
import { kMaxFileBytes, readBytes } from "./files";
import { en, zh } from "./strings";
import { newestLeaf, pathTo, versionsOf } from "./tree";
import { parameters, seconds } from "./words";

const kNodes = new Map(
  [["1", null], ["2", "1"], ["3", "1"], ["4", "3"], ["5", "3"], ["6", "2"]].map(
    ([id, parentId]) => [id as string, { id: id as string, parentId: parentId as string | null }]));

test("a branch goes from the root to its leaf, and arrows go to the newest leaf of another", () => {
  expect(pathTo(kNodes, "4").map((node) => node.id)).toEqual(["1", "3", "4"]);
  expect(pathTo(kNodes, null)).toEqual([]);
  expect(versionsOf(kNodes, { id: "3", parentId: "1" }).map((node) => node.id)).toEqual(["2", "3"]);
  expect(newestLeaf(kNodes, "1")).toBe("5");
  expect(newestLeaf(kNodes, "2")).toBe("6");
});

test("conversations are grouped by day, the pinned ones first", () => {
  const now = new Date(2026, 10, 30, 0, 30);
  const at = (hoursAgo: number, pinned = false) =>
    readConversation({ id: `${hoursAgo}`, pinned, updated_ms: now.getTime() - hoursAgo * 3_600_000 });
  const words = { pinned: "P", today: "T", yesterday: "Y" };
  const groups = groupByDay([at(60), at(1), at(0), at(100, true), at(2)], now, words, "en");
  expect(groups.map((group) => [group.label, group.conversations.map((one) => one.id)])).toEqual([
    ["P", ["100"]], ["T", ["0"]], ["Y", ["1", "2"]], ["November 27, 2026", ["60"]],
  ]);
});

test("files are text by what they hold", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(readBytes("a.csv", bytes("a,b\n中,2"))).toEqual({ kind: "text", name: "a.csv", text: "a,b\n中,2" });
  expect(readBytes("a.txt", new Uint8Array([0xff, 0xfe, 0x00]))).toEqual({ kind: "binary", name: "a.txt" });
  expect(readBytes("a.txt", bytes("a\0b")).kind).toBe("binary");
  expect(readBytes("a.txt", new Uint8Array(kMaxFileBytes + 1)).kind).toBe("large");
});

test("numbers are said as people say them", () => {
  expect([seconds(640), seconds(42_300)]).toEqual(["0.6", "42"]);
  expect([parameters(8_890_832), parameters(1.5e9), parameters(671e9)]).toEqual(["8.9 M", "1.5 B", "671 B"]);
});

test("no word of one language is left in the other", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    if (key === "appName" || key === "notice" || key === "examples" || key === "version") continue;
    expect(JSON.stringify(zh[key]) === JSON.stringify(en[key]) && typeof zh[key] === "string", key).toBe(false);
  }
});
