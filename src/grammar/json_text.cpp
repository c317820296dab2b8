#include "grammar/json_text.h"

#include <algorithm>
#include <map>

#include "base/utf8.h"
#include "grammar/rules_grammar.h"

namespace sputnik::grammar {
namespace {

// Characters that stand for themselves in a string.
const std::vector<CodePointRange> kPlain = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}};

ExprPtr hex_digit() {
  return bytes({{'0', '9'}, {'A', 'F'}, {'a', 'f'}});
}

// What is no plain ASCII character. Halves of surrogate pairs stand together or not at all.
ExprPtr rare_char() {
  const ExprPtr hex = hex_digit(), d = bytes({{'D', 'D'}, {'d', 'd'}});
  const ExprPtr ordinary = choice({
      seq({bytes({{'0', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}}), hex, hex, hex}),
      seq({d, bytes({{'0', '7'}}), hex, hex}),
  });
  const ExprPtr pair = seq({d, bytes({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), hex, hex,
                            literal("\\u"), d, bytes({{'C', 'F'}, {'c', 'f'}}), hex, hex});
  const ExprPtr simple = bytes({{'"', '"'},
                                {'/', '/'},
                                {'\\', '\\'},
                                {'b', 'b'},
                                {'f', 'f'},
                                {'n', 'n'},
                                {'r', 'r'},
                                {'t', 't'}});
  return choice(
      {code_points({{0x80, 0x10FFFF}}),
       seq({literal("\\"), choice({simple, seq({literal("u"), choice({ordinary, pair})})})})});
}

ExprPtr digits(int min, int max) {
  return repeated(bytes({{'0', '9'}}), min, max);
}

ExprPtr in_brackets(char open, ExprPtr inner, char close) {
  return seq({literal(std::string(1, open)), json_space(), std::move(inner),
              literal(std::string(1, close))});
}

ExprPtr comma() {
  return seq({json_space(), literal(","), json_space()});
}

ExprPtr colon() {
  return seq({json_space(), literal(":"), json_space()});
}

// Keys that are none of these names: characters as they are, so that no other notation of a name
// gets through.
ExprPtr other_key(const std::vector<std::u32string>& names) {
  struct Node {
    std::map<char32_t, int> children;
    bool is_name = false;
  };
  std::vector<Node> nodes(1);
  for (const std::u32string& name : names) {
    int at = 0;
    for (const char32_t c : name) {
      const int fresh = static_cast<int>(nodes.size());
      const auto [child, is_new] = nodes[at].children.try_emplace(c, fresh);
      const int next = child->second;
      if (is_new) nodes.emplace_back();
      at = next;
    }
    nodes[at].is_name = true;
  }
  // One node more: the key is already another one.
  const int free = static_cast<int>(nodes.size());
  std::vector<Expr::Edge> edges = {{free, free, code_points(kPlain)}};
  std::vector<int> ends = {free};
  for (int at = 0; at < free; ++at) {
    if (!nodes[at].is_name) ends.push_back(at);
    std::vector<CodePointRange> taken;
    for (const auto& [c, child] : nodes[at].children) {
      taken.push_back({c, c});
      edges.push_back({at, child, code_points(intersection({{c, c}}, kPlain))});
    }
    edges.push_back({at, free, code_points(intersection(complement(taken), kPlain))});
  }
  return seq({literal("\""), graph(free + 1, std::move(edges), std::move(ends)), literal("\"")});
}

std::u32string code_points_of(std::string_view text) {
  std::u32string result;
  while (!text.empty()) {
    const auto decoded = decode_utf8(text);
    result += static_cast<char32_t>(decoded.code_point);
    text.remove_prefix(decoded.n_bytes);
  }
  return result;
}

}  // namespace

std::vector<ExprPtr> json_rules(const JsonOptions& options) {
  std::vector<ExprPtr> rules(kNumJsonRules);
  rules[kJsonSpace] = choice({empty(), literal(" "),
                              seq({literal("\n"), repeated(bytes({{'\t', '\t'}, {' ', ' '}}), 0,
                                                           options.max_whitespace)})});
  rules[kJsonRareChar] = rare_char();
  rules[kJsonValue] = choice({json_string(), json_number(), literal("true"), literal("false"),
                              literal("null"), json_any_object(), json_any_array()});
  rules[kJsonObject] = json_any_object();
  return rules;
}

ExprPtr json_space() {
  return rule(kJsonSpace);
}

// A call for all but ASCII keeps long counted strings small.
ExprPtr json_char() {
  static const ExprPtr expr =
      choice({bytes({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x7F}}), rule(kJsonRareChar)});
  return expr;
}

ExprPtr json_string(int min, int max) {
  return seq({literal("\""), repeated(json_char(), min, max), literal("\"")});
}

ExprPtr json_code_points(const std::vector<CodePointRange>& ranges) {
  std::vector<ExprPtr> alternatives = {code_points(intersection(ranges, kPlain))};
  const auto within = normalized(ranges);
  const auto has = [&](std::uint32_t c) {
    return std::any_of(within.begin(), within.end(),
                       [&](const CodePointRange& range) { return range.lo <= c && c <= range.hi; });
  };
  for (std::uint32_t c = 0; c <= '\\'; ++c) {
    if ((c < 0x20 || c == '"' || c == '\\') && has(c)) {
      const std::string quoted = json_quoted(std::string(1, static_cast<char>(c)));
      alternatives.push_back(literal(std::string_view(quoted).substr(1, quoted.size() - 2)));
    }
  }
  return choice(std::move(alternatives));
}

