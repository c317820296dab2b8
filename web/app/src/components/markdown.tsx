import { Component } from "preact";
import { useMemo } from "preact/hooks";

import { splitBlocks } from "../markdown/blocks";
import { renderMarkdown } from "../markdown/render";
import { locale, strings } from "../state/locale";

// Blocks that are laid out, or left out, together: each such group costs the browser a look in every frame.
const kGroup = 32;

/** Some blocks, which change only while the text ends in them. */
class Group extends Component<{ blocks: readonly string[] }> {
  override shouldComponentUpdate(next: { blocks: readonly string[] }): boolean {
    const { blocks } = this.props;
    return next.blocks.length !== blocks.length || next.blocks.some((html, index) => html !== blocks[index]);
  }
  override render() {
    const blocks = this.props.blocks;
    return (
      <div class="group">
        {blocks.map((html, index) => <div key={index} class="block" dangerouslySetInnerHTML={{ __html: html }} />)}
      </div>
    );
  }
}

/** Markdown that may still grow: what has been rendered once is not rendered again, its last block excepted. */
export function Markdown({ text, breaks = false }: { text: string; breaks?: boolean }) {
  const language = locale.value;
  const done = useMemo(() => new Map<string, string>(), [language]);
  const words = strings.value;
  const blocks = splitBlocks(text);
  const rendered = blocks.map((source, index) => {
    let html = done.get(source);
    if (html === undefined) {
      html = renderMarkdown(source, { copy: words.copy, picture: words.picture }, breaks);
      if (index < blocks.length - 1) done.set(source, html);
    }
    return html;
  });
  const groups = Array.from({ length: Math.ceil(rendered.length / kGroup) }, (_, index) =>
    rendered.slice(index * kGroup, (index + 1) * kGroup));
  return <div class="markdown">{groups.map((group, index) => <Group key={index} blocks={group} />)}</div>;
}
