// Second solvers for families of numbers: by counting, searching and trying, not by formula.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <regex>

#include "tasks/second_solver_testing.h"

namespace sputnik::tasks {
namespace {

using Numbers = std::vector<std::int64_t>;

std::string text(std::int64_t value) {
  return std::to_string(value);
}

// The numbers that stand in a text, from left to right.
Numbers numbers_in(const std::string& from) {
  static const std::regex kNumber("[0-9]+");
  Numbers numbers;
  for (std::sregex_iterator it(from.begin(), from.end(), kNumber), end; it != end; ++it) {
    numbers.push_back(std::stoll(it->str()));
  }
  return numbers;
}

// By two stacks (Dijkstra's shunting yard).
std::int64_t shunting_yard(const std::string& expression) {
  Numbers values;
  std::string ops;
  const auto weight = [](char op) { return op == '(' ? 0 : op == '*' || op == '/' ? 2 : 1; };
  const auto reduce = [&] {
    const std::int64_t b = values.back();
    values.pop_back();
    std::int64_t& a = values.back();
    switch (ops.back()) {
      case '+':
        a += b;
        break;
      case '-':
        a -= b;
        break;
      case '*':
        a *= b;
        break;
      default:
        a = a % b == 0 ? a / b : INT32_MIN;
        break;
    }
    ops.pop_back();
  };
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == ' ') continue;
    if (c == '(') {
      ops += c;
    } else if (c == ')') {
      while (ops.back() != '(') reduce();
      ops.pop_back();
    } else if ('0' <= c && c <= '9') {
      std::size_t used = 0;
      values.push_back(std::stoll(expression.substr(i), &used));
      i += used - 1;
    } else {
      while (!ops.empty() && weight(ops.back()) >= weight(c)) reduce();
      ops += c;
    }
  }
  while (!ops.empty()) reduce();
  return values.at(0);
}

TEST(SecondSolver, AddsSubtractsAndMultipliesByDigits) {
  // On decimal strings, as on paper.
  const auto add = [](std::string a, std::string b) {
    std::string sum;
    for (int carry = 0; !a.empty() || !b.empty() || carry != 0;) {
      for (std::string* s : {&a, &b}) {
        if (s->empty()) continue;
        carry += s->back() - '0';
        s->pop_back();
      }
      sum.insert(sum.begin(), static_cast<char>('0' + carry % 10));
      carry /= 10;
    }
    return sum;
  };
  expect_agrees("addition", [&](const Task& t) {
    return add(text(t.facts.numbers[0]), text(t.facts.numbers[1]));
  });
  expect_agrees("multiplication", [&](const Task& t) {
    std::string sum = "0";
    for (std::int64_t i = 0; i < t.facts.numbers[1]; ++i) sum = add(sum, text(t.facts.numbers[0]));
    return sum;
  });
  expect_accepts("subtraction", [&](const Task& t) {
    const std::int64_t a = t.facts.numbers[0], b = t.facts.numbers[1];
    // What must be added to the smaller one?
    const std::int64_t difference = std::max(a, b) - std::min(a, b);
    EXPECT_EQ(add(text(std::min(a, b)), text(difference)), text(std::max(a, b)));
    return (a < b ? "-" : "") + text(difference);
  });
}

TEST(SecondSolver, ReadsTheNumbersOfSumsFromThePrompt) {
  expect_agrees("chain_sum", [](const Task& t) {
    const Numbers shown = numbers_in(t.prompt);
    EXPECT_EQ(shown.size(), t.facts.numbers.size());
    std::int64_t total = 0;
    for (std::size_t i = 0; i < shown.size(); ++i)
      total += t.facts.numbers[i] < 0 ? -shown[i] : shown[i];
    return text(total);
  });
  expect_agrees("expression", [](const Task& t) {
    EXPECT_NE(t.prompt.find(t.facts.words[0]), std::string::npos);
    return text(shunting_yard(t.facts.words[0]));
  });
}

