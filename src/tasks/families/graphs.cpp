// Paths, orders, walks: answers that are checked by following them, as several may be right.
#include <array>
#include <set>

#include "tasks/families/columns.h"
#include "tasks/families/families.h"
#include "tasks/final_answer.h"

namespace sputnik::tasks {
namespace {

// Letters that name the nodes, in the order of the alphabet.
std::vector<std::string> draw_letters(Draw& draw, std::size_t n) {
  auto places = draw.distinct(0, 25, n);
  std::sort(places.begin(), places.end());
  std::vector<std::string> names;
  for (const std::int64_t place : places) names.emplace_back(1, static_cast<char>('A' + place));
  return names;
}

// The nodes that an answer lists; none if it names another.
std::optional<std::vector<std::size_t>> parse_nodes(std::string_view answer,
                                                    const std::vector<std::string>& names) {
  const auto parts = parse_list(answer, names.size());
  if (!parts) return std::nullopt;
  std::vector<std::size_t> nodes;
  for (const std::string& part : *parts) {
    const auto name = std::find_if(names.begin(), names.end(), [&](const std::string& known) {
      return lower_case(known) == part;
    });
    if (name == names.end()) return std::nullopt;
    nodes.push_back(static_cast<std::size_t>(name - names.begin()));
  }
  return nodes;
}

using Edge = std::pair<std::size_t, std::size_t>;

constexpr Template kPathTemplates[] = {
    {kTravel,
     "Roads: {edges}. What is a shortest way from {s} to {t}? List the towns, like A, B, C."},
    {kTravel,
     "Trains run both ways between {edges}. Find a way from {s} to {t} with the fewest stops. "
     "List it like A, B, C."},
    {kPlain, "A graph has the edges {edges}. Give a shortest path from {s} to {t}, like A, B, C."},
    {kPlain,
     "Edges (both ways): {edges}. Which path from {s} to {t} is shortest? Answer like A, B, C."},
    {kSchool,
     "Rooms of a school are joined: {edges}. {name} goes from {s} to {t} the shortest way. List "
     "the rooms, like A, B, C."},
    {kFarm,
     "Paths join the fields: {edges}. What is a shortest way from {s} to {t}? Answer like A, B, "
     "C."},
    {kShop, "Doors join the shops: {edges}. Find a shortest way from {s} to {t}, like A, B, C."},
    {kKitchen,
     "Pipes join the tanks: {edges}. Which is a shortest way from {s} to {t}? Answer like A, "
     "B, C."},
    {kTravel,
     "Bus lines: {edges}. How does {name} get from {s} to {t} with the fewest rides? Answer "
     "like A, B, C."},
    {kPlain,
     "Find a path with as few edges as possible from {s} to {t}. Edges: {edges}. Answer like A, "
     "B, C."},
    {kHarbour,
     "Ferries join the islands: {edges}. What is a shortest way from {s} to {t}? Answer like "
     "A, B, C."},
};

// Distances from start; n where there is no way.
std::vector<std::size_t> distances(std::size_t n, const std::set<Edge>& edges, std::size_t start) {
  std::vector<std::size_t> distance(n, n);
  distance[start] = 0;
  for (std::size_t round = 0; round < n; ++round) {
    for (const auto& [a, b] : edges) {
      distance[a] = std::min(distance[a], distance[b] + 1);
      distance[b] = std::min(distance[b], distance[a] + 1);
    }
  }
  return distance;
}

void make_path(Item& item) {
  constexpr struct {
    std::size_t nodes, edges, distance;
  } kLevels[] = {{4, 4, 2}, {5, 6, 2}, {6, 7, 3}, {8, 10, 3}, {10, 13, 4}};
  const auto& level = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const std::size_t n = level.nodes;
  std::set<Edge> edges;
  std::vector<std::size_t> from_start;
  std::size_t start = 0, goal = 0;
  while (from_start.empty() || from_start[goal] < level.distance || from_start[goal] >= n) {
    edges.clear();
    while (edges.size() < level.edges) {
      const auto ends = draw.distinct(0, static_cast<std::int64_t>(n) - 1, 2);
      edges.insert({static_cast<std::size_t>(std::min(ends[0], ends[1])),
                    static_cast<std::size_t>(std::max(ends[0], ends[1]))});
    }
    start = draw.index(n);
    goal = draw.index(n);
    from_start = distances(n, edges, start);
  }
  const auto names = draw_letters(draw, n);
  std::vector<std::string> texts;
  item.facts.numbers = {static_cast<std::int64_t>(start), static_cast<std::int64_t>(goal)};
  std::vector<Edge> shown(edges.begin(), edges.end());
  draw.shuffle(shown);
  for (const auto& [a, b] : shown) {
    texts.push_back(draw.chance(50) ? names[a] + "-" + names[b] : names[b] + "-" + names[a]);
    item.facts.numbers.push_back(static_cast<std::int64_t>(a));
    item.facts.numbers.push_back(static_cast<std::int64_t>(b));
  }
  item.slots.set("edges", join(texts, ", "));
  item.slots.set("s", names[start]);
  item.slots.set("t", names[goal]);
  item.facts.words = names;

  item.say(fmt::format("I go outward from {} in layers.", names[start]));
  const auto layer = [&](std::size_t d) {
    std::vector<std::string> members;
    for (std::size_t i = 0; i < n; ++i) {
      if (from_start[i] == d) members.push_back(names[i]);
    }
    return members;
  };
  for (std::size_t d = 1; d <= from_start[goal]; ++d) {
    const auto members = layer(d);
    std::vector<std::string> fewer = layer(d - 1);
    item.choice(
        fmt::format("After {}: ", count_of(static_cast<std::int64_t>(d), {"step", "steps"})),
        join(members, ", "), join(fewer, ", "));
  }
  item.say(fmt::format("Now back from {}.", names[goal]));
  std::vector<std::string> path = {names[goal]};
  for (std::size_t at = goal; at != start;) {
    for (std::size_t i = 0; i < n; ++i) {
      if (from_start[i] + 1 == from_start[at] &&
          edges.count({std::min(i, at), std::max(i, at)}) != 0) {
        item.say(fmt::format("{} comes from {}.", names[at], names[i]));
        at = i;
        break;
      }
    }
    path.insert(path.begin(), names[at]);
  }
  item.answer = join(path, ", ");
}

bool verify_path(const Facts& facts, std::string_view answer) {
  const std::size_t n = facts.words.size();
  std::set<Edge> edges;
  for (std::size_t i = 2; i + 1 < facts.numbers.size(); i += 2) {
    edges.insert({static_cast<std::size_t>(facts.numbers[i]),
                  static_cast<std::size_t>(facts.numbers[i + 1])});
  }
  const auto start = static_cast<std::size_t>(facts.numbers[0]);
  const auto goal = static_cast<std::size_t>(facts.numbers[1]);
  const auto path = parse_nodes(answer, facts.words);
  if (!path || path->size() != distances(n, edges, start)[goal] + 1) return false;
  for (std::size_t i = 1; i < path->size(); ++i) {
    const auto [low, high] = std::minmax((*path)[i - 1], (*path)[i]);
    if (edges.count({low, high}) == 0) return false;
  }
  return path->front() == start && path->back() == goal;
}

constexpr Template kOrderTemplates[] = {
    {kSchool,
     "Courses: {list}. {rules} In which order can {name} take them all? List them like A, B, "
     "C."},
    {kSchool, "{rules} Put the lessons {list} in a possible order, like A, B, C."},
    {kPlain, "Tasks: {list}. {rules} Give an order that respects this, like A, B, C."},
    {kPlain, "Find an order of {list} such that: {rules} Answer like A, B, C."},
    {kKitchen,
     "Steps of a recipe: {list}. {rules} In which order can the cook do them? Answer like A, "
     "B, C."},
    {kShop, "Jobs in the shop: {list}. {rules} Write a possible order, like A, B, C."},
    {kFarm,
     "Work on the farm: {list}. {rules} In which order can it be done? Answer like A, B, C."},
    {kTravel, "{name} visits {list}. {rules} Which order is possible? Answer like A, B, C."},
    {kPlain, "{rules} List {list} in an order that fits, like A, B, C."},
    {kSchool, "Homework: order {list}. {rules} Answer like A, B, C."},
    {kHarbour, "Ships {list} must leave. {rules} In which order can they? Answer like A, B, C."},
};

void make_order(Item& item) {
  constexpr struct {
    std::size_t nodes, rules;
  } kLevels[] = {{3, 2}, {4, 3}, {5, 5}, {6, 7}, {8, 11}};
  const auto [n, n_rules] = at_level(kLevels, item.level);
  Draw& draw = item.draw;
  const auto names = draw_letters(draw, n);
  std::vector<std::size_t> hidden;
  for (std::size_t i = 0; i < n; ++i) hidden.push_back(i);
  draw.shuffle(hidden);
  std::set<Edge> rules;
  while (rules.size() < n_rules) {
    const auto places = draw.distinct(0, static_cast<std::int64_t>(n) - 1, 2);
    rules.insert({hidden[static_cast<std::size_t>(std::min(places[0], places[1]))],
                  hidden[static_cast<std::size_t>(std::max(places[0], places[1]))]});
  }
  std::vector<Edge> shown(rules.begin(), rules.end());
  draw.shuffle(shown);
  std::string text;
  item.facts.words = names;
  for (const auto& [before, after] : shown) {
    text += fmt::format("{}{} must come before {}.", text.empty() ? "" : " ", names[before],
                        names[after]);
    item.facts.numbers.push_back(static_cast<std::int64_t>(before));
    item.facts.numbers.push_back(static_cast<std::int64_t>(after));
  }
  item.slots.set("rules", text);
  item.slots.set("list", join(names, ", "));
  item.say("I take what waits for nothing.");
  std::vector<std::string> order;
  std::vector<bool> done(n, false);
  const auto waits_for = [&](std::size_t i) -> std::optional<std::size_t> {
    for (const auto& [before, after] : shown) {
      if (after == i && !done[before]) return before;
    }
    return std::nullopt;
  };
  while (order.size() < n) {
    std::vector<std::size_t> free, waiting;
    for (std::size_t i = 0; i < n; ++i) {
      if (!done[i]) (waits_for(i) ? waiting : free).push_back(i);
    }
    const std::string line = fmt::format("{} is free, I take {}.", names[free[0]], names[free[0]]);
    if (waiting.empty()) {
      item.say(line);
    } else {
      const std::size_t wrong = draw.pick(waiting);
      item.step(line, fmt::format("{} is free, I take {}.", names[wrong], names[wrong]),
                fmt::format("{} must come before {}.", names[*waits_for(wrong)], names[wrong]));
    }
    done[free[0]] = true;
    order.push_back(names[free[0]]);
  }
  item.answer = join(order, ", ");
}

// facts.numbers: (before, after) ..., facts.words: the names.
bool verify_order(const Facts& facts, std::string_view answer) {
  const std::size_t n = facts.words.size();
  const auto order = parse_nodes(answer, facts.words);
  if (!order || order->size() != n) return false;
  std::vector<std::size_t> place(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    if (place[(*order)[i]] != n) return false;
    place[(*order)[i]] = i;
  }
  for (std::size_t i = 0; i + 1 < facts.numbers.size(); i += 2) {
    if (place[static_cast<std::size_t>(facts.numbers[i])] >
        place[static_cast<std::size_t>(facts.numbers[i + 1])]) {
      return false;
    }
  }
  return true;
}

constexpr Template kWalkTemplates[] = {
    {kPlain,
     "You start at (0, 0). East is +x, north is +y. {moves} Where are you? Answer like (1, 2)."},
    {kPlain,
     "Begin at (0, 0) on a grid; north adds to y, east adds to x. {moves} What is the position, "
     "like (1, 2)?"},
    {kTravel,
     "{name} starts at the hotel, (0, 0). {moves} Where is {he}, if east is +x and north +y? "
     "Answer like (1, 2)."},
    {kTravel,
     "A taxi starts at (0, 0). {moves} East is +x, north is +y. Where does it stop, like (1, "
     "2)?"},
    {kFarm,
     "A dog leaves the barn at (0, 0). {moves} East is +x, north is +y. Where is it, like (1, "
     "2)?"},
    {kSchool,
     "On squared paper {name} starts at (0, 0). {moves} East is +x, north is +y. Where does {he} "
     "end, like (1, 2)?"},
    {kShop,
     "A robot in the store starts at (0, 0). {moves} East is +x, north is +y. Where is it now, "
     "like (1, 2)?"},
    {kKitchen,
     "An ant on the kitchen floor starts at (0, 0). {moves} East is +x, north is +y. Where is "
     "it, like (1, 2)?"},
    {kTravel,
     "A walker starts at (0, 0). {moves} With east as +x and north as +y, where is the walker? "
     "Answer like (1, 2)."},
    {kPlain, "Follow the moves from (0, 0), east +x, north +y. {moves} Answer like (1, 2)."},
    {kHarbour,
     "A boat leaves the pier at (0, 0). {moves} East is +x, north is +y. Where is it, like (1, "
     "2)?"},
};

constexpr std::array<std::string_view, 4> kDirections = {"north", "east", "south", "west"};
constexpr std::array<std::pair<int, int>, 4> kSteps = {{{0, 1}, {1, 0}, {0, -1}, {-1, 0}}};

void make_walk(Item& item) {
  constexpr struct {
    int moves;
    std::int64_t longest;
  } kLevels[] = {{2, 5}, {3, 9}, {5, 9}, {7, 15}, {10, 30}};
  const auto [n, longest] = at_level(kLevels, item.level);
  std::int64_t x = 0, y = 0;
  std::string moves;
  item.say("I start at (0, 0).");
  for (int i = 0; i < n; ++i) {
    const std::size_t direction = item.draw.index(4);
    const std::int64_t length = item.draw.between(1, longest);
    moves += fmt::format("{}Go {} {}.", i == 0 ? "" : " ", length, kDirections[direction]);
    const std::int64_t dx = kSteps[direction].first * length,
                       dy = kSteps[direction].second * length;
    const std::int64_t from = dx != 0 ? x : y, change = dx + dy;
    x += dx;
    y += dy;
    item.equation(fmt::format("{} {}: {} is ", length, kDirections[direction], dx != 0 ? "x" : "y"),
                  fmt::format("{} {} {}", from, change < 0 ? '-' : '+', length), from + change,
                  fmt::format(", so ({}, {}).", x, y));
    item.facts.numbers.push_back(dx);
    item.facts.numbers.push_back(dy);
  }
  item.slots.set("moves", moves);
  item.answer = fmt::format("({}, {})", x, y);
}

bool verify_walk(const Facts& facts, std::string_view answer) {
  std::string_view text = trim_answer(answer);
  if (text.size() >= 2 && text.front() == '(' && text.back() == ')') {
    text = text.substr(1, text.size() - 2);
  }
  std::int64_t x = 0, y = 0;
  for (std::size_t i = 0; i + 1 < facts.numbers.size(); i += 2) {
    x += facts.numbers[i];
    y += facts.numbers[i + 1];
  }
  return is_list_answer(text, {std::to_string(x), std::to_string(y)});
}

}  // namespace

constinit const Family kShortestPath = {
    "shortest_path", "graphs",   "a way with the fewest steps", 5, Use::kExtra, kPathTemplates,
    make_path,       verify_path};
constinit const Family kTaskOrder = {"task_order",
                                     "graphs",
                                     "an order that respects what comes first",
                                     5,
                                     Use::kExtra,
                                     kOrderTemplates,
                                     make_order,
                                     verify_order};
constinit const Family kGridWalk = {"grid_walk", "tracking",  "where a walk on a grid ends",
                                    5,           Use::kExtra, kWalkTemplates,
                                    make_walk,   verify_walk};

}  // namespace sputnik::tasks
