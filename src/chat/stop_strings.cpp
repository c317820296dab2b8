#include "chat/stop_strings.h"

#include <algorithm>

namespace sputnik::chat {

Result<StopStrings> StopStrings::create(std::vector<std::string> stops) {
  if (stops.size() > kMaxStopStrings) {
    return invalid_argument("{} stop strings, at most {} are possible", stops.size(),
                            kMaxStopStrings);
  }
  StopStrings result;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    std::string& text = stops[i];
    if (text.empty()) return invalid_argument("stop string {} is empty", i);
    if (text.size() > kMaxStopStringBytes) {
      return invalid_argument("stop string {} has {} bytes, at most {} are possible", i,
                              text.size(), kMaxStopStringBytes);
    }
    std::vector<std::size_t> failure(text.size(), 0);
    for (std::size_t at = 1, matched = 0; at < text.size(); ++at) {
      while (matched > 0 && text[at] != text[matched]) matched = failure[matched - 1];
      if (text[at] == text[matched]) ++matched;
      failure[at] = matched;
    }
    result.patterns_.push_back({std::move(text), std::move(failure), 0});
  }
  return result;
}

bool StopStrings::feed(std::string_view text, std::string& out) {
  if (stopped_) return true;
  if (patterns_.empty()) {
    out += text;
    return false;
  }
  for (const char c : text) {
    held_ += c;
    std::size_t longest = 0, longest_stop = 0;
    for (Pattern& pattern : patterns_) {
      std::size_t& matched = pattern.matched;
      while (matched > 0 && pattern.text[matched] != c) matched = pattern.failure[matched - 1];
      if (pattern.text[matched] == c) ++matched;
      longest = std::max(longest, matched);
      if (matched == pattern.text.size()) longest_stop = std::max(longest_stop, matched);
    }
    if (longest_stop > 0) {
      out.append(held_, 0, held_.size() - longest_stop);
      match_ = held_.substr(held_.size() - longest_stop);
      held_.clear();
      return stopped_ = true;
    }
    // Most bytes begin nothing; erasing from the front happens only where a partial match failed.
    out.append(held_, 0, held_.size() - longest);
    held_.erase(0, held_.size() - longest);
  }
  return false;
}

void StopStrings::finish(std::string& out) {
  out += held_;
  held_.clear();
  for (Pattern& pattern : patterns_) pattern.matched = 0;
}

}  // namespace sputnik::chat
