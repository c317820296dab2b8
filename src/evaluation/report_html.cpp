#include "evaluation/report_html.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace sputnik::evaluation {
namespace {

constexpr std::size_t kMaxTextBytes = 6000;  // of a thought or answer that is shown
constexpr std::size_t kMaxExamples = 3;      // of each suite, right and wrong

// Colours are told apart by lightness too, and no meaning hangs on them alone: each bar is named.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1e;--dim:#5c5f66;--line:#d5d8de;--card:#f6f7f9;
--c0:#2f5fd0;--c1:#c2620a;--c2:#2b8a5f;--c3:#8b3fb0;--c4:#b3324a;--c5:#557;--good:#1d7a46;--bad:#b3324a}
@media(prefers-color-scheme:dark){:root{--bg:#17181c;--fg:#e8e9ec;--dim:#a2a6b0;--line:#3a3d45;--card:#1f2127;
--c0:#7ea2ff;--c1:#f0a35e;--c2:#6fd0a4;--c3:#cf93ee;--c4:#f08a9c;--c5:#aab;--good:#6fd09a;--bad:#f08a9c}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:80rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-top:1px solid var(--line);padding-top:1.2rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
.side{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start}
figure{margin:0;flex:1 1 26rem;max-width:44rem}svg{width:100%;height:auto;display:block}
.table{flex:1 1 26rem;overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--dim);padding:.2rem 0}
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th[scope=row],thead th:first-child{text-align:left;font-weight:400}thead th{font-weight:600;vertical-align:bottom;white-space:normal}
tr.sum th,tr.sum td{font-weight:600}tr.section th{font-weight:600;padding-top:.8rem;text-align:left}
small{color:var(--dim)}
text{font:11px system-ui,sans-serif;fill:var(--fg)}text.dim{fill:var(--dim)}line{stroke:var(--line)}line.i{stroke:var(--fg);stroke-width:1.2}
.b0{fill:var(--c0)}.b1{fill:var(--c1)}.b2{fill:var(--c2)}.b3{fill:var(--c3)}.b4{fill:var(--c4)}.b5{fill:var(--c5)}
details{background:var(--card);border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2rem 0 .6rem;font:13px/1.45 ui-monospace,monospace;unicode-bidi:isolate}
.right{color:var(--good)}.wrong{color:var(--bad)}
)css";

std::string percent(double share) {
  return fmt::format("{:.1f}", 100 * share);
}

std::string with_interval(const Share& share) {
  return fmt::format("{} % <small>({} to {})</small>", percent(share.value), percent(share.low),
                     percent(share.high));
}

std::string in_words(const Share& share) {
  return fmt::format("{} %, 95 % interval {} to {}", percent(share.value), percent(share.low),
                     percent(share.high));
}

// What an entry is called in a picture and a table.
std::string entry_name(const TableEntry& entry) {
  if (!entry.row.empty()) return entry.row;
  return entry.section.empty() ? "all" : "all " + entry.section;
}

struct RowKey {
  std::string section, row;
  bool operator==(const RowKey&) const = default;
};

std::vector<RowKey> rows_of(const SuiteSummary& suite) {
  std::vector<RowKey> rows;
  for (const TableEntry& entry : suite.entries) {
    const RowKey key{entry.section, entry.row};
    if (rows.empty() || !(rows.back() == key)) rows.push_back(key);
  }
  // A suite of one row is that row.
  if (rows.size() == 2 && rows[0].section.empty()) rows.pop_back();
  return rows;
}

// The columns to show: those of the suite, or the one that holds everything.
std::vector<std::string> columns_of(const SuiteSummary& suite) {
  return suite.columns.size() > 1 ? suite.columns : std::vector<std::string>{""};
}

std::string column_name(const std::string& column) {
  return column.empty() ? "right" : column;
}

// ------------------------------------------------------------------------------------------------
// the picture: a bar per row and column, with its interval

class BarChart {
 public:
  BarChart(const SuiteSummary& suite, int number) : suite_(suite), number_(number) {}

  std::string svg() {
    const auto rows = rows_of(suite_);
    const auto columns = columns_of(suite_);
    for (const RowKey& row : rows) {
      const double middle = y_ + kBar * static_cast<double>(columns.size()) / 2 + 4;
      text(kLeft - 8, middle, "end", entry_name({row.section, row.row, "", {}}));
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const TableEntry* entry = suite_.find(row.section, row.row, columns[c]);
        if (entry != nullptr) bar(c, *entry);
        y_ += kBar;
      }
      y_ += kGap;
    }
    std::string legend;
    if (columns.size() > 1) {
      y_ += 6;
      for (std::size_t c = 0; c < columns.size(); ++c, y_ += 16) {
        body_ +=
            fmt::format("<rect class=\"b{}\" x=\"{}\" y=\"{:.1f}\" width=\"11\" height=\"11\"/>",
                        c % kColours, kLeft, y_);
        text(kLeft + 17, y_ + 10, "start", columns[c]);
      }
    }
    return fmt::format(
        "<svg viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-labelledby=\"t{} d{}\"><title "
        "id=\"t{}\">Share of right answers, {}</title><desc id=\"d{}\">A bar with its 95 % "
        "interval "
        "for each row of the table beside this picture.</desc>{}{}</svg>\n",
        kWidth, y_ + 4, number_, number_, number_, html_escaped(suite_.suite), number_, grid(),
        body_);
  }

