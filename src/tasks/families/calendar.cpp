// Clocks, weekdays and dates, step by step.
#include <array>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

constexpr Template kClockTemplates[] = {
    {kPlain, "It is {t}. What time is it in {d}? Use the 24-hour clock, like 9:05."},
    {kPlain, "What time is {d} after {t}? Use the 24-hour clock, like 9:05."},
    {kPlain, "The clock shows {t}. Add {d}. Answer like 9:05, with 24 hours."},
    {kSchool, "The lesson begins at {t} and takes {d}. When does it end? Answer like 9:05."},
    {kTravel,
     "A train leaves at {t} and travels for {d}. When does it arrive (24-hour clock, like "
     "9:05)?"},
    {kKitchen, "{name} puts a cake in the oven at {t} for {d}. When is it done? Answer like 9:05."},
    {kShop, "The shop opens at {t}. {name} comes {d} later. At what time is that, like 9:05?"},
    {kFarm,
     "The farmer starts at {t} and works for {d}. When does the work end? Answer like 9:05."},
    {kTravel,
     "{name} goes to sleep at {t} and wakes up {d} later. What time is it then, like 9:05?"},
    {kPlain, "A timer of {d} is started at {t}. When does it ring? Answer like 9:05."},
    {kHarbour, "The ferry leaves at {t} and needs {d}. When does it land? Answer like 9:05."},
};

std::string clock_time(std::int64_t minutes) {
  return fmt::format("{}:{:02}", minutes / 60, minutes % 60);
}

void make_clock(Item& item) {
  constexpr std::int64_t kMostHours[] = {2, 5, 11, 23, 60};
  const std::int64_t most = at_level(kMostHours, item.level);
  const std::int64_t start = item.draw.between(0, 23) * 60 + item.draw.between(0, 11) * 5;
  const std::int64_t hours = item.draw.between(1, most), minutes = item.draw.between(1, 11) * 5;
  const std::int64_t hour = start / 60, minute = start % 60;
  item.slots.set("t", clock_time(start));
  item.slots.set("d",
                 fmt::format("{} and {} minutes", count_of(hours, {"hour", "hours"}), minutes));
  item.facts.numbers = {start, hours, minutes};
  item.say(fmt::format("I add the hours and the minutes to {}.", clock_time(start)));
  std::int64_t h = hour + hours, m = minute + minutes;
  item.equation("Minutes: ", fmt::format("{} + {}", minute, minutes), m);
  item.equation("Hours: ", fmt::format("{} + {}", hour, hours), h);
  if (m >= 60) {
    item.equation("60 minutes are an hour: ", fmt::format("{} - 60", m), m - 60);
    item.equation("One hour more: ", fmt::format("{} + 1", h), h + 1);
    m -= 60;
    ++h;
  }
  while (h >= 24) {
    item.equation("A day has 24 hours: ", fmt::format("{} - 24", h), h - 24);
    h -= 24;
  }
  item.answer = clock_time(60 * h + m);
}

bool verify_clock(const Facts& facts, std::string_view answer) {
  const std::int64_t end =
      (facts.numbers[0] + 60 * facts.numbers[1] + facts.numbers[2]) % (24 * 60);
  const std::string_view text = trim_answer(answer);
  return text == clock_time(end) || text == fmt::format("{:02}:{:02}", end / 60, end % 60);
}

constexpr std::array<std::string_view, 7> kWeekdays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::int64_t, 12> kDaysOfMonth = {31, 28, 31, 30, 31, 30,
                                                       31, 31, 30, 31, 30, 31};
constexpr int kWeekday = 0, kDate = 1;

