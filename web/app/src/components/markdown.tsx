import { useMemo } from "preact/hooks";

import { splitBlocks } from "../markdown/blocks";
import { renderMarkdown } from "../markdown/render";
import { locale, strings } from "../state/locale";

function Block({ html }: { html: string }) {
  return <div class="block" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Markdown that may still grow: what has been rendered once is not rendered again, its last block excepted. */
export function Markdown({ text, breaks = false }: { text: string; breaks?: boolean }) {
  const language = locale.value;
  const done = useMemo(() => new Map<string, string>(), [language]);
  const words = strings.value;
  const blocks = splitBlocks(text);
  return (
    <div class="markdown">
      {blocks.map((source, index) => {
        let html = done.get(source);
        if (html === undefined) {
          html = renderMarkdown(source, { copy: words.copy, picture: words.picture }, breaks);
          if (index < blocks.length - 1) done.set(source, html);
        }
        return <Block key={index} html={html} />;
      })}
    </div>
  );
}
