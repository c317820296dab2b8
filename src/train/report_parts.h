// What the report of a training run is put together from.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sputnik::report {

// A text in both languages of the page. Their letters are text: they are escaped.
struct Label {
  std::string en, zh;
};

struct Series {
  Label label;
  std::vector<double> values;     // one for each step of the plot; not finite: none
  std::vector<double> low, high;  // of the steps that a point stands for; empty: the same
  bool is_thin = false;
};

struct Plot {
  const char* id;
  Label title;
  std::vector<double> steps;
  std::vector<Series> series;
  bool has_log_scale = false;  // a reader may want it
};

// Text for an element or an attribute's value: no markup, no control characters, no
// directions that override the letters', valid UTF-8.
std::string escaped(std::string_view text);
// The text of both languages, of which the page shows one.
std::string both(const Label& label);
std::string head(const std::vector<Label>& columns);  // <th> elements

// A figure: a picture, and a table of some of its points.
void add_plot(std::string& page, const Plot& plot);
nlohmann::json plot_data(const Plot& plot);
// JSON that ends no <script> element, whatever its texts are.
std::string script_data(const nlohmann::json& data);

// The text of a bill.json as tables; a line that says so if it is none.
void add_bill(std::string& page, std::string_view bill_json);

}  // namespace sputnik::report
