#include "train/report_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/short_text.h"
#include "base/utf8.h"
#include "formats/json.h"

namespace sputnik::report {
namespace {

using nlohmann::json;

constexpr std::size_t kColors = 8;
constexpr std::size_t kPicturePoints = 400;
constexpr std::size_t kTableRows = 25;
constexpr std::size_t kTableColumns = 13;

// The picture's size and the frame in it, in its own units.
constexpr double kWidth = 640, kHeight = 240;
constexpr double kLeft = 70, kRight = 630, kTop = 12, kBottom = 210;

std::string number(double x) {
  if (!std::isfinite(x)) return "–";
  const double size = std::abs(x);
  if (size >= 1e4) return short_count(x);
  if (size != 0 && size < 1e-3) return fmt::format("{:.2e}", x);
  return fmt::format("{:.4g}", x);
}

// Control characters mean nothing in a page, and those that set directions could show a text's end
// as its beginning.
bool is_harmless(std::uint32_t c) {
  if (c == '\n' || c == '\t') return true;
  return c >= 0x20 && !(c >= 0x7F && c < 0xA0) && !(c >= 0x202A && c <= 0x202E) &&
         !(c >= 0x2066 && c <= 0x2069);
}

// Indices of at most n of them, the first and the last among these.
std::vector<std::size_t> some_of(std::size_t size, std::size_t n) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(size, n);
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(count == 1 ? size - 1 : i * (size - 1) / (count - 1));
  return chosen;
}

struct Range {
  double low = 0, high = 0;
  double at(double x) const { return high > low ? (x - low) / (high - low) : 0.5; }
};

Range range_of(const Plot& plot) {
  bool is_first = true;
  Range range;
  for (const Series& series : plot.series) {
    for (const double x : series.values) {
      if (!std::isfinite(x)) continue;
      range.low = is_first ? x : std::min(range.low, x);
      range.high = is_first ? x : std::max(range.high, x);
      is_first = false;
    }
  }
  return range;
}

void add_line(std::string& page, const Plot& plot, std::size_t index, const Range& x_range,
              const Range& y_range) {
  const Series& series = plot.series[index];
  std::string points;
  for (const std::size_t i : some_of(series.values.size(), kPicturePoints)) {
    if (!std::isfinite(series.values[i])) continue;
    points += fmt::format("{:.1f},{:.1f} ", kLeft + x_range.at(plot.steps[i]) * (kRight - kLeft),
                          kBottom - y_range.at(series.values[i]) * (kBottom - kTop));
  }
  if (points.empty()) return;
  points.pop_back();
  if (points.find(' ') == std::string::npos) points += fmt::format(" {}", points);  // a dot
  page += fmt::format("<polyline class=\"k{}\" stroke-linecap=\"round\" points=\"{}\"/>\n",
                      index % kColors, points);
}

void add_picture(std::string& page, const Plot& plot) {
  const Range x_range = {plot.steps.front(), plot.steps.back()};
  const Range y_range = range_of(plot);
  page += fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"title-{}\">\n",
                      kWidth, kHeight, plot.id);
  page += fmt::format(
      "<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n"
      "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n"
      "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n"
      "<text x=\"{}\" y=\"{}\">{}</text>\n"
      "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
      kLeft, kTop, kRight - kLeft, kBottom - kTop, kLeft - 6, kTop + 12, number(y_range.high),
      kLeft - 6, kBottom, number(y_range.low), kLeft, kBottom + 18, number(x_range.low), kRight,
      kBottom + 18, number(x_range.high));
  for (std::size_t i = plot.series.size(); i-- > 0;) add_line(page, plot, i, x_range, y_range);
  page += "</svg>\n";
  if (plot.series.size() < 2 || plot.series.size() > kTableColumns) return;
  page += "<p class=\"muted\">";
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    page += fmt::format("<span class=\"key k{}\">━ {}</span> ", i % kColors,
                        both(plot.series[i].label));
  }
  page += "</p>\n";
}