constexpr Template kDateTemplates[] = {
    {kPlain, "Today is {w}. Which day of the week is it in {n} days?", kWeekday},
    {kPlain, "Which date is {n} days after {d}? It is not a leap year. Answer like March 5.",
     kDate},
    {kPlain, "If today is {w}, what day is it {n} days from now?", kWeekday},
    {kSchool,
     "The holidays begin on {d} and last {n} days. On which date is school again? It is no leap "
     "year. Answer like March 5.",
     kDate},
    {kSchool, "{name} has a test in {n} days. Today is {w}. On which weekday is the test?",
     kWeekday},
    {kTravel, "{name} leaves on a {w} and comes back {n} days later. On which weekday is that?",
     kWeekday},
    {kTravel,
     "A ship trip starts on {d} and ends {n} days later. What is the date (no leap year), like "
     "March 5?",
     kDate},
    {kShop,
     "A {thing} ordered on {d} comes {n} days later. On which date? No leap year. Answer like "
     "March 5.",
     kDate},
    {kFarm, "Seeds put in the ground on a {w} come up {n} days later. Which weekday is that?",
     kWeekday},
    {kKitchen,
     "Milk bought on {d} is good for {n} days. What is the last date, like March 5? It is no "
     "leap year.",
     kDate},
    {kHarbour, "The ferry is repaired in {n} days. Today is {w}. Which weekday is that?", kWeekday},
    {kHarbour,
     "A ship left on {d} and was back {n} days later. Which date was that? No leap year. "
     "Answer like March 5.",
     kDate},
};

std::string date_text(std::int64_t month, std::int64_t day) {
  return fmt::format("{} {}", kMonths[static_cast<std::size_t>(month)], day);
}

void make_date(Item& item) {
  constexpr std::int64_t kMostDays[] = {9, 25, 60, 120, 300};
  const std::int64_t n = item.draw.between(2, at_level(kMostDays, item.level));
  item.slots.set("n", n);
  if (item.form.tag == kWeekday) {
    const std::size_t today = item.draw.index(7);
    item.slots.set("w", kWeekdays[today]);
    item.facts.numbers = {kWeekday, static_cast<std::int64_t>(today), n};
    item.say(fmt::format("A week has 7 days. {} = 7 * {} + {}.", n, n / 7, n % 7));
    std::size_t day = today;
    item.say(fmt::format("I go {} from {}.", count_of(n % 7, {"day", "days"}), kWeekdays[today]));
    for (std::int64_t i = 1; i <= n % 7; ++i) {
      day = (day + 1) % 7;
      item.choice(fmt::format("{}: ", i), kWeekdays[day], kWeekdays[(day + 1) % 7]);
    }
    if (n % 7 == 0) item.choice("So it is again ", kWeekdays[day], kWeekdays[(day + 1) % 7]);
    item.answer = kWeekdays[day];
    return;
  }
  std::int64_t month = item.draw.between(0, 11);
  std::int64_t day = item.draw.between(1, kDaysOfMonth[static_cast<std::size_t>(month)]);
  item.slots.set("d", date_text(month, day));
  item.facts.numbers = {kDate, month, day, n};
  item.say(fmt::format("I count from {}.", date_text(month, day)));
  item.equation("", fmt::format("{} + {}", day, n), day + n);
  day += n;
  for (;;) {
    const auto m = static_cast<std::size_t>(month);
    if (day <= kDaysOfMonth[m]) break;
    item.equation(fmt::format("{} has {} days: ", kMonths[m], kDaysOfMonth[m]),
                  fmt::format("{} - {}", day, kDaysOfMonth[m]), day - kDaysOfMonth[m]);
    day -= kDaysOfMonth[m];
    month = (month + 1) % 12;
  }
  item.answer = date_text(month, day);
}

bool verify_date(const Facts& facts, std::string_view answer) {
  const auto& n = facts.numbers;
  if (n[0] == kWeekday) {
    return is_word_answer(answer, kWeekdays[static_cast<std::size_t>((n[1] + n[2]) % 7)]);
  }
  std::int64_t month = n[1], day = n[2] + n[3];
  while (day > kDaysOfMonth[static_cast<std::size_t>(month)]) {
    day -= kDaysOfMonth[static_cast<std::size_t>(month)];
    month = (month + 1) % 12;
  }
  return is_word_answer(answer, date_text(month, day));
}

}  // namespace

constinit const Family kClock = {"clock",    "time",      "a time and a duration",
                                 5,          Use::kExtra, kClockTemplates,
                                 make_clock, verify_clock};
constinit const Family kDates = {"dates",   "time",      "weekdays and dates some days later",
                                 5,         Use::kExtra, kDateTemplates,
                                 make_date, verify_date};

}  // namespace sputnik::tasks
