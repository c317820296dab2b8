// Second solvers for families of words, worlds and walks; most of them read the prompt itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tasks/second_solver_testing.h"

namespace sputnik::tasks {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// Every match of a pattern with its groups, which point into the text.
std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}
std::vector<std::smatch> matches(std::string&& text, const std::regex& pattern) = delete;

TEST(SecondSolver, SortsByExchanges) {
  expect_agrees("sorting", [](const Task& t) {
    std::vector<std::string> v = t.facts.words;
    const auto before = [&](const std::string& a, const std::string& b) {
      if (t.facts.numbers[0] == 2) return a.compare(b) < 0;
      return t.facts.numbers[0] == 0 ? std::stoi(a) < std::stoi(b) : std::stoi(b) < std::stoi(a);
    };
    for (std::size_t i = 0; i < v.size(); ++i) {
      for (std::size_t j = 0; j + 1 < v.size(); ++j) {
        if (before(v[j + 1], v[j])) std::swap(v[j], v[j + 1]);
      }
    }
    return joined(v);
  });
}

TEST(SecondSolver, WorksOnLetters) {
  expect_agrees("spell_backward", [](const Task& t) {
    std::string back;
    for (const char c : t.facts.words[0]) back.insert(back.begin(), c);
    return back;
  });
  expect_agrees("letter_count", [](const Task& t) {
    std::string rest = t.facts.words[0];
    const std::size_t before = rest.size();
    std::erase(rest, t.facts.words[1][0]);
    EXPECT_NE(t.prompt.find(t.facts.words[0]), std::string::npos);
    return std::to_string(before - rest.size());
  });
  expect_agrees("caesar", [](const Task& t) {
    const std::string alphabet = "abcdefghijklmnopqrstuvwxyz";
    std::string out;
    for (const char c : t.facts.words[0]) {
      const std::string thrice = alphabet + alphabet + alphabet;
      const auto at = static_cast<std::int64_t>(26 + alphabet.find(c)) + t.facts.numbers[0];
      out += c == ' ' ? ' ' : thrice[static_cast<std::size_t>(at)];
    }
    return out;
  });
}

TEST(SecondSolver, RewritesTextUntilNothingIsLeft) {
  expect_agrees("boolean", [](const Task& t) {
    // Replace what has a value, brackets first, as one would with an eraser.
    std::string e = "(" + t.facts.words[0] + ")";
    EXPECT_NE(t.prompt.find(t.facts.words[0]), std::string::npos);
    static const std::pair<std::regex, const char*> kRules[] = {
        {std::regex("\\((True|False)\\)"), "$1"},
        {std::regex("not True"), "False"},
        {std::regex("not False"), "True"},
        {std::regex("True and True"), "True"},
        {std::regex("(True and False|False and True|False and False)"), "False"},
        {std::regex("False or False"), "False"},
        {std::regex("(True or False|False or True|True or True)"), "True"}};
    for (std::string before; before != e;) {
      before = e;
      for (const auto& [pattern, to] : kRules) {
        e = std::regex_replace(e, pattern, to, std::regex_constants::format_first_only);
        if (e != before) break;
      }
    }
    return e;
  });
  expect_agrees("brackets", [](const Task& t) {
    std::string text = t.facts.words[0];
    for (std::size_t size = text.size() + 1; size != text.size();) {
      size = text.size();
      for (const char* pair : {"()", "[]", "{}"}) {
        if (const std::size_t at = text.find(pair); at != std::string::npos) text.erase(at, 2);
      }
    }
    return text.empty() ? "yes" : "no";
  });
  expect_agrees("rewriting", [](const Task& t) {
    std::string word = t.facts.words[0];
    const std::string &from = t.facts.words[1], &to = t.facts.words[2];
    for (std::size_t i = 0; i + from.size() <= word.size();) {
      if (word.compare(i, from.size(), from) == 0) {
        word = word.substr(0, i) + to + word.substr(i + from.size());
        i = 0;
      } else {
        ++i;
      }
    }
    return word;
  });
}

