/**
 * Cuts Markdown into blocks that can be rendered one by one. While a text grows only its last block changes, so that
 * whoever remembers the others renders one block per token. Joined with "\n" the blocks are the text.
 */
export function splitBlocks(text: string): string[] {
  const lines = text.split("\n");
  const blocks: string[] = [];
  let begin = 0;
  let fence = "";  // the marks that opened a code block, "" outside
  let afterBlank = false;
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    const blank = line.trim() === "";
    if (fence === "" && afterBlank && !blank && i > begin && !goesOn(lines[begin] ?? "", line)) {
      blocks.push(lines.slice(begin, i).join("\n"));
      begin = i;
    }
    fence = fenceAfter(line, fence);
    afterBlank = blank;
  }
  blocks.push(lines.slice(begin).join("\n"));
  return blocks;
}

function fenceAfter(line: string, fence: string): string {
  const marks = /^\s*(`{3,}|~{3,})(.*)$/.exec(line);
  if (marks === null) return fence;
  const run = marks[1] ?? "";
  const rest = marks[2] ?? "";
  if (fence === "") return run.startsWith("`") && rest.includes("`") ? "" : run;
  return run[0] === fence[0] && run.length >= fence.length && rest.trim() === "" ? "" : fence;
}

const kListItem = /^\s{0,3}([-*+]|\d{1,9}[.)])\s/;

/** A list goes on behind a blank line with another item or with what is indented; so does indented code. */
function goesOn(first: string, line: string): boolean {
  if (/^(\t| {2,})/.test(line)) return true;
  return kListItem.test(first) && kListItem.test(line);
}