 private:
  static constexpr double kWidth = 640, kLeft = 190, kRight = 590, kTop = 22, kBar = 12, kGap = 7;
  static constexpr std::size_t kColours = 6;

  static double x(double share) { return kLeft + share * (kRight - kLeft); }

  void text(double at_x, double at_y, std::string_view anchor, std::string_view what) {
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", at_x, at_y,
                         anchor, html_escaped(shortened(what)));
  }

  // Names of hostile files may be long.
  static std::string shortened(std::string_view name) {
    constexpr std::size_t kMost = 34;
    if (name.size() <= kMost) return std::string(name);
    return std::string(name.substr(0, complete_utf8_prefix(name.substr(0, kMost)))) + "...";
  }

  void bar(std::size_t column, const TableEntry& entry) {
    const Share& share = entry.figures.pass_at_1;
    const double middle = y_ + kBar / 2;
    body_ += fmt::format(
        "<g><title>{}{}{}: {}</title><rect class=\"b{}\" x=\"{:.1f}\" y=\"{:.1f}\" "
        "width=\"{:.1f}\" "
        "height=\"{:.1f}\"/><line class=\"i\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" "
        "y2=\"{:.1f}\"/></g>",
        html_escaped(entry_name(entry)), entry.column.empty() ? "" : ", ",
        html_escaped(entry.column), in_words(share), column % kColours, kLeft, y_ + 1,
        x(share.value) - kLeft, kBar - 2, x(share.low), x(share.high), middle, middle);
    body_ += fmt::format("<text class=\"dim\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
                         x(share.high) + 5, middle + 4, percent(share.value));
  }

  std::string grid() const {
    std::string lines;
    for (int i = 0; i <= 4; ++i) {
      lines += fmt::format(
          "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/><text class=\"dim\" "
          "x=\"{0:.1f}\" y=\"12\" text-anchor=\"middle\">{3} %</text>",
          x(i / 4.0), kTop - 6, y_, 25 * i);
    }
    return lines;
  }

  const SuiteSummary& suite_;
  const int number_;
  double y_ = kTop;
  std::string body_;
};

// ------------------------------------------------------------------------------------------------
// tables

std::string row_head(const RowKey& row) {
  return fmt::format("<tr{}><th scope=\"row\">{}</th>", row.row.empty() ? " class=\"sum\"" : "",
                     html_escaped(entry_name({row.section, row.row, "", {}})));
}

std::string section_line(const RowKey& row, std::string& section, std::size_t n_columns) {
  if (row.section == section || row.section.empty()) return "";
  section = row.section;
  return fmt::format("<tr class=\"section\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>",
                     n_columns + 1, html_escaped(section));
}

std::string head(std::string_view caption, const std::vector<std::string>& columns) {
  std::string html = fmt::format("<table><caption>{}</caption><thead><tr><th></th>", caption);
  for (const std::string& column : columns)
    html += fmt::format("<th scope=\"col\">{}</th>", html_escaped(column));
  return html + "</tr></thead><tbody>\n";
}