TEST(SecondSolver, FindsDivisorsAndMultiplesByTrying) {
  expect_agrees("gcd_lcm", [](const Task& t) {
    const std::int64_t a = t.facts.numbers[0], b = t.facts.numbers[1];
    std::int64_t gcd = 1;
    for (std::int64_t d = 1; d <= a; ++d) {
      if (a % d == 0 && b % d == 0) gcd = d;
    }
    if (t.facts.numbers[2] == 0) return text(gcd);
    std::int64_t lcm = a;
    while (lcm % b != 0) lcm += a;
    return text(lcm);
  });
  expect_agrees("prime_factors", [](const Task& t) {
    // By a sieve of smallest prime factors.
    const std::int64_t n = t.facts.numbers[0];
    Numbers smallest(static_cast<std::size_t>(n) + 1, 0);
    for (std::int64_t p = 2; p <= n; ++p) {
      if (smallest[static_cast<std::size_t>(p)] != 0) continue;
      for (std::int64_t m = p; m <= n; m += p) {
        std::int64_t& entry = smallest[static_cast<std::size_t>(m)];
        if (entry == 0) entry = p;
      }
    }
    std::string product;
    for (std::int64_t rest = n; rest > 1; rest /= smallest[static_cast<std::size_t>(rest)]) {
      product += (product.empty() ? "" : " * ") + text(smallest[static_cast<std::size_t>(rest)]);
    }
    return product;
  });
  expect_agrees("long_division", [](const Task& t) {
    std::int64_t rest = t.facts.numbers[0], quotient = 0;
    for (; rest >= t.facts.numbers[1]; rest -= t.facts.numbers[1]) ++quotient;
    return text(quotient) + " remainder " + text(rest);
  });
  expect_accepts("base_conversion", [](const Task& t) {
    const auto base = static_cast<int>(t.facts.numbers[1]);
    EXPECT_EQ(std::stoll(t.answer, nullptr, base), t.facts.numbers[0]);
    return t.answer;
  });
}

TEST(SecondSolver, FindsUnknownsByTrying) {
  expect_agrees("linear_equation", [](const Task& t) {
    const Numbers& n = t.facts.numbers;
    std::string found;
    for (std::int64_t x = -500; x <= 500; ++x) {
      if (n[0] * x + n[1] != n[2] * x + n[3]) continue;
      EXPECT_TRUE(found.empty());
      found = text(x);
    }
    return found;
  });
  expect_agrees("linear_system", [](const Task& t) {
    const Numbers& n = t.facts.numbers;
    std::string found;
    for (std::int64_t x = -30; x <= 30; ++x) {
      for (std::int64_t y = -30; y <= 30; ++y) {
        if (n[0] * x + n[1] * y != n[2] || n[3] * x + n[4] * y != n[5]) continue;
        EXPECT_TRUE(found.empty());
        found = "x = " + text(x) + ", y = " + text(y);
      }
    }
    return found;
  });
}

// All expressions of the numbers, by pairs; the first whose value is the target.
struct Made {
  double value;
  std::string text;
};
std::string search(const std::vector<Made>& made, double target) {
  if (made.size() == 1) return std::abs(made[0].value - target) < 1e-9 ? made[0].text : "";
  for (std::size_t i = 0; i < made.size(); ++i) {
    for (std::size_t j = 0; j < made.size(); ++j) {
      if (i == j) continue;
      for (const char op : {'/', '-', '*', '+'}) {
        const double a = made[i].value, b = made[j].value;
        if (op == '/' && b == 0) continue;
        const double value = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
        std::vector<Made> rest = {{value, "(" + made[i].text + op + made[j].text + ")"}};
        for (std::size_t k = 0; k < made.size(); ++k) {
          if (k != i && k != j) rest.push_back(made[k]);
        }
        if (std::string found = search(rest, target); !found.empty()) return found;
      }
    }
  }
  return "";
}

TEST(SecondSolver, SearchesCountdownsExhaustively) {
  const auto solver = [](const Task& t) {
    std::vector<Made> made;
    for (std::size_t i = 1; i < t.facts.numbers.size(); ++i) {
      made.push_back({static_cast<double>(t.facts.numbers[i]), text(t.facts.numbers[i])});
    }
    EXPECT_EQ(shunting_yard(t.answer), t.facts.numbers[0]);
    // Six numbers have too many expressions.
    return made.size() > 4 ? t.answer : search(made, static_cast<double>(t.facts.numbers[0]));
  };
  expect_accepts("countdown", solver);
  expect_accepts("game_of_24", solver);
}

