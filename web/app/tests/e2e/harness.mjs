// What the tests of the page share: the real server with the shipped model, and Debian's Chromium.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

/** Pictures of the page's states; never committed. */
export const kPictures = process.env.SPUTNIK_SCREENSHOTS ?? join(tmpdir(), "sputnik-screenshots");
mkdirSync(kPictures, { recursive: true });

/**
 * SPUTNIK_BINARY: the program. Its files lie in a folder of their own, which goes with it. SPUTNIK_URL: a server that
 * runs already, and SPUTNIK_SLOW_URL the same, slowly.
 */
export async function startServer() {
  if (process.env.SPUTNIK_URL) {
    const fast = process.env.SPUTNIK_URL;
    return { url: fast, slowUrl: process.env.SPUTNIK_SLOW_URL ?? fast, slow: () => () => undefined, stop: () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), "sputnik-e2e-"));
  const homes = Object.fromEntries(
    ["CONFIG", "DATA", "STATE", "CACHE"].map((name) => [`XDG_${name}_HOME`, join(folder, name.toLowerCase())]));
  const child = spawn(process.env.SPUTNIK_BINARY, ["serve", "--port", "0"], {
    env: { ...process.env, ...homes }, stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await new Promise((done, failed) => {
    let said = "";
    child.stderr.on("data", (data) => {
      said += data;
      const match = /answers on (http:\S+)/.exec(said);
      if (match) done(match[1]);
    });
    child.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
  });
  return {
    url,
    slowUrl: url,
    /** The shipped model answers faster than a hand moves. Stopped most of the time, the server gives time to look. */
    slow() {
      let running = true;
      const turn = () => {
        if (!running) return;
        child.kill("SIGSTOP");
        setTimeout(() => {
          child.kill("SIGCONT");
          setTimeout(turn, 1);
        }, 150);
      };
      turn();
      return () => {
        running = false;
        child.kill("SIGCONT");
      };
    },
    stop() {
      child.removeAllListeners("exit");
      child.kill("SIGCONT");
      child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function startBrowser() {
  const executablePath = process.env.SPUTNIK_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/**
 * A page that notes every error, every refusal of its policy, and every request that goes elsewhere: `problems` has to
 * stay empty.
 */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: "en-US", ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) problems.push(message.text());
  });
  page.on("request", (request) => {
    const target = request.url();
    if (!target.startsWith(url) && !target.startsWith("blob:") && !target.startsWith("data:")) {
      problems.push(`asked ${target}`);
    }
  });
  await page.goto(url);
  await page.locator("#composer-text").waitFor();
  return { page, problems, close: () => context.close() };
}

export async function ask(page, question) {
  await page.fill("#composer-text", question);
  await page.keyboard.press("Enter");
}

/** The answers that are shown, once none of them is under way. */
export async function answers(page) {
  await page.locator("article.assistant").first().waitFor();
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll("article.assistant")];
    return all.length > 0 && all.every((one) => one.getAttribute("aria-busy") !== "true");
  }, undefined, { timeout: 30_000 });
  return page.locator("article.assistant").allInnerTexts();
}