void add_table(std::string& page, const Plot& plot) {
  page += "<details><summary>" + both({"Table", "表格"}) +
          "</summary><div class=\"scroll\"><table><thead><tr>";
  const std::size_t n = std::min(plot.series.size(), kTableColumns);
  std::vector<Label> columns = {{"step", "步"}};
  for (std::size_t s = 0; s < n; ++s) columns.push_back(plot.series[s].label);
  page += head(columns) + "</tr></thead><tbody>\n";
  for (const std::size_t i : some_of(plot.steps.size(), kTableRows)) {
    page += fmt::format("<tr><td>{:.0f}</td>", plot.steps[i]);
    for (std::size_t s = 0; s < n; ++s) page += "<td>" + number(plot.series[s].values[i]) + "</td>";
    page += "</tr>\n";
  }
  page += "</tbody></table></div></details>\n";
}

// From where to where, in words.
std::string summary(const Plot& plot) {
  const std::vector<double>& values = plot.series.front().values;
  const auto is_value = [](double x) { return std::isfinite(x); };
  const auto first = std::find_if(values.begin(), values.end(), is_value);
  const auto last = std::find_if(values.rbegin(), values.rend(), is_value);
  if (first == values.end()) return "";
  const auto first_step = plot.steps[static_cast<std::size_t>(first - values.begin())];
  const auto last_step = plot.steps[static_cast<std::size_t>(values.rend() - last) - 1];
  return both({fmt::format("{} at step {:.0f}, {} at step {:.0f}", number(*first), first_step,
                           number(*last), last_step),
               fmt::format("第 {:.0f} 步 {}，第 {:.0f} 步 {}", first_step, number(*first),
                           last_step, number(*last))});
}

json numbers(const std::vector<double>& values) {
  json list = json::array();
  for (const double x : values) {
    if (!std::isfinite(x)) {
      list.push_back(nullptr);
      continue;
    }
    // Five digits are what a plot can show, and a third of the bytes.
    const double scale = x == 0 ? 1 : std::pow(10, 4 - std::floor(std::log10(std::abs(x))));
    const double rounded = std::round(x * scale) / scale;
    list.push_back(std::isfinite(rounded) ? rounded : x);
  }
  return list;
}

// ---- bill.json: whatever is not there or is something else is left out

double amount(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<double>() : 0;
}

std::string text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::string or_none(double amount, std::string words) {
  return amount > 0 ? std::move(words) : "–";
}

void add_stage(std::string& page, const json& stage, const std::string& currency,
               const Label* name) {
  if (!stage.is_object()) return;
  const double money = amount(stage, "money"), mfu = amount(stage, "mfu");
  page += fmt::format(
      "<tr><td><bdi>{}</bdi></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
      "<td>{}</td></tr>\n",
      name != nullptr ? both(*name) : escaped(text(stage, "stage")),
      escaped(short_money(money, currency)), short_count(amount(stage, "tokens")),
      or_none(amount(stage, "flops"), fmt::format("{:.3g}", amount(stage, "flops"))),
      or_none(amount(stage, "seconds"), short_duration(amount(stage, "seconds"))),
      or_none(amount(stage, "energy_j"), short_energy(amount(stage, "energy_j"))),
      or_none(mfu, fmt::format("{:.0f} %", 100 * mfu)));
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const DecodedCodePoint c = decode_utf8(text);
    text.remove_prefix(c.n_bytes);
    if (!is_harmless(c.code_point)) {
      append_utf8(result, kReplacementCharacter);
    } else if (c.code_point == '&') {
      result += "&amp;";
    } else if (c.code_point == '<') {
      result += "&lt;";
    } else if (c.code_point == '>') {
      result += "&gt;";
    } else if (c.code_point == '"') {
      result += "&quot;";
    } else if (c.code_point == '\'') {
      result += "&#39;";
    } else {
      append_utf8(result, c.code_point);
    }
  }
  return result;
}

std::string both(const Label& label) {
  if (label.en == label.zh) return escaped(label.en);
  return fmt::format(R"(<span class="en">{}</span><span class="zh" lang="zh">{}</span>)",
                     escaped(label.en), escaped(label.zh));
}

