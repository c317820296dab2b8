// The assistant's page in a browser, against the real server and its shipped model.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { answers, ask, kPictures, openPage, startBrowser, startServer } from "./harness.mjs";

const kQuestion = "What is 348 + 275?";
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

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

const picture = (page, name) => page.screenshot({ path: join(kPictures, `${name}.png`) });

/** Runs a test with a page, and then asks whether the page had something to complain about. */
function onPage(name, body, options = {}) {
  test(name, { timeout: 60_000 }, async () => {
    const { slow, ...context } = options;
    const opened = await openPage(browser, slow ? server.slowUrl : server.url, context);
    try {
      await body(opened.page);
      assert.deepEqual(opened.problems, []);
    } catch (error) {
      await picture(opened.page, `failed ${name}`.replace(/[^\w]+/g, "-"));
      throw error;
    } finally {
      await opened.close();
    }
  });
}

/** axe-core brings its own script, which the page's policy refuses as text: it is run from outside. */
async function violations(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}

describe("the page", () => {
  onPage("says at first what the model is, and answers an example", async (page) => {
    await page.getByText("sputnik-1, a very small model").waitFor();
    await page.getByText("often wrong").waitFor();
    await picture(page, "first-run");
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: kQuestion, exact: true }).click();
    const [answer] = await answers(page);
    assert.match(answer, /623/);
    assert.match(answer, /Thought for [\d.]+ s/);
    await picture(page, "chat");
    assert.deepEqual(await violations(page), []);
  });

  onPage("keeps folded thoughts out of the page, and shows them when asked", async (page) => {
    await ask(page, kQuestion);
    await answers(page);
    assert.equal(await page.locator(".thought-text").count(), 0);
    await page.getByRole("button", { name: /Thought for/ }).click();
    assert.ok((await page.locator(".thought-text").innerText()).length > 10);
    await picture(page, "thought");
    assert.deepEqual(await violations(page), []);
  });

  onPage("gives the focus back to where one types", async (page) => {
    await ask(page, kQuestion);
    await answers(page);
    assert.equal(await page.evaluate(() => document.activeElement?.id), "composer-text");
    assert.equal(await page.locator("[role=status]").first().innerText(), "Answer is ready");
  });

  onPage("stops an answer, and goes on with it", async (page) => {
    await page.selectOption("select[aria-label=Vote]", "1");
    const fast = server.slow();
    await ask(page, "Tell me a short story.");
    await page.locator("article.assistant").filter({ hasText: /\w{3}/ }).waitFor();
    await page.waitForTimeout(300);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("This answer is not complete.").waitFor();
    fast();
    const [before] = await answers(page);
    await page.getByRole("button", { name: "Continue", exact: true }).click();
    await page.getByText("This answer is not complete.").waitFor({ state: "detached" });
    const [whole] = await answers(page);
    assert.ok(whole.length > before.length - 60, `${before} / ${whole}`);
  }, { slow: true });

  onPage("edits a question into a branch, and goes back to the other", async (page) => {
    await ask(page, kQuestion);
    await answers(page);
    await page.keyboard.press("ArrowUp");
    const editor = page.getByLabel("Edit", { exact: true }).and(page.locator("textarea"));
    await editor.fill("What is 20 + 22?");
    await page.keyboard.press("Control+Enter");
    await page.getByText("2 of 2").waitFor();
    assert.match((await answers(page))[0], /42/);
    await picture(page, "branch");
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.locator("article.assistant", { hasText: "623" }).waitFor();
    assert.equal(await page.locator("article.user .question").innerText(), kQuestion);
  });

  onPage("answers again, and both versions stay", async (page) => {
    await ask(page, kQuestion);
    await answers(page);
    await page.getByRole("button", { name: "Regenerate" }).click();
    await page.getByText("2 of 2").waitFor();
    await answers(page);
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.getByText("1 of 2").waitFor();
    await page.getByRole("button", { name: "About this answer" }).click();
    await page.getByText("Q8_0").waitFor();
    assert.match(await page.locator(".card a").getAttribute("href"), /receipt$/);
  });

  onPage("goes on from a thought that the reader has changed", async (page) => {
    await ask(page, kQuestion);
    await answers(page);
    await page.getByRole("button", { name: /Thought for/ }).click();
    await page.getByRole("button", { name: "Edit thought" }).click();
    const editor = page.locator("textarea[aria-label='Edit thought']");
    await editor.fill("I was told the sum already.\nSo my answer is 777.");
    await page.getByRole("button", { name: "Go on from this thought" }).click();
    await page.getByText("2 of 2").waitFor();
    const [answer] = await answers(page);
    assert.match(answer, /777/);
    await page.locator(".thought-head").click();
    await page.locator(".thought-text", { hasText: /^\s*I was told the sum already/ }).waitFor();
  });

  onPage("keeps to a thinking budget, and says so", async (page) => {
    await page.selectOption("select[aria-label='Thinking budget']", "32");
    await ask(page, "What is 3481 + 2757?");
    await answers(page);
    await page.getByText("used up its budget").waitFor();
    await page.getByRole("button", { name: "About this answer" }).click();
    const thought = await page.locator(".card div", { hasText: "Thought tokens" }).locator("dd").innerText();
    assert.ok(Number(thought) <= 32, thought);
  });

  onPage("answers at once when asked to", async (page) => {
    const fast = server.slow();
    await ask(page, "What is 3481 + 2757?");
    await page.getByRole("button", { name: "Answer now" }).click();
    await page.getByRole("slider", { name: "Thinking budget" }).waitFor({ state: "detached" });
    fast();
    assert.equal((await answers(page)).length, 1);
  }, { slow: true });

  onPage("lets answers vote, and shows who dissents", async (page) => {
    await page.selectOption("select[aria-label=Vote]", "3");
    await ask(page, kQuestion);
    await answers(page);
    await page.getByText(/\d of \d agree/).first().waitFor();
    await page.getByRole("button", { name: /other answer/ }).click();
    assert.ok((await page.locator(".dissent li").count()) >= 1);
    await picture(page, "vote");
    assert.deepEqual(await violations(page), []);
  });

  onPage("joins a running answer again after a reload: no token lost, none twice", async (page) => {
    const fast = server.slow();
    await ask(page, kQuestion);
    await page.locator(".thought-text").filter({ hasText: /\w{3} \w/ }).waitFor();
    await picture(page, "thinking");
    await page.reload();
    await page.locator("article.assistant").waitFor();
    await page.waitForTimeout(200);
    fast();
    await answers(page);
    await page.getByRole("button", { name: /Thought for/ }).click();
    await page.locator(".thought-text", { hasText: /[\s\S]{40}/ }).waitFor();  // more than its button
    const joined = await page.locator("article.assistant").innerText();
    await page.reload();
    await answers(page);
    await page.getByRole("button", { name: /Thought for/ }).click();
    await page.locator(".thought-text", { hasText: /[\s\S]{40}/ }).waitFor();  // more than its button
    assert.equal(await page.locator("article.assistant").innerText(), joined);
  }, { slow: true });

  onPage("finds, renames, pins and deletes chats", async (page) => {
    await ask(page, "What is 111 + 222?");
    await answers(page);
    await page.getByRole("button", { name: /^Actions for/ }).first().click();
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByLabel("Rename").fill("Repdigits");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Repdigits" }).waitFor();
    await page.getByRole("button", { name: "Actions for Repdigits" }).click();
    await page.getByRole("button", { name: "Pin", exact: true }).click();
    await page.getByRole("heading", { name: "Pinned" }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search and commands" }).fill("111 + 222");
    await page.getByRole("option", { name: /111 \+ 222/ }).first().waitFor();
    assert.deepEqual(await violations(page), []);
    await picture(page, "search");
    await page.keyboard.press("Escape");
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Actions for Repdigits" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "Repdigits" }).waitFor({ state: "detached" });
  });

  onPage("forgets temporary chats", async (page) => {
    const before = await page.locator(".chat").count();
    await page.getByRole("button", { name: "Temporary chat" }).click();
    await ask(page, kQuestion);
    await answers(page);
    assert.equal(await page.locator(".chat").count(), before);
    assert.equal(new URL(page.url()).hash.replace("#/", ""), "");
    await page.reload();
    await page.getByText("What shall we think about?").waitFor();
  });

  onPage("takes files and long pastes along", async (page) => {
    await page.setInputFiles("input[type=file]", { name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("a,b\n1,2\n") });
    await page.locator(".composer .attachments", { hasText: "a.csv" }).waitFor();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/plain", "long ".repeat(500));
      const area = document.getElementById("composer-text");
      area?.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await page.locator(".composer .attachments", { hasText: "pasted.txt" }).waitFor();
    await page.getByRole("button", { name: "Remove pasted.txt" }).click();
    await ask(page, "Hello!");
    await answers(page);
    await page.locator("article.user .attachments", { hasText: "a.csv" }).waitFor();
    await page.getByRole("button", { name: /^Context/ }).click();
    await page.getByRole("dialog").getByText("[file name]: a.csv").first().waitFor();
    const seen = await page.getByRole("dialog").innerText();
    assert.match(seen, /\[file name\]: a\.csv\s+\[file content begin\]\s+a,b\s+1,2\s+\[file content end\]/);
  });

  onPage("keeps drafts, and leaves Enter to input methods", async (page) => {
    await page.fill("#composer-text", "half a thought");
    await page.reload();
    assert.equal(await page.inputValue("#composer-text"), "half a thought");
    await page.evaluate(() => {
      const area = document.getElementById("composer-text");
      area?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }));
      area?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }));
    });
    await page.waitForTimeout(200);
    assert.equal(await page.locator("article").count(), 0);
  });

  onPage("works with the keyboard alone", async (page) => {
    await page.keyboard.press("Control+b");
    assert.equal(await page.locator(".sidebar").count(), 0);
    await page.keyboard.press("Control+b");
    await page.keyboard.type(kQuestion);
    await page.keyboard.press("Enter");
    await answers(page);
    await page.keyboard.press("Shift+Tab");
    for (let i = 0; i < 30; i += 1) {
      if (await page.evaluate(() => document.activeElement?.classList.contains("thought-head"))) break;
      await page.keyboard.press("Shift+Tab");
    }
    await page.keyboard.press("Enter");
    await page.locator(".thought-text").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Shift+O");
    await page.getByText("What shall we think about?").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), "composer-text");
  });

  onPage("fits a phone of 320 pixels", async (page) => {
    assert.equal(await page.locator(".sidebar").count(), 0);
    await ask(page, kQuestion);
    await answers(page);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320);
    await picture(page, "phone");
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "Show or hide the sidebar" }).click();
    await page.locator(".sidebar").waitFor();
    assert.deepEqual(await violations(page), []);
    await picture(page, "phone-sidebar");
  }, { viewport: { width: 320, height: 640 }, hasTouch: true });

  onPage("speaks Chinese, in the dark as well", async (page) => {
    await page.getByText("有什么想问的").or(page.getByPlaceholder("有什么想问的")).first().waitFor();
    assert.equal(await page.getAttribute("html", "lang"), "zh-CN");
    await ask(page, kQuestion);
    await answers(page);
    await page.getByRole("button", { name: /已思考 [\d.]+ 秒/ }).click();
    await picture(page, "zh-dark");
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "设置" }).click();
    await page.getByRole("dialog", { name: "设置" }).waitFor();
    assert.deepEqual(await violations(page), []);
  }, { locale: "zh-CN", colorScheme: "dark" });
});