std::string accuracy_table(const SuiteSummary& suite, std::int64_t n_samples) {
  const auto columns = columns_of(suite);
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back(column_name(column));
  std::string html = head(n_samples > 1 ? "Mean share of right samples, with 95 % intervals"
                                        : "Share of right answers, with 95 % intervals",
                          names);
  std::string section;
  for (const RowKey& row : rows_of(suite)) {
    html += section_line(row, section, columns.size());
    html += row_head(row);
    for (const std::string& column : columns) {
      const TableEntry* entry = suite.find(row.section, row.row, column);
      html += entry == nullptr ? "<td>none</td>"
                               : "<td>" + with_interval(entry->figures.pass_at_1) + "</td>";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string figures_table(const SuiteSummary& suite, const ReportInput& input) {
  const bool samples = input.n_samples > 1;
  const std::string k = std::to_string(input.n_samples);
  std::vector<std::string> names = {"items"};
  if (samples) names.insert(names.end(), {"pass@1", "pass@" + k, "cons@" + k});
  if (input.can_think) names.emplace_back("well formed");
  names.insert(names.end(), {"cut off", "tokens of thought", "tokens of answer"});
  std::string html = head("All conditions together", names);
  std::string section;
  for (const RowKey& row : rows_of(suite)) {
    const Figures& f = suite.find(row.section, row.row, "")->figures;
    html += section_line(row, section, names.size());
    html += row_head(row) + fmt::format("<td>{}</td>", f.n_items);
    const auto cell = [&](const std::optional<Share>& share) {
      html += "<td>" + (share ? with_interval(*share) : std::string("none")) + "</td>";
    };
    if (samples) {
      cell(f.pass_at_1);
      cell(f.pass_at_k);
      cell(f.cons_at_k);
    }
    if (input.can_think) cell(f.well_formed);
    cell(f.truncated);
    html += fmt::format("<td>{:.1f}</td><td>{:.1f}</td></tr>\n", f.thought_tokens, f.answer_tokens);
  }
  return html + "</tbody></table>\n";
}

// ------------------------------------------------------------------------------------------------
// examples

std::string text_block(std::string_view label, std::string_view text) {
  std::string rest;
  if (text.size() > kMaxTextBytes) {
    const std::size_t n = complete_utf8_prefix(text.substr(0, kMaxTextBytes));
    rest = fmt::format("<p><small>and {} bytes more</small></p>", text.size() - n);
    text = text.substr(0, n);
  }
  return fmt::format("<p><small>{}</small></p><pre dir=\"auto\">{}</pre>{}\n", label,
                     text.empty() ? "<small>nothing</small>" : html_escaped(text), rest);
}

std::string example(const Item& item, const Record& record) {
  std::string html = fmt::format(
      "<details><summary><span class=\"{0}\">{0}</span> {1} <small>{2}</small></summary>",
      record.right ? "right" : "wrong", html_escaped(item.row),
      html_escaped(item.column.empty() ? item.id : item.column + ", " + item.id));
  html += text_block("question", item.question);
  if (!record.thought.empty()) html += text_block("thought", record.thought);
  html += text_block(record.truncated ? "answer, cut off" : "answer", record.text);
  if (item.kind != AnswerKind::kCode) html += text_block("right would be", item.answer);
  return html + "</details>\n";
}

std::string examples(const SuiteSummary& suite, const ReportInput& input) {
  std::string html = "<h3>Examples</h3>\n";
  std::vector<const Record*> firsts(input.items.size(), nullptr);
  for (const Record& record : input.records) {
    if (record.sample == 0) firsts[static_cast<std::size_t>(record.item)] = &record;
  }
  for (const bool right : {true, false}) {
    std::size_t n = 0;
    std::vector<std::string> seen;  // one example of a row
    for (std::size_t i = 0; i < input.items.size() && n < kMaxExamples; ++i) {
      const Item& item = input.items[i];
      if (item.suite != suite.suite || firsts[i] == nullptr || firsts[i]->right != right) continue;
      const bool one_row = rows_of(suite).size() == 1;
      if (!one_row && std::find(seen.begin(), seen.end(), item.row) != seen.end()) continue;
      seen.push_back(item.row);
      html += example(item, *firsts[i]);
      ++n;
    }
  }
  return html;
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const DecodedCodePoint c = decode_utf8(text);
    const std::uint32_t p = c.code_point;
    const bool turns = p == 0x061C || p == 0x200E || p == 0x200F || (0x202A <= p && p <= 0x202E) ||
                       (0x2066 <= p && p <= 0x2069);
    const bool is_control = (p < 0x20 && p != '\n' && p != '\t') || (0x7F <= p && p < 0xA0);
    if (p == '&') {
      out += "&amp;";
    } else if (p == '<') {
      out += "&lt;";
    } else if (p == '>') {
      out += "&gt;";
    } else if (p == '"') {
      out += "&quot;";
    } else if (p == '\'') {
      out += "&#39;";
    } else if (!c.valid || turns || is_control) {
      append_utf8(out, kReplacementCharacter);
    } else {
      out += text.substr(0, c.n_bytes);
    }
    text.remove_prefix(c.n_bytes);
  }
  return out;
}

std::string html_report(const ReportInput& input) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"><meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>"
      "<style>{1}</style></head>\n<body><header><h1>{0}</h1><dl>\n",
      html_escaped(input.title), kStyle);
  for (const auto& [name, value] : input.facts)
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html_escaped(name), html_escaped(value));
  html += "</dl></header>\n<main>\n";
  int number = 0;
  for (const SuiteSummary& suite : summarize(input.items, input.records, input.n_samples)) {
    ++number;
    html += fmt::format(
        "<section aria-labelledby=\"h{0}\"><h2 id=\"h{0}\">{1}</h2>\n<p><small>items "
        "{2}</small></p>\n<div class=\"side\"><figure>{3}</figure><div class=\"table\" "
        "tabindex=\"0\" "
        "role=\"region\" aria-labelledby=\"h{0}\">{4}</div></div>\n<div class=\"table\" "
        "tabindex=\"0\" "
        "role=\"region\" aria-label=\"further figures\">{5}</div>\n{6}</section>\n",
        number, html_escaped(suite.suite), suite.fingerprint, BarChart(suite, number).svg(),
        accuracy_table(suite, input.n_samples), figures_table(suite, input),
        examples(suite, input));
  }
  html += fmt::format(
      "</main><footer><p><small>Intervals are Wilson's, 95 %{}. Sputnik {}.</small></p></footer>"
      "</body></html>\n",
      input.n_samples > 1 ? "; an item's share of right samples stands for the item" : "",
      SPUTNIK_VERSION);
  return html;
}

}  // namespace sputnik::evaluation