ExprPtr json_integer() {
  return seq(
      {optional(literal("-")), choice({literal("0"), seq({bytes({{'1', '9'}}), digits(0, 17)})})});
}

ExprPtr json_number() {
  return seq({json_integer(), optional(seq({literal("."), digits(1, 20)})),
              optional(seq({bytes({{'E', 'E'}, {'e', 'e'}}),
                            optional(bytes({{'+', '+'}, {'-', '-'}})), digits(1, 2)}))});
}

ExprPtr json_any_object() {
  return json_object_of({}, rule(kJsonValue));
}

ExprPtr json_any_array() {
  return json_array_of({}, rule(kJsonValue), 0, -1);
}

std::string json_quoted(std::string_view text) {
  chat::OrderedJson json;
  json.kind = chat::OrderedJson::Kind::kString;
  json.text = text;
  return chat::to_python_json(json);
}

ExprPtr json_literal(const chat::OrderedJson& value) {
  using Kind = chat::OrderedJson::Kind;
  if (value.kind == Kind::kObject) {
    std::vector<JsonProperty> properties;
    for (const auto& [key, member] : value.members)
      properties.push_back({key, json_literal(member), true});
    return json_object_of(properties, nothing());
  }
  if (value.kind == Kind::kArray) {
    std::vector<ExprPtr> items;
    for (const auto& item : value.items) items.push_back(json_literal(item));
    const int n = static_cast<int>(items.size());
    return json_array_of(items, nothing(), n, n);
  }
  return literal(chat::to_python_json(value));
}

// Nodes 2i and 2i + 1: the first i properties are done, and nothing or something has been written;
// beyond them, a node for each property's beginning, whichever way it was reached.
ExprPtr json_object_of(const std::vector<JsonProperty>& properties, const ExprPtr& extra) {
  const int n = static_cast<int>(properties.size());
  const bool has_extra = extra->kind != Expr::Kind::kNothing;
  const auto node = [](int i, bool written) { return 2 * i + (written ? 1 : 0); };
  const auto begins = [&](int i) { return 2 * (n + 1) + i; };
  const int done = begins(n) + 1;
  std::vector<Expr::Edge> edges;
  std::vector<std::u32string> names;
  for (int i = 0; i < n + (has_extra ? 1 : 0); ++i) {
    edges.push_back({node(i, false), begins(i), nullptr});
    edges.push_back({node(i, true), begins(i), comma()});
  }
  for (int i = 0; i < n; ++i) {
    const auto& [name, value, required] = properties[i];
    names.push_back(code_points_of(name));
    if (!required) {
      edges.push_back({node(i, false), node(i + 1, false), nullptr});
      edges.push_back({node(i, true), node(i + 1, true), nullptr});
    }
    edges.push_back(
        {begins(i), node(i + 1, true), seq({literal(json_quoted(name)), colon(), value})});
  }
  if (has_extra) {
    const ExprPtr key = n == 0 ? json_string() : other_key(names);
    edges.push_back({begins(n), node(n, true), seq({key, colon(), extra})});
  }
  edges.push_back({node(n, true), done, json_space()});
  return in_brackets('{', graph(done + 1, std::move(edges), {node(n, false), done}), '}');
}

ExprPtr json_array_of(const std::vector<ExprPtr>& first, const ExprPtr& rest, int min, int max) {
  const int n_first = static_cast<int>(first.size());
  std::vector<Expr::Edge> edges;
  std::vector<int> ends;
  if (min == 0) ends.push_back(0);
  if (n_first == 0 && min <= 1 && max < 0) {
    // The value stands once: 1 is where one begins, 2 where one has ended, 3 the end.
    ends.push_back(3);
    edges = {{0, 1, nullptr}, {1, 2, rest}, {2, 1, comma()}, {2, 3, json_space()}};
    return in_brackets('[', graph(4, std::move(edges), std::move(ends)), ']');
  }
  // Nodes 2i and 2i + 1: i values are written, and the next begins. Without a bound the last pair
  // is a loop.
  const int last = max >= 0 ? max : std::max({min, n_first, 1});
  const int done = 2 * last + 2;
  ends.push_back(done);
  for (int i = 0; i <= last; ++i) {
    if (i >= std::max(min, 1)) edges.push_back({2 * i, done, json_space()});
    if (i == last && max >= 0) break;
    edges.push_back({2 * i, 2 * i + 1, i == 0 ? nullptr : comma()});
    edges.push_back({2 * i + 1, i == last ? 2 * i : 2 * i + 2, i < n_first ? first[i] : rest});
  }
  return in_brackets('[', graph(done + 1, std::move(edges), std::move(ends)), ']');
}

Result<GrammarPtr> json_object(const JsonOptions& options) {
  return RulesGrammar::create({rule(kJsonObject), json_rules(options)});
}

}  // namespace sputnik::grammar
