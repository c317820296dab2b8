#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "train/checkpoint_file.h"

namespace sputnik {
namespace {

TrainingOptions training_options(const TrainerOptions& options) {
  TrainingOptions training;
  training.precision = options.precision;
  training.checkpoint_layers = options.checkpoint_layers;
  training.balance_loss_alpha = static_cast<float>(options.balance_loss_alpha);
  return training;
}

std::vector<float> scaled(std::span<const float> counts, double scale) {
  std::vector<float> weights(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    weights[i] = static_cast<float>(static_cast<double>(counts[i]) * scale);
  return weights;
}

double weighted_sum(const Tensor& losses, std::span<const float> counts) {
  double sum = 0;
  for (std::int64_t t = 0; t < losses.n_tokens; ++t) {
    const auto count = static_cast<double>(counts[static_cast<std::size_t>(t)]);
    if (count != 0) sum += static_cast<double>(*losses.row(t)) * count;
  }
  return sum;
}

std::unique_ptr<Optimizer> make_optimizer(ParameterStore& parameters,
                                          const kernels::KernelTable& kernels,
                                          const TrainerOptions& options) {
  if (options.optimizer == OptimizerKind::kAdamW)
    return std::make_unique<AdamW>(parameters, options.adamw);
  const bool is_float32 = options.precision == TrainingPrecision::kFloat32;
  return std::make_unique<Muon>(parameters, is_float32 ? kernels.gemm_f32 : kernels.gemm_bf16,
                                options.muon, options.adamw);
}

// Arrays of a checkpoint that belong to one parameter.
std::string array_name(std::string_view kind, const Parameter& p) {
  return fmt::format("{}:{}", kind, p.name);
}

}  // namespace

Trainer::Trainer(TrainableModel& model, Packer& packer, ThreadPool& pool,
                 const kernels::KernelTable& kernels, const TrainerOptions& options)
    : model_(model),
      packer_(packer),
      pool_(pool),
      options_(options),
      ops_(kernels, pool, *model.parameters, training_options(options)),
      optimizer_(make_optimizer(*model.parameters, kernels, options)) {
  if (options_.ema_decay > 0) {
    for (const Parameter& p : model_.parameters->all())
      average_.emplace_back(p.value.begin(), p.value.end());
  }
}

Result<StepReport> Trainer::step() {
  StepReport report;
  const std::int64_t wanted = options_.batch.at(step_, options_.n_steps);
  const std::vector<DataCursor> cursors = packer_.cursors();
  std::vector<PackedBatch> batches;
  double n_counted = 0, n_counted_after = 0;
  std::size_t n_sequences = 0;
  while (report.n_tokens < wanted) {
    batches.push_back(
        packer_.next(std::min(options_.micro_batch_tokens, wanted - report.n_tokens)));
    report.n_tokens += batches.back().batch.n_tokens();
    n_counted += batches.back().n_counted();
    n_counted_after += batches.back().n_counted_after();
    n_sequences += batches.back().batch.sequences.size();
  }
  const bool has_mtp = model_.model->num_nextn_predict_layers() > 0;
  const double done = static_cast<double>(step_) / static_cast<double>(options_.n_steps);
  const double mtp_weight =
      done < options_.mtp_change ? options_.first_mtp_loss : options_.last_mtp_loss;
  const auto inverse = [](double n) { return n > 0 ? 1 / n : 0.0; };

  ops_.set_balance_loss_scale(1 / static_cast<float>(n_sequences));
  model_.parameters->zero_gradients();
  for (const PackedBatch& packed : batches) {
    const std::vector<float> weights = scaled(packed.counts, inverse(n_counted));
    const std::vector<float> weights_after =
        scaled(packed.counts_after, mtp_weight * inverse(n_counted_after));
    Tensor hidden;
    const Tensor losses = model_.model->losses(ops_, packed.batch, {packed.targets, weights},
                                               has_mtp ? &hidden : nullptr);
    report.loss += weighted_sum(losses, packed.counts) * inverse(n_counted);
    report.work.main += sums_of(packed.batch);
    if (has_mtp && packed.next.n_tokens() > 0) {
      report.work.mtp += sums_of(packed.next);
      const Tensor after =
          model_.model->mtp_losses(ops_, packed.next, ops_.select_rows(hidden, packed.rows_before),
                                   {packed.targets_after, weights_after});
      report.mtp_loss += weighted_sum(after, packed.counts_after) * inverse(n_counted_after);
    }
    ops_.backward();
    balance_.add(ops_.expert_loads());
  }
  report.gradient_norm = gradient_norm(*model_.parameters);
  if (std::isfinite(report.loss) && std::isfinite(report.gradient_norm)) {
    update(report);
  } else if (n_skipped_ < options_.max_skipped_steps) {
    ++n_skipped_;
    report.is_skipped = true;
    balance_.forget();
  } else {
    packer_.set_cursors(cursors);
    balance_.forget();
    return invalid_argument(
        "step {}: the loss is {} and the length of the gradient {}{}; a lower learning rate or a "
        "longer warm-up may help",
        step_ + 1, std::abs(report.loss), std::abs(report.gradient_norm),  // no "-nan"
        n_skipped_ > 0 ? fmt::format(", and {} steps were skipped before", n_skipped_) : "");
  }
  ++step_;
  n_tokens_total_ += report.n_tokens;
  report.step = step_;
  report.n_tokens_total = n_tokens_total_;
  return report;
}

// Weights, moments, router biases and average, by the gradients as they are now.
void Trainer::update(StepReport& report) {
  report.learning_rate = options_.learning_rate.at(step_, options_.n_steps);
  const double clip = options_.clip_norm > 0 && report.gradient_norm > options_.clip_norm
                          ? options_.clip_norm / report.gradient_norm
                          : 1.0;
  optimizer_->step(pool_, report.learning_rate, clip);
  report.router = balance_.update(options_.router_bias.at(step_, options_.n_steps));
  model_.parameters->changed();
  update_average();
}

void Trainer::update_average() {
  if (average_.empty()) return;
  const auto keep = static_cast<float>(options_.ema_decay);
  const std::deque<Parameter>& parameters = model_.parameters->all();
  pool_.parallel_for(static_cast<std::int64_t>(average_.size()), 1,
                     [&](std::int64_t begin, std::int64_t end, int) {
                       for (auto i = static_cast<std::size_t>(begin);
                            i < static_cast<std::size_t>(end); ++i) {
                         std::vector<float>& average = average_[i];
                         const std::span<const float> value = parameters[i].value;
                         for (std::size_t j = 0; j < average.size(); ++j)
                           average[j] = keep * average[j] + (1 - keep) * value[j];
                       }
                     });
}

std::span<const float> Trainer::averaged(const Parameter& parameter) const {
  if (average_.empty()) return parameter.value;
  const std::deque<Parameter>& parameters = model_.parameters->all();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (&parameters[i] == &parameter) return average_[i];
  }
  return parameter.value;
}

Result<void> Trainer::save(const std::filesystem::path& path,
                           const nlohmann::json& identity) const {
  nlohmann::json header{{"identity", identity},
                        {"step", step_},
                        {"optimizer", optimizer_->name()},
                        {"optimizer_steps", optimizer_->n_steps()},
                        {"n_tokens", n_tokens_total_},
                        {"n_skipped", n_skipped_}};
  auto& cursors = header["cursors"] = nlohmann::json::array();
  for (const DataCursor& cursor : packer_.cursors())
    cursors.push_back({{"next_document", cursor.next_document}, {"n_tokens", cursor.n_tokens}});
  std::vector<CheckpointArray> arrays;
  for (const Parameter& p : model_.parameters->all())
    arrays.push_back({array_name("value", p), p.value});
  for (const Optimizer::StateArray& array : optimizer_->state())
    arrays.push_back({array_name(array.kind, *array.parameter), array.values});
  for (std::size_t i = 0; i < average_.size(); ++i)
    arrays.push_back({array_name("average", model_.parameters->all()[i]), average_[i]});
  return write_checkpoint_file(path, header, arrays);
}

Result<void> Trainer::load(const std::filesystem::path& path, const nlohmann::json& identity) {
  SPUTNIK_TRY(const CheckpointFile file, CheckpointFile::open(path));
  const nlohmann::json& header = file.header();
  const nlohmann::json found = header.value("identity", nlohmann::json());
  if (!found.is_object()) return corrupt("{}: identity is missing", path.string());
  // First, because a recipe that differs in it differs in its hash, too. Version 1 began with AdamW
  // alone and did not name it.
  const nlohmann::json optimizer = header.value("optimizer", nlohmann::json("adamw"));
  if (optimizer != optimizer_->name()) {
    return invalid_argument("{}: its optimizer is {}, but the recipe's is \"{}\"", path.string(),
                            optimizer.dump(), optimizer_->name());
  }
  for (const auto& [key, value] : identity.items()) {
    const nlohmann::json other = found.value(key, nlohmann::json());
    if (other != value) {
      return invalid_argument("{}: its {} is {}, but the recipe's is {}", path.string(), key,
                              other.dump(), value.dump());
    }
  }
  const auto number = [&](const nlohmann::json& object, const char* key) -> Result<std::int64_t> {
    constexpr std::int64_t kMost = std::int64_t{1} << 53;  // sums of counts stay numbers
    const auto it = object.find(key);
    if (it == object.end()) return corrupt("{}: {} is missing", path.string(), key);
    const std::int64_t n = it->is_number_integer() ? it->get<std::int64_t>() : -1;
    if (n < 0 || n > kMost) return corrupt("{}: {} is no count", path.string(), key);
    return n;
  };
  SPUTNIK_TRY(const std::int64_t step, number(header, "step"));
  SPUTNIK_TRY(const std::int64_t optimizer_steps, number(header, "optimizer_steps"));
  SPUTNIK_TRY(const std::int64_t n_tokens, number(header, "n_tokens"));
  std::int64_t n_skipped = 0;  // older checkpoints say nothing: none were
  if (header.contains("n_skipped")) {
    SPUTNIK_TRY(n_skipped, number(header, "n_skipped"));
  }
  const nlohmann::json cursor_list = header.value("cursors", nlohmann::json::array());
  if (cursor_list.size() != packer_.cursors().size())
    return corrupt("{}: cursors of {} sources, not {}", path.string(), cursor_list.size(),
                   packer_.cursors().size());
  std::vector<DataCursor> cursors;
  for (const auto& entry : cursor_list) {
    SPUTNIK_TRY(const std::int64_t next, number(entry, "next_document"));
    SPUTNIK_TRY(const std::int64_t tokens, number(entry, "n_tokens"));
    cursors.push_back({static_cast<std::uint64_t>(next), tokens});
  }
  // First all that could be missing, then the changes.
  std::vector<std::pair<std::span<const float>, std::span<float>>> copies;
  const auto plan = [&](const std::string& name, std::span<float> target) -> Result<void> {
    SPUTNIK_TRY(const std::span<const float> values, file.values(name, target.size()));
    copies.emplace_back(values, target);
    return ok_result();
  };
  for (Parameter& p : model_.parameters->all())
    SPUTNIK_CHECK_OK(plan(array_name("value", p), p.value));
  for (const Optimizer::StateArray& array : optimizer_->state())
    SPUTNIK_CHECK_OK(plan(array_name(array.kind, *array.parameter), array.values));
  for (std::size_t i = 0; i < average_.size(); ++i)
    SPUTNIK_CHECK_OK(plan(array_name("average", model_.parameters->all()[i]), average_[i]));
  for (const auto& [from, to] : copies) std::copy(from.begin(), from.end(), to.begin());
  packer_.set_cursors(std::move(cursors));
  optimizer_->set_n_steps(optimizer_steps);
  step_ = step;
  n_tokens_total_ = n_tokens;
  n_skipped_ = n_skipped;
  model_.parameters->changed();
  return ok_result();
}

}  // namespace sputnik