TEST(SecondSolver, CombinesBitsAsNumbers) {
  expect_accepts("binary", [](const Task& t) {
    const unsigned long a = std::stoul(t.facts.words[0], nullptr, 2);
    const unsigned long b = std::stoul(t.facts.words[1], nullptr, 2);
    if (t.facts.numbers[0] == 0) {
      return std::to_string(std::count(t.facts.words[0].begin(), t.facts.words[0].end(), '1'));
    }
    const unsigned long results[] = {0, a & b, a | b, a ^ b, a + b};
    unsigned long value = results[t.facts.numbers[0]];
    std::string bits;
    for (; value != 0; value /= 2) bits.insert(bits.begin(), static_cast<char>('0' + value % 2));
    return bits.empty() ? "0" : bits;
  });
}

TEST(SecondSolver, ReadsKnightsAndKnavesFromThePrompt) {
  expect_agrees("knights", [](const Task& t) {
    const std::vector<std::string> who(t.facts.words.begin(), t.facts.words.end() - 2);
    const std::string good = t.facts.words[who.size()], bad = t.facts.words[who.size() + 1];
    static const std::regex kSays("(\\w+) says: \"([^\"]*)\\.\"");
    const auto said = matches(t.prompt, kSays);
    EXPECT_EQ(said.size(), who.size());
    std::vector<std::string> found;
    for (std::uint32_t world = 0; world < 1u << who.size(); ++world) {
      std::map<std::string, bool> is_good;
      for (std::size_t i = 0; i < who.size(); ++i) is_good[who[i]] = (world >> i & 1) != 0;
      bool fits = true;
      for (const std::smatch& says : said) {
        const bool speaker = is_good.at(says[1]);
        const std::string claim = says[2];
        bool about = false;
        for (const std::string& name : who) {
          if (claim.find(name) != std::string::npos) about = is_good.at(name);
        }
        const auto has = [&](const char* part) { return claim.find(part) != std::string::npos; };
        const bool truth = has("the same")    ? about == speaker
                           : has("different") ? about != speaker
                           : has("both")      ? !about && !speaker
                           : has("at least")  ? !(about && speaker)
                                              : about == (claim.find(good) != std::string::npos);
        fits = fits && truth == speaker;
      }
      if (!fits) continue;
      std::vector<std::string> kinds;
      for (const std::string& name : who) kinds.push_back(is_good[name] ? good : bad);
      found.push_back(joined(kinds));
    }
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? "" : found[0];
  });
}

TEST(SecondSolver, FollowsSwapsInThePrompt) {
  expect_agrees("shuffled_objects", [](const Task& t) {
    const std::size_t n = (t.facts.words.size() - 1) / 2;
    std::map<std::string, std::string> holds;
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NE(t.prompt.find(t.facts.words[i] + " has a"), std::string::npos);
      holds[t.facts.words[i]] = t.facts.words[n + i];
    }
    static const std::regex kSwap("(\\w+) and (\\w+) swap\\.");
    for (const std::smatch& swap : matches(t.prompt, kSwap))
      std::swap(holds.at(swap[1]), holds.at(swap[2]));
    const std::string& asked = t.facts.words.back();
    if (holds.count(asked) != 0) return "the " + holds[asked];
    for (const auto& [person, thing] : holds) {
      if (thing == asked) return person;
    }
    return std::string();
  });
}

TEST(SecondSolver, OrdersPeopleByThePrompt) {
  expect_agrees("ordering", [](const Task& t) {
    static const std::regex kThan("(\\w+) (?:is|comes) (\\w+) than (\\w+)");
    static const std::set<std::string> kMore = {"taller",  "older",  "faster",
                                                "heavier", "richer", "earlier"};
    std::set<std::pair<std::string, std::string>> above;
    for (const std::smatch& m : matches(t.prompt, kThan)) {
      if (kMore.count(m[2]) != 0) {
        above.insert({m[1], m[3]});
      } else {
        above.insert({m[3], m[1]});
      }
    }
    // Transitive closure, then everybody's place is how many stand above.
    for (std::size_t size = 0; size != above.size();) {
      size = above.size();
      for (const auto& [a, b] : std::set(above)) {
        for (const auto& [c, d] : std::set(above)) {
          if (b == c) above.insert({a, d});
        }
      }
    }
    for (const std::string& name : t.facts.words) {
      const auto place = std::count_if(above.begin(), above.end(),
                                       [&](const auto& p) { return p.second == name; });
      if (place == t.facts.numbers[0]) return name;
    }
    return std::string();
  });
}