std::string head(const std::vector<Label>& columns) {
  std::string cells;
  for (const Label& column : columns) cells += "<th scope=\"col\">" + both(column) + "</th>";
  return cells;
}

void add_plot(std::string& page, const Plot& plot) {
  page += fmt::format("<figure>\n<figcaption class=\"head\"><h2 id=\"title-{}\">{}</h2>", plot.id,
                      both(plot.title));
  if (plot.has_log_scale) {
    page += fmt::format(
        "<button type=\"button\" data-log=\"{}\" aria-pressed=\"false\" hidden>{}</button>",
        plot.id, both({"logarithmic", "对数坐标"}));
  }
  page += fmt::format("</figcaption>\n<div class=\"plot\" data-plot=\"{}\">\n", plot.id);
  add_picture(page, plot);
  page += "</div>\n<p class=\"muted\">" + summary(plot) + "</p>\n";
  add_table(page, plot);
  page += "</figure>\n";
}

json plot_data(const Plot& plot) {
  json series = json::array();
  for (const Series& line : plot.series) {
    json entry = {{"en", line.label.en},
                  {"zh", line.label.zh},
                  {"values", numbers(line.values)},
                  {"thin", line.is_thin}};
    if (!line.low.empty()) {
      entry["low"] = numbers(line.low);
      entry["high"] = numbers(line.high);
    }
    series.push_back(std::move(entry));
  }
  json steps = json::array();
  for (const double step : plot.steps) steps.push_back(static_cast<std::int64_t>(step));
  return {{"id", plot.id}, {"steps", steps}, {"series", series}};
}

std::string script_data(const json& data) {
  std::string result;
  for (const char c : data.dump(-1, ' ', false, json::error_handler_t::replace)) {
    // '<' stands in strings alone, where it may be written so.
    if (c == '<') {
      result += "\\u003c";
    } else {
      result += c;
    }
  }
  return result;
}

void add_bill(std::string& page, std::string_view bill_json) {
  page += "<section><h2>" + both({"The bill", "账单"}) + "</h2>\n";
  const json bill = json_is_deeper_than(bill_json, kMaxJsonDepth)
                        ? json()
                        : json::parse(bill_json, nullptr, false);
  if (!bill.is_object()) {
    page += "<p class=\"failed\">" + both({"bill.json cannot be read", "无法读取 bill.json"}) +
            "</p></section>\n";
    return;
  }
  const std::string currency = text(bill, "currency");
  page += "<div class=\"scroll\"><table><thead><tr>" +
          head({{"stage", "阶段"},
                {"money", "费用"},
                {"tokens", "词元"},
                {"FLOP", "浮点运算"},
                {"time", "时间"},
                {"energy", "能耗"},
                {"of the peak", "峰值占比"}}) +
          "</tr></thead><tbody>\n";
  const json stages = bill.value("stages", json::array());
  if (stages.is_array()) {
    for (const json& stage : stages) add_stage(page, stage, currency, nullptr);
  }
  const Label total = {"total", "合计"};
  if (bill.contains("total")) add_stage(page, bill["total"], currency, &total);
  page += "</tbody></table></div>\n";
  const json published = bill.value("deepseek", json::object());
  const json theirs =
      published.is_object() ? published.value("stages", json::array()) : json::array();
  if (theirs.is_array() && !theirs.empty()) {
    page += "<h3>" + both({"What DeepSeek published of its own", "DeepSeek 公布的费用"}) +
            "</h3><div class=\"scroll\"><table><thead><tr>" +
            head({{"stage", "阶段"}, {"H800 hours", "H800 小时"}, {"money", "费用"}}) +
            "</tr></thead><tbody>\n";
    for (const json& stage : theirs) {
      if (!stage.is_object()) continue;
      page += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                          escaped(text(stage, "stage")), short_count(amount(stage, "h800_hours")),
                          short_money(amount(stage, "dollars"), "USD"));
    }
    page += "</tbody></table></div>\n";
  }
  const std::string comparison = text(bill, "comparison");
  if (!comparison.empty()) page += "<p>" + escaped(comparison) + "</p>\n";
  page += "</section>\n";
}

}  // namespace sputnik::report
