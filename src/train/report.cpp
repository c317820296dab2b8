#include "train/report.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/short_text.h"
#include "train/report_assets.h"
#include "train/report_parts.h"

namespace sputnik {
namespace {

using nlohmann::json;
using report::Label;
using report::Plot;
using report::Series;

constexpr std::size_t kMaxBillBytes = 1 << 20;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// ---- What is plotted

template <class F>
std::vector<double> each_point(const RunHistory& history, F&& value) {
  std::vector<double> values;
  values.reserve(history.points().size());
  for (const HistoryPoint& point : history.points()) values.push_back(value(point));
  return values;
}

bool has_any(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

Plot plot_over_points(const RunHistory& history, const char* id, Label title) {
  Plot plot{id, title, {}, {}, false};
  plot.steps =
      each_point(history, [](const HistoryPoint& p) { return static_cast<double>(p.last_step); });
  return plot;
}

std::vector<Plot> training_plots(const RunHistory& history) {
  const auto each = [&](auto&& value) { return each_point(history, value); };
  std::vector<Plot> plots;

  Plot loss = plot_over_points(history, "loss", {"Loss", "损失"});
  loss.has_log_scale = true;
  Series& main = loss.series.emplace_back();
  main.label = {"loss", "损失"};
  main.values = each([](const HistoryPoint& p) { return p.loss(); });
  if (std::any_of(history.points().begin(), history.points().end(),
                  [](const HistoryPoint& p) { return p.n > 1; })) {
    main.low = each([](const HistoryPoint& p) { return p.loss_min; });
    main.high = each([](const HistoryPoint& p) { return p.loss_max; });
  }
  Series mtp{{"loss of the token after the next", "下下个词元的损失"}, {}, {}, {}, false};
  mtp.values =
      each([](const HistoryPoint& p) { return p.n_mtp > 0 ? p.mtp_loss_sum / p.n_mtp : kNone; });
  if (has_any(mtp.values)) loss.series.push_back(std::move(mtp));
  plots.push_back(std::move(loss));

  Plot rate = plot_over_points(history, "learning-rate", {"Learning rate", "学习率"});
  rate.series.push_back({{"learning rate", "学习率"},
                         each([](const HistoryPoint& p) { return p.learning_rate; }),
                         {},
                         {},
                         false});
  plots.push_back(std::move(rate));

  Plot norm = plot_over_points(history, "gradient-norm", {"Gradient norm", "梯度范数"});
  norm.has_log_scale = true;
  norm.series.push_back({{"gradient norm before clipping", "裁剪前的梯度范数"},
                         each([](const HistoryPoint& p) { return p.gradient_norm(); }),
                         {},
                         {},
                         false});
  plots.push_back(std::move(norm));

  Plot speed = plot_over_points(history, "speed", {"Tokens per second", "每秒词元数"});
  speed.series.push_back({{"tokens/s", "词元/秒"},
                          each([](const HistoryPoint& p) { return p.tokens_per_s(); }),
                          {},
                          {},
                          false});
  plots.push_back(std::move(speed));

  Plot mfu = plot_over_points(history, "mfu", {"Model FLOPs utilisation", "模型算力利用率"});
  mfu.series.push_back(
      {{"share of the machine's peak", "占机器峰值的比例"},
       each([](const HistoryPoint& p) { return p.n_mfu > 0 ? p.mfu_sum / p.n_mfu : kNone; }),
       {},
       {},
       false});
  if (has_any(mfu.series[0].values)) plots.push_back(std::move(mfu));
  return plots;
}

// A line for every family and one for all of them together.
Plot accuracy_plot(const RunHistory& history) {
  Plot plot{"accuracy", {"Right answers", "正确率"}, {}, {}, false};
  std::map<std::int64_t, std::pair<double, double>> totals;  // step: right, n
  for (const auto& [name, values] : history.evaluations()) {
    for (const RunHistory::Evaluation& value : values) {
      totals[value.step].first += value.right;
      totals[value.step].second += value.n;
    }
  }
  Series all{{"all", "全部"}, {}, {}, {}, false};
  std::map<std::int64_t, std::size_t> index;
  for (const auto& [step, sums] : totals) {
    index[step] = plot.steps.size();
    plot.steps.push_back(static_cast<double>(step));
    all.values.push_back(sums.first / sums.second);
  }
  plot.series.push_back(std::move(all));
  if (history.evaluations().size() < 2) return plot;
  for (const auto& [name, values] : history.evaluations()) {
    Series& series = plot.series.emplace_back();
    series.label = {name, name};
    series.is_thin = true;
    series.values.assign(plot.steps.size(), kNone);
    for (const RunHistory::Evaluation& value : values)
      series.values[index[value.step]] = value.share();
  }
  return plot;
}

// ---- Sections of the page

std::string utc(double seconds) {
  const auto whole = static_cast<std::time_t>(std::clamp(seconds, 0.0, 2.5e11));
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(whole));
}

std::string state_line(const RunHistory& history, const ReportAbout& about) {
  // A run that was killed cannot say so.
  constexpr double kSilence_s = 600;
  using State = RunHistory::State;
  switch (history.state()) {
    case State::kEmpty:
      return report::both({"no step yet", "尚无训练步"});
    case State::kRunning:
      if (about.changed_s > 0 && about.written_s - about.changed_s > kSilence_s) {
        const std::string since = utc(about.changed_s);
        return report::both({"nothing new since " + since, "自 " + since + " 起无新记录"});
      }
      return report::both({"running when this was written", "写入时仍在训练"});
    case State::kFinished:
      return report::both({"finished", "已完成"});
    case State::kStopped:
      return report::both({"stopped; --resume goes on", "已停止；--resume 可继续"});
    case State::kFailed:
      return fmt::format(R"(<span class="failed">{}: {}</span>)", report::both({"failed", "失败"}),
                         report::escaped(history.failure()));
  }
  return "";
}

void add_tile(std::string& page, Label what, const std::string& value) {
  page += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", report::both(what),
                      report::escaped(value));
}

double total_right_share(const RunHistory& history) {
  double right = 0, n = 0;
  for (const auto& [name, values] : history.evaluations()) {
    right += values.back().right;
    n += values.back().n;
  }
  return n > 0 ? right / n : kNone;
}

void add_tiles(std::string& page, const RunHistory& history) {
  const RunHistory::Usage& usage = history.usage();
  page += "<dl class=\"tiles\">\n";
  add_tile(page, {"Step", "步"},
           history.n_steps() > 0 ? fmt::format("{} / {}", history.step(), history.n_steps())
                                 : fmt::format("{}", history.step()));
  if (!history.recent().empty()) {
    add_tile(page, {"Loss", "损失"}, fmt::format("{:.4f}", history.recent().back().loss));
    add_tile(page, {"Tokens seen", "已见词元"}, short_count(history.recent().back().tokens_total));
    add_tile(page, {"Tokens per second", "每秒词元数"}, short_count(history.recent_tokens_per_s()));
  }
  const double right = total_right_share(history);
  if (std::isfinite(right))
    add_tile(page, {"Right answers", "正确率"}, fmt::format("{:.0f} %", 100 * right));
  const bool is_running = history.state() == RunHistory::State::kRunning;
  if (is_running && history.n_steps() > history.step() && history.recent_step_s() > 0) {
    add_tile(page, {"Time left", "剩余时间"},
             short_duration(history.recent_step_s() *
                            static_cast<double>(history.n_steps() - history.step())));
  }
  add_tile(page, {"Time in steps", "训练用时"}, short_duration(usage.seconds));
  if (usage.energy_j > 0) add_tile(page, {"Energy", "能耗"}, short_energy(usage.energy_j));
  if (history.price_per_hour() > 0) {
    add_tile(page, {"Cost of the machine", "机器费用"},
             short_money(usage.seconds / 3600 * history.price_per_hour(), history.currency()));
  }
  if (history.n_parameters() > 0) {
    add_tile(page, {"Parameters", "参数量"},
             short_count(static_cast<double>(history.n_parameters())));
  }
  page += "</dl>\n";
}

void add_families(std::string& page, const RunHistory& history) {
  page += "<section><h2>" + report::both({"Right answers by family of tasks", "各类任务的正确率"}) +
          "</h2>\n<div class=\"scroll\"><table><thead><tr>" +
          report::head({{"family", "任务"},
                        {"right", "正确"},
                        {"share", "比例"},
                        {"", ""},
                        {"first", "最初"},
                        {"step", "步"}}) +
          "</tr></thead><tbody>\n";
  for (const auto& [name, values] : history.evaluations()) {
    const RunHistory::Evaluation& first = values.front();
    const RunHistory::Evaluation& last = values.back();
    page += fmt::format(
        "<tr><td><bdi>{}</bdi></td><td>{:.6g} / {:.6g}</td><td>{:.0f} %</td>"
        "<td><meter min=\"0\" max=\"1\" value=\"{:.4f}\"></meter></td>"
        "<td>{:.0f} %</td><td>{}</td></tr>\n",
        report::escaped(name), last.right, last.n, 100 * last.share(), last.share(),
        100 * first.share(), last.step);
  }
  page += "</tbody></table></div></section>\n";
}

void add_expert_loads(std::string& page, const RunHistory& history) {
  const LogExpertLoads& newest = history.expert_loads().back();
  page += "<section><h2>" + report::both({"Load of the experts", "专家负载"}) + "</h2>\n";
  page += "<p class=\"muted\">" +
          report::both({"Steps from left to right, the experts of a layer from top to bottom. 1 is "
                        "an even load.",
                        "从左到右为训练步，从上到下为该层的各个专家。1 表示负载均衡。"}) +
          "</p>\n<p class=\"scale\" data-needs-script hidden><span>1/8</span><canvas "
          "aria-hidden=\"true\"></canvas><span>8</span></p>\n";
  for (std::size_t i = 0; i < newest.layers.size(); ++i) {
    page += fmt::format(
        "<div class=\"heat\" data-layer=\"{}\" data-needs-script hidden><h3>{} {}</h3><canvas "
        "role=\"img\" aria-label=\"{}\"></canvas><output class=\"muted\">&nbsp;</output></div>\n",
        i, report::both({"Mixture layer", "混合专家层"}), i + 1,
        "The table below says the same of the newest step");
  }
  page += fmt::format(
      "<details><summary>{} {}</summary><div class=\"scroll\"><table><thead><tr>{}"
      "</tr></thead><tbody>\n",
      report::both({"Table, step", "表格，步"}), newest.step,
      report::head({{"layer", "层"},
                    {"experts", "专家数"},
                    {"least load", "最小负载"},
                    {"greatest load", "最大负载"},
                    {"without tokens", "无词元的专家"}}));
  for (std::size_t i = 0; i < newest.layers.size(); ++i) {
    const std::vector<float>& layer = newest.layers[i];
    if (layer.empty()) continue;
    const auto [low, high] = std::minmax_element(layer.begin(), layer.end());
    const auto n = static_cast<double>(layer.size());
    page +=
        fmt::format("<tr><td>{}</td><td>{}</td><td>{:.2f}</td><td>{:.2f}</td><td>{}</td></tr>\n",
                    i + 1, layer.size(), n * static_cast<double>(*low),
                    n * static_cast<double>(*high), std::count(layer.begin(), layer.end(), 0.0f));
  }
  page += "</tbody></table></div></details></section>\n";
}

void add_texts(std::string& page, std::span<const RunHistory::Text> texts) {
  page += "<dl class=\"growth\">\n";
  for (const RunHistory::Text& text : texts) {
    page += fmt::format("<dt>{} {}</dt><dd><pre dir=\"auto\">{}</pre></dd>\n",
                        report::both({"step", "步"}), text.step, report::escaped(text.text));
  }
  page += "</dl>\n";
}

void add_samples(std::string& page, const RunHistory& history) {
  constexpr std::size_t kShown = 6;
  page += "<section><h2>" + report::both({"What the model writes", "模型写出的文本"}) + "</h2>\n";
  for (const RunHistory::Prompt& prompt : history.prompts()) {
    page += fmt::format("<h3>{}</h3>\n<pre class=\"prompt\" dir=\"auto\">{}</pre>\n",
                        report::both({"Prompt", "提示"}), report::escaped(prompt.prompt));
    // The first, some between, and the last; the others behind a click.
    const std::span<const RunHistory::Text> texts = prompt.texts;
    if (texts.size() <= kShown) {
      add_texts(page, texts);
      continue;
    }
    std::vector<RunHistory::Text> shown, others;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::size_t slot = shown.size() * (texts.size() - 1) / (kShown - 1);
      (i == slot ? shown : others).push_back(texts[i]);
    }
    add_texts(page, shown);
    page += fmt::format("<details><summary>{} {}</summary>\n", others.size(),
                        report::both({"more in between", "个中间步"}));
    add_texts(page, others);
    page += "</details>\n";
  }
  page += "</section>\n";
}