TEST(SecondSolver, ClosesSyllogismsAndFamilies) {
  expect_agrees("syllogism", [](const Task& t) {
    static const std::regex kAll("All (\\w+) are (\\w+)\\.");
    std::set<std::pair<std::string, std::string>> inside;
    for (const std::smatch& m : matches(t.prompt, kAll)) inside.insert({m[1], m[2]});
    const std::string &a = t.facts.words[t.facts.words.size() - 2], &b = t.facts.words.back();
    // What one template states as its question. Every chain has two links or more.
    inside.erase({a, b});
    for (std::size_t size = 0; size != inside.size();) {
      size = inside.size();
      for (const auto& [x, y] : std::set(inside)) {
        for (const auto& [u, v] : std::set(inside)) {
          if (y == u) inside.insert({x, v});
        }
      }
    }
    return inside.count({a, b}) != 0 ? "yes" : "no";
  });
  expect_agrees("family_relations", [](const Task& t) {
    static const std::regex kIs(
        "(\\w+) is the (mother|father|son|daughter|sister|brother) of (\\w+)\\.");
    // How many generations up, whether sideways, how many down, from b to a.
    std::map<std::string, std::pair<std::string, std::string>> next;
    for (const std::smatch& m : matches(t.prompt, kIs)) next[m[3]] = {m[2], m[1]};
    std::string at = t.facts.words.back(), word;
    int up = 0, side = 0, down = 0;
    while (at != t.facts.words[t.facts.words.size() - 2]) {
      word = next.at(at).first;
      at = next.at(at).second;
      const bool parent = word == "mother" || word == "father";
      const bool child = word == "son" || word == "daughter";
      up += parent ? 1 : 0;
      down += child ? 1 : 0;
      side += parent || child ? 0 : 1;
    }
    const bool woman = word == "mother" || word == "daughter" || word == "sister";
    const auto pick = [&](const char* w, const char* m) { return std::string(woman ? w : m); };
    if (side != 0) {
      if (up == down) return up == 0 ? pick("sister", "brother") : std::string("cousin");
      return up != 0 ? pick("aunt", "uncle") : pick("niece", "nephew");
    }
    const int generations = std::max(up, down);
    const std::string prefix = generations == 1 ? "" : generations == 2 ? "grand" : "great-grand";
    return prefix + (up != 0 ? pick("mother", "father") : pick("daughter", "son"));
  });
}

