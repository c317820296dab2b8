#include "service/local_service.h"

#include <sodium.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <system_error>

#include "base/mapped_file.h"

namespace sputnik::service {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxJournalBytes = std::size_t{256} << 20;

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// 128 random bits: nobody guesses it.
std::string new_id() {
  std::array<unsigned char, 16> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return "gen-" + text;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed >> 11;  // exact in a double, as JSON readers keep numbers
}

std::uint64_t number_of(std::string_view user) {
  if (user.empty()) return 0;
  std::array<unsigned char, 16> hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(user.data()),
                     user.size(), nullptr, 0);
  std::uint64_t number = 0;
  std::memcpy(&number, hash.data(), sizeof number);
  return number;
}

// Names by which programs ask for whatever there is.
bool is_alias(std::string_view name) {
  for (const std::string_view prefix : {"deepseek", "gpt-", "claude", "gemini", "o1", "o3", "o4"})
    if (name.starts_with(prefix)) return true;
  return name.empty() || name == "default" || name == "sputnik";
}

}  // namespace

LocalService::LocalService(std::unique_ptr<ServedModel> model, LocalServiceOptions options)
    : options_(std::move(options)), model_(std::move(model)) {
  worker_ = std::make_unique<Worker>(*model_, options_.worker);
}

LocalService::~LocalService() = default;

Result<std::unique_ptr<LocalService>> LocalService::create(std::unique_ptr<ServedModel> model,
                                                           LocalServiceOptions options) {
  if (sodium_init() < 0) return io_error("the system has no source of random numbers");
  std::unique_ptr<LocalService> service(new LocalService(std::move(model), std::move(options)));
  SPUTNIK_CHECK_OK(service->resume_all());
  return service;
}

std::vector<ModelCard> LocalService::models() const {
  return {model_->card()};
}

Result<ModelCard> LocalService::model(std::string_view name) const {
  const ModelCard& card = model_->card();
  // Ollama's names carry a tag.
  if (name == card.id || name == card.id + ":latest" || is_alias(name)) return card;
  return not_found("there is no model \"{}\"; \"{}\" is loaded", name, card.id);
}

std::unique_ptr<Job> LocalService::make_job(GenerateRequest request, Prepared prepared,
                                            GenerationInfo info) {
  auto job = std::make_unique<Job>();
  job->generation = std::make_shared<LocalGeneration>(std::move(info), request.detached, *worker_);
  job->tenant = number_of(request.key_id);
  job->salt = number_of(request.user);
  job->request = std::move(request);
  job->prepared = std::move(prepared);
  return job;
}

void LocalService::keep(const Job& job, fs::path journal) {
  const std::lock_guard lock(mutex_);
  forget_old();
  kept_[job.generation->info().id] = {job.generation, job.request.detached, 0, std::move(journal)};
}

// With the lock held.
void LocalService::forget_old() const {
  const std::int64_t now = now_s();
  for (auto it = kept_.begin(); it != kept_.end();) {
    Kept& kept = it->second;
    if (kept.generation->finished() && kept.ended_s == 0) kept.ended_s = now;
    // Nobody comes back to what ends with its listener.
    const std::int64_t keep_s = kept.detached ? options_.keep_s : std::min(options_.keep_s, 5);
    if (kept.ended_s == 0 || now - kept.ended_s < keep_s) {
      ++it;
      continue;
    }
    std::error_code ignored;
    if (!kept.journal.empty()) fs::remove(kept.journal, ignored);
    it = kept_.erase(it);
  }
}

Result<std::shared_ptr<Generation>> LocalService::generate(GenerateRequest request) {
  SPUTNIK_TRY(const ModelCard card, model(request.model));
  if (!request.sampling.seed) request.sampling.seed = random_seed();
  SPUTNIK_TRY(Prepared prepared, prepare(*model_, request));
  GenerationInfo info;
  info.id = new_id();
  info.model = card.id;
  info.created_s = now_s();
  info.fingerprint = model_->fingerprint();
  info.n_prompt_tokens = static_cast<std::int64_t>(prepared.prompt.size());
  std::unique_ptr<Job> job = make_job(std::move(request), std::move(prepared), info);
  fs::path path;
  if (job->request.detached && !job->request.keep_off_disk && !options_.journals.empty()) {
    auto journal = Journal::create(options_.journals,
                                   {info.id, info.created_s, info.fingerprint, job->request});
    if (journal.ok()) {
      job->journal = std::move(journal).value();
      path = options_.journals / (info.id + ".jsonl");
    } else if (options_.worker.log) {
      options_.worker.log("an answer will not survive a crash: " + journal.error().message);
    }
  }
  const std::shared_ptr<LocalGeneration> generation = job->generation;
  keep(*job, path);
  auto submitted = worker_->submit(std::move(job));
  if (!submitted.ok()) {
    const std::lock_guard lock(mutex_);
    kept_.erase(info.id);
    std::error_code ignored;
    if (!path.empty()) fs::remove(path, ignored);
    return std::move(submitted).error();
  }
  return std::shared_ptr<Generation>(generation);
}

