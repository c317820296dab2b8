#include <fmt/format.h>

#include "tasks/families/families.h"
#include "tasks/item.h"
#include "tasks/task.h"

namespace sputnik::tasks {
namespace {

// Beside the one sure slip; more of them would make most of a thought wrong.
constexpr int kSlipPercent = 15;
constexpr std::size_t kMaxMistakes = 3;
constexpr std::size_t kPeople = 5;
constexpr std::size_t kThings = 3;

// FNV-1a (Fowler, Noll, Vo), 64 bits.
std::uint64_t hash_text(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// One number per task: its name, then each part stirred in by an odd multiplication.
std::uint64_t seed_of(const TaskSpec& spec) {
  std::uint64_t hash = hash_text(spec.family->name);
  for (const std::uint64_t part : {static_cast<std::uint64_t>(spec.level), spec.seed,
                                   static_cast<std::uint64_t>(spec.split)}) {
    hash = (hash ^ part) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return hash;
}

std::size_t draw_template(std::span<const Template> bank, Draw& draw) {
  for (;;) {
    const std::size_t index = draw.index(bank.size());
    if (is_held_out(bank, index) == (draw.split() == Split::kTest)) return index;
  }
}

void fill_common_slots(Item& item) {
  const auto persons = item.draw.sample(people(item.draw.split()), kPeople);
  for (std::size_t i = 0; i < persons.size(); ++i) {
    const std::string number = i == 0 ? "" : std::to_string(i + 1);
    item.slots.set("name" + number, persons[i].name);
    if (i >= 2) continue;
    item.slots.set("he" + number, persons[i].he);
    item.slots.set("him" + number, persons[i].him);
    item.slots.set("He" + number, persons[i].he == "he" ? "He" : "She");
    item.slots.set("His" + number, persons[i].he == "he" ? "His" : "Her");
    item.slots.set("his" + number, persons[i].his);
  }
  item.nouns = item.draw.sample(things(item.form.domain, item.draw.split()), kThings);
  for (std::size_t i = 0; i < item.nouns.size(); ++i) {
    const std::string number = i == 0 ? "" : std::to_string(i + 1);
    item.slots.set("thing" + number, item.nouns[i].one);
    item.slots.set("things" + number, item.nouns[i].many);
  }
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

void write_thoughts(const Item& item, Draw& draw, Task& task) {
  std::vector<std::size_t> fallible;
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    if (!item.steps[i].slip.empty()) fallible.push_back(i);
  }
  SPUTNIK_ASSERT(!fallible.empty());
  const std::size_t surely = draw.pick(fallible);
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    const Step& step = item.steps[i];
    append_line(task.thought, step.text);
    const bool room = task.mistakes.size() + (i < surely ? 1 : 0) < kMaxMistakes;
    if (!step.slip.empty() && (i == surely || (room && draw.chance(kSlipPercent)))) {
      append_line(task.corrected_thought, step.slip);
      const std::size_t end = task.corrected_thought.size();
      task.mistakes.push_back({end - step.slip.size(), end});
      append_line(task.corrected_thought, "Wait, " + step.notice);
    }
    append_line(task.corrected_thought, step.text);
  }
  const std::string closing = draw.one_of({"So the answer is ", "The answer is ", "That gives ",
                                           "So I get ", "So my answer is "}) +
                              item.answer + ".";
  append_line(task.thought, closing);
  append_line(task.corrected_thought, closing);
}

}  // namespace

Task generate(const TaskSpec& spec) {
  const Family& family = *spec.family;
  SPUTNIK_ASSERT(1 <= spec.level && spec.level <= family.n_levels);
  Draw draw(seed_of(spec), spec.split);
  const std::size_t index = draw_template(family.templates, draw);
  Item item{spec.level, draw, family.templates[index], {}, {}, {}, {}, {}};
  fill_common_slots(item);
  family.make(item);

  Task task;
  task.template_index = static_cast<int>(index);
  task.prompt = expand(item.form.text, item.slots, draw);
  write_thoughts(item, draw, task);
  task.answer = std::move(item.answer);
  task.facts = std::move(item.facts);
  return task;
}

std::uint64_t fingerprint(const Family& family) {
  constexpr std::uint64_t kSeeds = 32;
  std::uint64_t hash = hash_text(family.name);
  for (int level = 1; level <= family.n_levels; ++level) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      for (const Split split : {Split::kTrain, Split::kTest}) {
        const Task task = generate({&family, level, seed, split});
        for (const std::string& text : {task.prompt, task.answer, task.corrected_thought}) {
          hash = hash_text(text, hash);
        }
      }
    }
  }
  return hash;
}

bool verify(const Family& family, const Facts& facts, std::string_view answer) {
  return family.verify(facts, answer);
}

Result<const Family*> find_family(std::string_view name) {
  for (const Family* family : families()) {
    if (family->name == name) return family;
  }
  return not_found("there is no family of tasks named '{}'", name);
}

}  // namespace sputnik::tasks
