#include <algorithm>
#include <map>
#include <utility>

#include "grammar/rules_grammar.h"

namespace sputnik::grammar {

// The automaton of Aho and Corasick, without the states at which a string is complete.
GrammarPtr text_beginning_without(std::string_view first_bytes,
                                  const std::vector<std::string>& strings) {
  struct Node {
    std::map<std::uint8_t, int> children;
    int fail = 0;
    bool forbidden = false;
  };
  std::vector<Node> nodes(1);
  for (const std::string& text : strings) {
    int at = 0;
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      const auto [child, is_new] =
          nodes[at].children.try_emplace(byte, static_cast<int>(nodes.size()));
      const int next = child->second;
      if (is_new) nodes.emplace_back();
      at = next;
    }
    nodes[at].forbidden = true;
  }
  SPUTNIK_ASSERT(!nodes[0].forbidden);
  const auto step = [&](int at, std::uint8_t byte) {
    for (;; at = nodes[at].fail) {
      const auto child = nodes[at].children.find(byte);
      if (child != nodes[at].children.end()) return child->second;
      if (at == 0) return 0;
    }
  };
  std::vector<int> order = {0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const auto& [byte, child] : nodes[order[i]].children) {
      nodes[child].fail = order[i] == 0 ? 0 : step(nodes[order[i]].fail, byte);
      nodes[child].forbidden |= nodes[nodes[child].fail].forbidden;
      order.push_back(child);
    }
  }
  // Node 0 is before the first byte; the automaton's own follow. -1: forbidden.
  const auto target = [&](int from, int byte) {
    if (from == 0 && first_bytes.find(static_cast<char>(byte)) != first_bytes.npos) return -1;
    const int to = step(std::max(from - 1, 0), static_cast<std::uint8_t>(byte));
    return nodes[to].forbidden ? -1 : to + 1;
  };
  const int n_nodes = static_cast<int>(nodes.size()) + 1;
  std::vector<Expr::Edge> edges;
  std::vector<int> ends;
  for (int from = 0; from < n_nodes; ++from) {
    ends.push_back(from);
    for (int byte = 0; byte < 256;) {
      const int first = byte, to = target(from, byte);
      while (byte < 256 && target(from, byte) == to) ++byte;
      if (to < 0) continue;
      edges.push_back(
          {from, to,
           bytes({{static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(byte - 1)}})});
    }
  }
  return make_grammar(graph(n_nodes, std::move(edges), std::move(ends)));
}

}  // namespace sputnik::grammar
