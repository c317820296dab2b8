import DOMPurify from "dompurify";
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import katex from "katex";
import MarkdownIt from "markdown-it";

import { formulaAt } from "./math";

const kLanguages = {
  bash, c, cpp, csharp, css, diff, go, java, javascript, json, markdown, python, rust, sql, typescript, xml, yaml,
};
for (const [name, language] of Object.entries(kLanguages)) hljs.registerLanguage(name, language);

/** What a page's language adds to what a model wrote. */
export interface RenderWords {
  copy: string;
  picture: string;
}

const kMaxHighlighted = 20_000;  // characters; longer code stays plain, to be there at once

const md = new MarkdownIt({ html: false, linkify: true, breaks: false });
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
let words: RenderWords = { copy: "Copy", picture: "Picture" };

const escape = (text: string) => md.utils.escapeHtml(text);

/** MathML alone: it needs no style of its own, and screen readers read it. */
function formulaHtml(tex: string, display: boolean): string {
  try {
    const html = katex.renderToString(tex, {
      displayMode: display, output: "mathml", throwOnError: true, trust: false, strict: "ignore", maxExpand: 300,
      maxSize: 20,
    });
    // What little style it asks for the page's policy refuses, aloud: better not to ask.
    const plain = html.replace(/ style="[^"]*"/g, "");
    return display ? `<span class="formula">${plain}</span>` : plain;
  } catch {
    return `<code>${escape(tex)}</code>`;
  }
}

md.inline.ruler.before("escape", "formula", (state, silent) => {
  const formula = formulaAt(state.src.slice(0, state.posMax), state.pos);
  if (formula === null) return false;
  if (!silent) {
    const token = state.push("formula", "", 0);
    token.content = formula.tex;
    token.meta = { display: formula.display };
  }
  state.pos = formula.end;
  return true;
});

// A formula that begins a line is a block of its own: its lines may look like lists or headings.
md.block.ruler.before(
  "fence",
  "formula_block",
  (state, startLine, endLine, silent) => {
    const begin = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
    const opens = state.src.startsWith("$$", begin) || state.src.startsWith("\\[", begin);
    if (!opens || (state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
    const formula = formulaAt(state.src, begin);
    if (formula === null) return false;
    let last = startLine;
    while (last < endLine && (state.eMarks[last] ?? 0) < formula.end) last += 1;
    if (last >= endLine || state.src.slice(formula.end, state.eMarks[last]).trim() !== "") return false;
    if (silent) return true;
    const token = state.push("formula", "", 0);
    token.block = true;
    token.content = formula.tex.replace(/\n[> \t]+/g, "\n");
    token.meta = { display: true };
    token.map = [startLine, last + 1];
    state.line = last + 1;
    return true;
  },
  { alt: ["paragraph", "reference", "blockquote", "list"] },
);

md.renderer.rules["formula"] = (tokens, index) => {
  const token = tokens[index];
  const meta = token?.meta as { display?: boolean } | null | undefined;
  return formulaHtml(token?.content ?? "", meta?.display === true);
};

function codeHtml(code: string, info: string): string {
  const language = info.trim().split(/\s+/)[0] ?? "";
  const known = language !== "" && hljs.getLanguage(language) !== undefined && code.length < kMaxHighlighted;
  const body = known ? hljs.highlight(code, { language, ignoreIllegals: true }).value : escape(code);
  const head = `<span class="language">${escape(language)}</span>`;
  const copy = `<button type="button" class="copy-code">${escape(words.copy)}</button>`;
  return `<div class="code"><div class="code-head">${head}${copy}</div><pre tabindex="0"><code>${body}</code></pre></div>`;
}

md.renderer.rules["fence"] = (tokens, index) => codeHtml(tokens[index]?.content ?? "", tokens[index]?.info ?? "");
md.renderer.rules["code_block"] = (tokens, index) => codeHtml(tokens[index]?.content ?? "", "");
md.renderer.rules["table_open"] = () => '<div class="table" tabindex="0"><table>';
md.renderer.rules["table_close"] = () => "</table></div>";

// Columns say by a class how they are aligned: the page's policy allows no style of their own.
for (const name of ["th_open", "td_open"]) {
  md.renderer.rules[name] = (tokens, index, options, _environment, self) => {
    const token = tokens[index];
    const side = /text-align:\s*(\w+)/.exec(String(token?.attrGet("style") ?? ""))?.[1];
    if (token !== undefined && side !== undefined) token.attrs = [["class", `to-${side}`]];
    return self.renderToken(tokens, index, options);
  };
}

// Pictures would be fetched from wherever a model says, with whatever it puts into the address: they are links.
md.renderer.rules["image"] = (tokens, index) => {
  const token = tokens[index];
  const source = String(token?.attrGet("src") ?? "");
  const label = token?.content || words.picture;
  return `<a href="${escape(source)}">${escape(label)}</a><span class="target"> (${escape(source)})</span>`;
};

// Where a link leads stands behind it, unless its text says so already.
md.core.ruler.push("link_targets", (state) => {
  for (const block of state.tokens) {
    const children = block.children ?? [];
    let href = "";
    let label = "";
    let inside = false;
    block.children = children.flatMap((token) => {
      if (token.type === "link_open") {
        href = String(token.attrGet("href") ?? "");
        label = "";
        inside = true;
        return [token];
      }
      if (inside && token.type !== "link_close") label += token.content;
      if (token.type !== "link_close") return [token];
      inside = false;
      if (href === label || href === `${label}/` || href === "") return [token];
      const target = new state.Token("target", "", 0);
      target.content = href;
      return [token, target];
    });
  }
});
md.renderer.rules["target"] = (tokens, index) => {
  return `<span class="target"> (${escape(tokens[index]?.content ?? "")})</span>`;
};

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    // Neither into this server nor to anything that is no web page.
    if (!/^(?:https?:\/\/|mailto:)/i.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

/**
 * HTML of what a model wrote, with nothing in it that runs, loads or styles. breaks: every end of a line is one, as
 * thoughts mean it.
 */
export function renderMarkdown(source: string, its: RenderWords, breaks = false): string {
  words = its;
  md.set({ breaks });
  return DOMPurify.sanitize(md.render(source), {
    USE_PROFILES: { html: true, mathMl: true },
    ADD_TAGS: ["semantics", "annotation"],
    FORBID_TAGS: ["style", "form", "input", "img", "picture", "source", "video", "audio", "svg", "iframe"],
    FORBID_ATTR: ["style", "id", "name", "src", "srcset", "background", "poster"],
  });
}