TEST(SecondSolver, CountsThingsOneByOne) {
  expect_agrees("counting", [](const Task& t) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < t.facts.numbers.size(); i += 2) {
      for (std::int64_t k = 0; k < t.facts.numbers[i]; ++k) total += t.facts.numbers[i + 1];
    }
    return text(total);
  });
  expect_agrees("make_change", [](const Task& t) {
    // The fewest pieces for every amount, by dynamic programming.
    const auto n = static_cast<std::size_t>(t.facts.numbers[0]);
    Numbers fewest(n + 1, INT32_MAX);
    fewest[0] = 0;
    for (std::size_t amount = 1; amount <= n; ++amount) {
      for (std::size_t i = 1; i < t.facts.numbers.size(); ++i) {
        const auto coin = static_cast<std::size_t>(t.facts.numbers[i]);
        if (coin <= amount) fewest[amount] = std::min(fewest[amount], fewest[amount - coin] + 1);
      }
    }
    return text(fewest[n]);
  });
  expect_agrees("story_problem", [](const Task& t) {
    const auto kind = t.facts.numbers[0];
    const std::int64_t a = t.facts.numbers[1], b = t.facts.numbers[2], c = t.facts.numbers[3];
    std::int64_t result = 0;
    switch (kind) {
      case 0:  // pays c, b times
        result = a;
        for (std::int64_t i = 0; i < b; ++i) result -= c;
        break;
      case 1:
      case 3:
        result = c;
        for (std::int64_t i = 0; i < b; ++i) result += a;
        break;
      case 2:
      case 8:  // rounds of b until nothing is left to share or fill
        for (std::int64_t rest = a - c; rest > 0; rest -= b) ++result;
        break;
      case 4:
        for (std::int64_t i = 0; i < b * c; ++i) result += a;
        break;
      case 5:
        result = a * (b + 1);
        break;
      case 6:
        for (std::int64_t i = 0; i < b; ++i) result += a;
        result -= c;
        break;
      case 7:
        result = a - a / 2 + b;
        break;
      case 9:  // rule of three
        EXPECT_EQ(a * c % b, 0);
        result = a * c / b;
        break;
      default:
        ADD_FAILURE() << "unknown kind " << kind;
    }
    return text(result);
  });
}

TEST(SecondSolver, FollowsQuantitiesBackward) {
  expect_agrees("quantities", [](const Task& t) {
    const Numbers& n = t.facts.numbers;
    const std::function<std::int64_t(std::size_t)> value = [&](std::size_t i) -> std::int64_t {
      const std::int64_t number = n[4 * i + 1];
      const auto a = static_cast<std::size_t>(n[4 * i + 2]),
                 b = static_cast<std::size_t>(n[4 * i + 3]);
      switch (n[4 * i]) {
        case 0:
          return number;
        case 1:
          return value(a) + number;
        case 2:
          return value(a) - number;
        case 3:
          return value(a) * number;
        case 4:
          return value(a) + value(b);
        case 5:
          return value(a) - value(b);
        default:
          return value(a) / 2;
      }
    };
    return text(value(n.size() / 4 - 1));
  });
}

TEST(SecondSolver, EnumeratesChancesAndCrossMultipliesFractions) {
  expect_accepts("probability", [](const Task& t) {
    const Numbers& n = t.facts.numbers;
    std::int64_t good = 0, all = 0;
    if (n[0] == 0) {
      for (int a = 1; a <= 6; ++a) {
        for (int b = 1; b <= 6; ++b, ++all) good += a + b == n[1] ? 1 : 0;
      }
    } else if (n[0] == 1) {
      for (std::uint32_t toss = 0; toss < 1u << n[1]; ++toss, ++all) {
        good += std::popcount(toss) == n[2] ? 1 : 0;
      }
    } else {
      good = n[1];
      all = n[1] + n[2];
    }
    return text(good) + "/" + text(all);
  });
  expect_accepts("fractions", [](const Task& t) {
    const Numbers& n = t.facts.numbers;
    if (n[0] != 0) {
      const std::int64_t top = n[1] * n[4] + (n[0] == 2 ? -1 : 1) * n[3] * n[2];
      return text(top) + "/" + text(n[2] * n[4]);
    }
    for (std::int64_t bottom = 1;; ++bottom) {  // the smallest denominator that works
      if (n[1] * bottom % n[2] != 0) continue;
      const std::int64_t top = n[1] * bottom / n[2];
      return bottom == 1 ? text(top) : text(top) + "/" + text(bottom);
    }
  });
}