TEST(SecondSolver, WalksGridsAndGraphs) {
  expect_agrees("grid_walk", [](const Task& t) {
    static const std::regex kGo("Go ([0-9]+) (north|east|south|west)\\.");
    int x = 0, y = 0;
    for (const std::smatch& m : matches(t.prompt, kGo)) {
      for (int i = 0; i < std::stoi(m[1]); ++i) {
        x += m[2] == "east" ? 1 : m[2] == "west" ? -1 : 0;
        y += m[2] == "north" ? 1 : m[2] == "south" ? -1 : 0;
      }
    }
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ")";
  });
  expect_accepts("shortest_path", [](const Task& t) {
    // Breadth first from the goal over the edges in the prompt, the last letter first.
    static const std::regex kEdge("([A-Z])-([A-Z])");
    std::map<std::string, std::set<std::string, std::greater<>>> beside;
    for (const std::smatch& m : matches(t.prompt, kEdge)) {
      beside[m[1]].insert(m[2]);
      beside[m[2]].insert(m[1]);
    }
    const std::string start = t.facts.words[static_cast<std::size_t>(t.facts.numbers[0])];
    const std::string goal = t.facts.words[static_cast<std::size_t>(t.facts.numbers[1])];
    std::vector<std::vector<std::string>> paths = {{start}};
    for (std::size_t i = 0;; ++i) {
      if (paths[i].back() == goal) return joined(paths[i]);
      for (const std::string& step : beside[paths[i].back()]) {
        if (std::find(paths[i].begin(), paths[i].end(), step) != paths[i].end()) continue;
        paths.push_back(paths[i]);
        paths.back().push_back(step);
      }
    }
  });
  expect_accepts("task_order", [](const Task& t) {
    // From the end: what nothing else waits for goes last.
    static const std::regex kRule("([A-Z]) must come before ([A-Z])\\.");
    std::set<std::pair<std::string, std::string>> rules;
    for (const std::smatch& m : matches(t.prompt, kRule)) rules.insert({m[1], m[2]});
    std::vector<std::string> rest = t.facts.words, order;
    while (!rest.empty()) {
      const auto last = std::find_if(rest.begin(), rest.end(), [&](const std::string& name) {
        return std::none_of(rules.begin(), rules.end(),
                            [&](const auto& r) { return r.first == name; });
      });
      if (last == rest.end()) return std::string();
      std::erase_if(rules, [&](const auto& r) { return r.second == *last; });
      order.insert(order.begin(), *last);
      rest.erase(last);
    }
    return joined(order);
  });
}

TEST(SecondSolver, RunsProgramsAndFindsNeedles) {
  expect_agrees("program_output", [](const Task& t) {
    static const std::regex kLine("\\n([a-z]) = ([a-z0-9]+)(?: ([-+*]) ([a-z0-9]+))?");
    static const std::regex kPrint("print\\(([a-z])\\)");
    std::map<std::string, std::int64_t> memory;
    const auto value = [&](const std::string& s) {
      return memory.count(s) != 0 ? memory[s] : std::stoll(s);
    };
    for (const std::smatch& m : matches(t.prompt, kLine)) {
      const std::int64_t a = value(m[2]);
      if (!m[3].matched) {
        memory[m[1]] = a;
      } else {
        const std::int64_t b = value(m[4]);
        memory[m[1]] = m[3] == "+" ? a + b : m[3] == "-" ? a - b : a * b;
      }
    }
    return std::to_string(memory.at(matches(t.prompt, kPrint).at(0)[1]));
  });
  expect_agrees("retrieval", [](const Task& t) {
    const std::regex entry(t.facts.words.back() + " ([0-9]+)");
    return std::string(matches(t.prompt, entry).at(0)[1]);
  });
}

// Every family is named in one of these two files: a new one without a second solver fails here.
TEST(SecondSolver, CoversEveryFamily) {
  const std::set<std::string_view> covered = {"addition",
                                              "multiplication",
                                              "subtraction",
                                              "chain_sum",
                                              "expression",
                                              "gcd_lcm",
                                              "prime_factors",
                                              "long_division",
                                              "base_conversion",
                                              "linear_equation",
                                              "linear_system",
                                              "countdown",
                                              "game_of_24",
                                              "counting",
                                              "make_change",
                                              "story_problem",
                                              "quantities",
                                              "probability",
                                              "fractions",
                                              "number_sequence",
                                              "unit_conversion",
                                              "clock",
                                              "dates",
                                              "list_statistics",
                                              "filtering",
                                              "sorting",
                                              "spell_backward",
                                              "letter_count",
                                              "caesar",
                                              "boolean",
                                              "brackets",
                                              "rewriting",
                                              "binary",
                                              "knights",
                                              "shuffled_objects",
                                              "ordering",
                                              "syllogism",
                                              "family_relations",
                                              "grid_walk",
                                              "shortest_path",
                                              "task_order",
                                              "program_output",
                                              "retrieval"};
  for (const Family* family : families())
    EXPECT_EQ(covered.count(family->name), 1u) << family->name;
  EXPECT_EQ(covered.size(), families().size());
}

}  // namespace
}  // namespace sputnik::tasks