std::string starts_text(const RunHistory& history, bool is_chinese) {
  std::string text;
  for (const RunHistory::Start& start : history.starts()) {
    const char* word = is_chinese ? (start.is_resumed ? "继续于第" : "开始于第")
                                  : (start.is_resumed ? "went on after" : "started at");
    text += fmt::format("{}{} {} {}",
                        text.empty() ? ""
                        : is_chinese ? "，"
                                     : ", ",
                        word, is_chinese ? "" : "step", start.step);
    if (is_chinese) text += " 步";
  }
  return text;
}

// ---- The data that the script draws

json loads_data(const RunHistory& history) {
  constexpr std::size_t kMaxCells = 300'000;
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  json loads = {{"steps", json::array()}, {"layers", json::array()}};
  if (history.expert_loads().empty()) return loads;
  const LogExpertLoads& newest = history.expert_loads().back();
  std::size_t n_values = 0;
  for (const std::vector<float>& layer : newest.layers) n_values += layer.size();
  std::vector<const LogExpertLoads*> columns;
  for (const LogExpertLoads& column : history.expert_loads()) {
    const bool is_alike = std::equal(
        column.layers.begin(), column.layers.end(), newest.layers.begin(), newest.layers.end(),
        [](const auto& a, const auto& b) { return a.size() == b.size(); });
    if (is_alike) columns.push_back(&column);
  }
  const std::size_t every = columns.size() * n_values / kMaxCells + 1;
  std::vector<std::string> cells(newest.layers.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if ((columns.size() - 1 - i) % every != 0) continue;
    loads["steps"].push_back(columns[i]->step);
    for (std::size_t l = 0; l < cells.size(); ++l) {
      const std::vector<float>& layer = columns[i]->layers[l];
      for (const float share : layer) {
        // One digit of base 64: log2(load / even load) within -3 .. 3.
        const double times = static_cast<double>(share) * static_cast<double>(layer.size());
        const double x = std::clamp(std::log2(std::max(times, 1e-9)), -3.0, 3.0);
        cells[l] += kDigits[static_cast<std::size_t>(std::lround((x + 3) / 6 * 63))];
      }
    }
  }
  for (std::size_t l = 0; l < cells.size(); ++l)
    loads["layers"].push_back({{"n", newest.layers[l].size()}, {"cells", cells[l]}});
  return loads;
}

