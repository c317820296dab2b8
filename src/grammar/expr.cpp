#include "grammar/expr.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace sputnik::grammar {
namespace {

std::shared_ptr<Expr> make(Expr::Kind kind) {
  auto expr = std::make_shared<Expr>();
  expr->kind = kind;
  return expr;
}

// All texts of n bytes between lo and hi, which are encodings of the same length, and bytes after
// the first of which may be any continuation byte where the leading ones do not bind them.
void add_byte_sequences(std::string_view lo, std::string_view hi, std::vector<ExprPtr>& out) {
  const auto lo0 = static_cast<std::uint8_t>(lo[0]), hi0 = static_cast<std::uint8_t>(hi[0]);
  if (lo.size() == 1) {
    out.push_back(bytes({{lo0, hi0}}));
    return;
  }
  const std::string first(lo.size() - 1, static_cast<char>(0x80));
  const std::string last(lo.size() - 1, static_cast<char>(0xBF));
  const auto add = [&](std::uint8_t from, std::uint8_t to, std::string_view rest_lo,
                       std::string_view rest_hi) {
    std::vector<ExprPtr> rest;
    add_byte_sequences(rest_lo, rest_hi, rest);
    out.push_back(seq({bytes({{from, to}}), choice(std::move(rest))}));
  };
  if (lo0 == hi0) {
    add(lo0, lo0, lo.substr(1), hi.substr(1));
    return;
  }
  int from = lo0, to = hi0;
  if (lo.substr(1) != first) add(static_cast<std::uint8_t>(from++), lo0, lo.substr(1), last);
  const bool cut_last = hi.substr(1) != last;
  if (cut_last) --to;
  if (from <= to) add(static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to), first, last);
  if (cut_last) add(hi0, hi0, first, hi.substr(1));
}

}  // namespace

ExprPtr nothing() {
  static const ExprPtr expr = make(Expr::Kind::kNothing);
  return expr;
}

ExprPtr empty() {
  static const ExprPtr expr = make(Expr::Kind::kEmpty);
  return expr;
}

ExprPtr bytes(std::vector<ByteRange> ranges) {
  if (ranges.empty()) return nothing();
  auto expr = make(Expr::Kind::kBytes);
  expr->ranges = std::move(ranges);
  return expr;
}

ExprPtr literal(std::string_view text) {
  if (text.empty()) return empty();
  auto expr = make(Expr::Kind::kLiteral);
  expr->text = text;
  return expr;
}

ExprPtr seq(std::vector<ExprPtr> parts) {
  std::erase_if(parts, [](const ExprPtr& part) { return part->kind == Expr::Kind::kEmpty; });
  if (parts.empty()) return empty();
  if (parts.size() == 1) return parts[0];
  auto expr = make(Expr::Kind::kSequence);
  expr->children = std::move(parts);
  return expr;
}

ExprPtr choice(std::vector<ExprPtr> alternatives) {
  std::erase_if(alternatives,
                [](const ExprPtr& part) { return part->kind == Expr::Kind::kNothing; });
  if (alternatives.empty()) return nothing();
  if (alternatives.size() == 1) return alternatives[0];
  auto expr = make(Expr::Kind::kChoice);
  expr->children = std::move(alternatives);
  return expr;
}

ExprPtr repeated(ExprPtr part, int min, int max) {
  if (max == 0) return empty();
  if (min == 1 && max == 1) return part;
  auto expr = make(Expr::Kind::kRepeat);
  expr->children = {std::move(part)};
  expr->min = min;
  expr->max = max;
  return expr;
}

ExprPtr optional(ExprPtr part) {
  return choice({empty(), std::move(part)});
}

ExprPtr token(std::int32_t id) {
  auto expr = make(Expr::Kind::kToken);
  expr->index = id;
  return expr;
}

ExprPtr rule(int index) {
  auto expr = make(Expr::Kind::kRule);
  expr->index = index;
  return expr;
}

ExprPtr nested(GrammarPtr grammar) {
  auto expr = make(Expr::Kind::kGrammar);
  expr->grammar = std::move(grammar);
  return expr;
}

ExprPtr graph(int n_nodes, std::vector<Expr::Edge> edges, std::vector<int> ends) {
  auto expr = make(Expr::Kind::kGraph);
  expr->n_nodes = n_nodes;
  expr->edges = std::move(edges);
  expr->ends = std::move(ends);
  return expr;
}

ExprPtr code_points(const std::vector<CodePointRange>& ranges) {
  std::vector<ByteRange> ascii;
  std::vector<ExprPtr> alternatives;
  for (const CodePointRange& range : normalized(ranges)) {
    // Ranges are cut where encodings become longer.
    static constexpr std::uint32_t kLast[] = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    std::uint32_t lo = range.lo;
    for (const std::uint32_t last : kLast) {
      if (lo > range.hi || lo > last) continue;
      const std::uint32_t hi = std::min(range.hi, last);
      if (last == 0x7F) {
        ascii.push_back({static_cast<std::uint8_t>(lo), static_cast<std::uint8_t>(hi)});
      } else {
        std::string from, to;
        append_utf8(from, lo);
        append_utf8(to, hi);
        add_byte_sequences(from, to, alternatives);
      }
      lo = hi + 1;
    }
  }
  if (!ascii.empty()) alternatives.insert(alternatives.begin(), bytes(std::move(ascii)));
  return choice(std::move(alternatives));
}

std::vector<CodePointRange> normalized(std::vector<CodePointRange> ranges) {
  std::vector<CodePointRange> cut;
  for (const CodePointRange& range : ranges) {
    const std::uint32_t hi = std::min(range.hi, std::uint32_t{0x10FFFF});
    if (range.lo < 0xD800 && range.lo <= hi)
      cut.push_back({range.lo, std::min(hi, std::uint32_t{0xD7FF})});
    const std::uint32_t lo = std::max(range.lo, std::uint32_t{0xE000});
    if (lo <= hi) cut.push_back({lo, hi});
  }
  std::sort(cut.begin(), cut.end(), [](auto a, auto b) { return a.lo < b.lo; });
  std::vector<CodePointRange> joined;
  for (const CodePointRange& range : cut) {
    if (!joined.empty() && range.lo <= joined.back().hi + 1) {
      joined.back().hi = std::max(joined.back().hi, range.hi);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<CodePointRange> complement(const std::vector<CodePointRange>& ranges) {
  std::vector<CodePointRange> result;
  std::uint32_t next = 0;
  for (const CodePointRange& range : normalized(ranges)) {
    if (range.lo > next) result.push_back({next, range.lo - 1});
    next = range.hi + 1;
  }
  if (next <= 0x10FFFF) result.push_back({next, 0x10FFFF});
  return normalized(std::move(result));
}

std::vector<CodePointRange> intersection(const std::vector<CodePointRange>& a,
                                         const std::vector<CodePointRange>& b) {
  auto outside = complement(a);
  const auto more = complement(b);
  outside.insert(outside.end(), more.begin(), more.end());
  return complement(outside);
}

}  // namespace sputnik::grammar