Result<std::shared_ptr<Generation>> LocalService::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  forget_old();
  const auto it = kept_.find(id);
  if (it == kept_.end()) return not_found("there is no generation with this id, or none any more");
  return std::shared_ptr<Generation>(it->second.generation);
}

Result<std::int64_t> LocalService::count_tokens(const GenerateRequest& request) const {
  SPUTNIK_TRY(const ModelCard card, model(request.model));
  GenerateRequest counted = request;
  counted.sampling.seed = 0;
  SPUTNIK_TRY(const Prepared prepared, prepare(*model_, counted));
  return static_cast<std::int64_t>(prepared.prompt.size());
}

Result<Embedding> LocalService::embed(std::string_view text, std::string_view name) {
  SPUTNIK_TRY(const ModelCard card, model(name));
  if (text.empty()) return invalid_argument("input: it is empty");
  const Tokenizer& tokenizer = model_->tokenizer();
  auto tokens = tokenizer.encode(text, {.add_bos = tokenizer.add_bos_by_default()});
  const auto n = static_cast<std::int64_t>(tokens.size());
  if (n > card.context_length)
    return invalid_argument("input: {} tokens do not fit into the context of {}", n,
                            card.context_length);
  SPUTNIK_TRY(std::vector<float> values, worker_->mean_hidden(std::move(tokens)));
  double sum_sq = 0;
  for (const float v : values) sum_sq += double{v} * double{v};
  const auto scale = static_cast<float>(sum_sq > 0 ? 1 / std::sqrt(sum_sq) : 0);
  for (float& v : values) v *= scale;
  return Embedding{std::move(values), n};
}

// ------------------------------------------------------------------------------------------------
// after a crash

Result<void> LocalService::resume_all() {
  if (options_.journals.empty()) return ok_result();
  std::error_code error;
  fs::create_directories(options_.journals, error);
  if (!error) fs::permissions(options_.journals, fs::perms::owner_all, error);
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(options_.journals, error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".jsonl") paths.push_back(it->path());
  if (error) return io_error("{}: {}", options_.journals.string(), error.message());
  for (const fs::path& path : paths) {
    auto resumed = resume(path);
    if (resumed.ok()) continue;
    fs::path aside = path;
    aside += ".bad";
    std::error_code ignored;
    fs::rename(path, aside, ignored);
    if (options_.worker.log)
      options_.worker.log(fmt::format("{}: {}; set aside", path.string(), resumed.error().message));
  }
  return ok_result();
}

Result<void> LocalService::resume(const fs::path& path) {
  SPUTNIK_TRY(const std::string text, read_file(path, kMaxJournalBytes));
  SPUTNIK_TRY(JournalContent content, read_journal(text));
  if (content.head.id != path.stem().string()) return corrupt("it is of {}", content.head.id);
  if (content.head.fingerprint != model_->fingerprint()) {
    return unsupported("the answer was begun by another model or on other hardware ({}, here {})",
                       content.head.fingerprint, model_->fingerprint());
  }
  SPUTNIK_TRY(Prepared prepared, prepare(*model_, content.head.request));
  GenerationInfo info;
  info.id = content.head.id;
  info.model = model_->card().id;
  info.created_s = content.head.created_s;
  info.fingerprint = content.head.fingerprint;
  info.n_prompt_tokens = static_cast<std::int64_t>(prepared.prompt.size());
  std::unique_ptr<Job> job =
      make_job(std::move(content.head.request), std::move(prepared), std::move(info));
  const std::int64_t room = model_->context_length() - job->generation->info().n_prompt_tokens;
  const std::int64_t most =
      job->request.max_tokens < 0 ? room : std::min(room, job->request.max_tokens);
  for (int choice = 0; choice < job->request.n; ++choice)
    job->answers.push_back(
        std::make_unique<AnswerStream>(*model_, job->prepared, job->generation->info().id, choice));
  std::vector<Event> events;
  for (const JournalContent::Line& line : content.lines) {
    AnswerStream& answer = *job->answers[static_cast<std::size_t>(line.choice)];
    if (answer.finished()) return corrupt("answer {} goes on after its end", line.choice);
    if (line.finish) {
      answer.finish(*line.finish, events);
    } else {
      answer.feed(line.token, events);
    }
  }
  for (const auto& answer : job->answers) {
    // The end was seen and not written down any more.
    if (answer->finished()) continue;
    if (answer->ended()) {
      answer->finish(Finish::kStop, events);
    } else if (static_cast<std::int64_t>(answer->tokens().size()) >= most) {
      answer->finish(Finish::kLength, events);
    }
  }
  job->generation->publish(std::move(events));
  SPUTNIK_TRY(job->journal, Journal::reopen(path));
  keep(*job, path);
  return worker_->submit(std::move(job));
}

}  // namespace sputnik::service
