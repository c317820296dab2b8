/** The part of a message that makes it a node of a conversation's tree. */
export interface Node {
  id: string;
  parentId: string | null;
}

/** From the root to the leaf; what is missing in between ends it. */
export function pathTo<T extends Node>(nodes: ReadonlyMap<string, T>, leaf: string | null): T[] {
  const path: T[] = [];
  const seen = new Set<string>();
  for (let id = leaf; id !== null && !seen.has(id); ) {
    const node = nodes.get(id);
    if (node === undefined) break;
    seen.add(id);
    path.push(node);
    id = node.parentId;
  }
  return path.reverse();
}

/** All with the same parent, the oldest first: the versions of a question or of an answer. */
export function versionsOf<T extends Node>(nodes: ReadonlyMap<string, T>, node: Node): T[] {
  return [...nodes.values()].filter((other) => other.parentId === node.parentId);
}

/** The newest leaf below a node: following the last child each time. */
export function newestLeaf<T extends Node>(nodes: ReadonlyMap<string, T>, id: string): string {
  let leaf = id;
  const last = new Map<string, string>();
  for (const node of nodes.values()) if (node.parentId !== null) last.set(node.parentId, node.id);
  for (let next = last.get(leaf); next !== undefined; next = last.get(leaf)) leaf = next;
  return leaf;
}