void add_head(std::string& page, const ReportAssets& assets, const std::string& title) {
  page += fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'{}'; style-src '{}'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<title>{} – Sputnik</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>",
      assets.script_hash, assets.style_hash, report::escaped(title));
  page += assets.style;
  page += "</style>\n</head>\n";
}

}  // namespace

std::string report_page(const RunHistory& history, const ReportAbout& about) {
  const ReportAssets assets = report_assets();
  std::string page;
  add_head(page, assets, about.title);
  page += fmt::format(
      "<body>\n<header><div class=\"top\"><h1><bdi>{}</bdi></h1><button id=\"language\" "
      "type=\"button\" hidden>中文</button></div>\n<p class=\"state\">{}</p>\n",
      report::escaped(about.title), state_line(history, about));
  if (history.n_steps() > 0) {
    page += fmt::format("<progress max=\"{}\" value=\"{}\" aria-label=\"steps\"></progress>\n",
                        history.n_steps(), std::min(history.step(), history.n_steps()));
  }
  page += "</header>\n<main>\n";
  add_tiles(page, history);

  std::vector<Plot> plots;
  if (!history.points().empty()) plots = training_plots(history);
  if (!history.evaluations().empty()) plots.push_back(accuracy_plot(history));
  page += "<div class=\"plots\">\n";
  for (const Plot& plot : plots) report::add_plot(page, plot);
  page += "</div>\n";
  if (!history.evaluations().empty()) add_families(page, history);
  if (!history.expert_loads().empty()) add_expert_loads(page, history);
  if (!history.prompts().empty()) add_samples(page, history);
  if (!about.bill.empty()) report::add_bill(page, about.bill);
  page += "</main>\n<footer>";
  if (!history.starts().empty()) {
    page += fmt::format("<p>{}</p>\n",
                        report::both({starts_text(history, false), starts_text(history, true)}));
  }
  page += fmt::format("<p>{} {}</p></footer>\n", report::both({"Written", "写于"}),
                      utc(about.written_s));

  json data = {{"running", history.state() == RunHistory::State::kRunning},
               {"plots", json::array()},
               {"loads", loads_data(history)}};
  for (const Plot& plot : plots) data["plots"].push_back(report::plot_data(plot));
  page += "<script type=\"application/json\" id=\"data\">" + report::script_data(data) +
          "</script>\n<script>";
  page += assets.script;
  page += "</script>\n</body>\n</html>\n";
  return page;
}