TEST(SecondSolver, RecognisesSequencesFromTheirNumbersAlone) {
  expect_agrees("number_sequence", [](const Task& t) {
    const Numbers v(t.facts.numbers.begin() + 2, t.facts.numbers.end());
    EXPECT_EQ(v.size(), 5u);
    const auto all = [&](const auto& rule) { return rule(2) && rule(3) && rule(4); };
    if (all([&](int i) { return v[i] - v[i - 1] == v[i - 1] - v[i - 2]; }))
      return text(2 * v[4] - v[3]);
    if (all([&](int i) { return v[i] * v[i - 2] == v[i - 1] * v[i - 1]; }))
      return text(v[4] * v[4] / v[3]);
    if (all([&](int i) { return v[i] == v[i - 1] + v[i - 2]; })) return text(v[4] + v[3]);
    // A constant second difference: third differences are 0.
    return text(3 * v[4] - 3 * v[3] + v[2]);
  });
}

TEST(SecondSolver, KnowsUnitsByHeart) {
  static const std::map<std::string, std::int64_t> kInSmallest = {
      {"seconds", 1},          {"minutes", 60},    {"hours", 3600},     {"days", 86400},
      {"weeks", 604800},       {"millimetres", 1}, {"centimetres", 10}, {"metres", 1000},
      {"kilometres", 1000000}, {"grams", 1},       {"kilograms", 1000}, {"cents", 1},
      {"dollars", 100},        {"inches", 1},      {"feet", 12},        {"yards", 36},
      {"months", 1},           {"years", 12},      {"ounces", 1},       {"pounds", 16}};
  expect_agrees("unit_conversion", [](const Task& t) {
    const std::int64_t small = t.facts.numbers[0] * kInSmallest.at(t.facts.words[0]);
    EXPECT_EQ(small % kInSmallest.at(t.facts.words[1]), 0);
    return text(small / kInSmallest.at(t.facts.words[1]));
  });
}

TEST(SecondSolver, TicksThroughClocksAndDates) {
  expect_agrees("clock", [](const Task& t) {
    std::int64_t hour = t.facts.numbers[0] / 60, minute = t.facts.numbers[0] % 60;
    for (std::int64_t i = 0; i < 60 * t.facts.numbers[1] + t.facts.numbers[2]; ++i) {
      if (++minute == 60) minute = 0, hour = (hour + 1) % 24;
    }
    return text(hour) + (minute < 10 ? ":0" : ":") + text(minute);
  });
  expect_agrees("dates", [](const Task& t) {
    static const std::vector<std::pair<std::string, int>> kYear = {
        {"January", 31},   {"February", 28}, {"March", 31},    {"April", 30},
        {"May", 31},       {"June", 30},     {"July", 31},     {"August", 31},
        {"September", 30}, {"October", 31},  {"November", 30}, {"December", 31}};
    static const std::vector<std::string> kWeek = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
    const Numbers& n = t.facts.numbers;
    auto at = static_cast<std::size_t>(n[1]);
    if (n[0] == 0) {
      for (std::int64_t i = 0; i < n[2]; ++i) at = at == 6 ? 0 : at + 1;
      return kWeek[at];
    }
    std::int64_t day = n[2];
    for (std::int64_t i = 0; i < n[3]; ++i) {
      if (++day > kYear[at].second) day = 1, at = at == 11 ? 0 : at + 1;
    }
    return kYear[at].first + " " + text(day);
  });
}

TEST(SecondSolver, TakesStatisticsOfSortedLists) {
  expect_agrees("list_statistics", [](const Task& t) {
    Numbers v(t.facts.numbers.begin() + 2, t.facts.numbers.end());
    std::sort(v.begin(), v.end());
    std::int64_t sum = 0;
    for (const std::int64_t x : v) sum += x;
    switch (t.facts.numbers[0]) {
      case 0:
        EXPECT_EQ(sum % static_cast<std::int64_t>(v.size()), 0);
        return text(sum / static_cast<std::int64_t>(v.size()));
      case 1:
        return text(v.front());
      case 2:
        return text(v.back());
      case 3:
        return text(sum);
      case 4:
        return text(v.end() - std::upper_bound(v.begin(), v.end(), t.facts.numbers[1]));
      default:
        return text(v.back() - v.front());
    }
  });
  expect_agrees("filtering", [](const Task& t) {
    std::string kept;
    for (std::size_t i = 3; i < t.facts.numbers.size(); ++i) {
      const std::int64_t x = t.facts.numbers[i], k = t.facts.numbers[1], m = t.facts.numbers[2];
      const bool keep[] = {x > k, x < k, (x & 1) == 0, (x & 1) == 1, x / m * m == x};
      if (keep[t.facts.numbers[0]]) kept += (kept.empty() ? "" : ", ") + text(x);
    }
    return kept;
  });
}

}  // namespace
}  // namespace sputnik::tasks