ReportWriter::ReportWriter(std::filesystem::path folder)
    : folder_(std::move(folder)), follower_(folder_), next_(Clock::now()) {}

Result<void> ReportWriter::write() {
  const Clock::time_point start = Clock::now();
  for (bool has_more = true; has_more;) {
    SPUTNIK_TRY(const RunFollower::News news, follower_.update());
    has_more = news.has_more;
  }
  ReportAbout about;
  std::error_code ignored;
  // A name for "runs/x", "." and "runs/x/".
  const std::filesystem::path whole = std::filesystem::weakly_canonical(folder_, ignored);
  about.title = whole.filename().empty() ? folder_.string() : whole.filename().string();
  auto bill = read_file(folder_ / "bill.json", kMaxBillBytes);
  if (bill.ok()) about.bill = std::move(bill).value();
  about.written_s =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (follower_.reader().exists()) about.changed_s = follower_.reader().changed_s();
  SPUTNIK_CHECK_OK(write_file_atomically(path(), report_page(follower_.history(), about)));
  constexpr auto kEvery = std::chrono::seconds(30);
  const Clock::time_point end = Clock::now();
  next_ = end + std::max<Clock::duration>(kEvery, 100 * (end - start));
  return ok_result();
}

Result<void> ReportWriter::write_if_due() {
  return Clock::now() < next_ ? ok_result() : write();
}

}  // namespace sputnik
