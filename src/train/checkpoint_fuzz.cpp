// Whatever the bytes: a checkpoint that training goes on from, or one error and nothing has
// changed.
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/assert.h"
#include "kernels/dispatch.h"
#include "train/checkpoint_file.h"
#include "train/micro_model_testing.h"
#include "train/trainer.h"

namespace sputnik {
namespace {

// As small as a model can be: no step is ever made. All optimizers and the average have state.
struct Run {
  Run() : trainer(model, packer, pool, *kernels::choose_table("").value(), options()) {}

  static TrainerOptions options() {
    TrainerOptions options;
    options.optimizer = OptimizerKind::kMuon;
    options.ema_decay = 0.9;
    return options;
  }
  static nlohmann::json config() {
    return {
        {"model_type", "llama"},      {"vocab_size", 4},        {"hidden_size", 4},
        {"intermediate_size", 4},     {"num_hidden_layers", 1}, {"num_attention_heads", 1},
        {"num_key_value_heads", 1},   {"rms_norm_eps", 1e-6},   {"max_position_embeddings", 256},
        {"tie_word_embeddings", true}};
  }

  std::vector<std::uint32_t> state() const {
    std::vector<std::uint32_t> bits = {static_cast<std::uint32_t>(trainer.n_steps_done()),
                                       static_cast<std::uint32_t>(trainer.n_tokens_total())};
    for (const Parameter& p : model.parameters->all()) {
      for (const float value : p.value) bits.push_back(std::bit_cast<std::uint32_t>(value));
      for (const float value : trainer.averaged(p))
        bits.push_back(std::bit_cast<std::uint32_t>(value));
    }
    for (const DataCursor& cursor : packer.cursors())
      bits.push_back(static_cast<std::uint32_t>(cursor.next_document));
    return bits;
  }

  Tokenizer tokenizer = micro_tokenizer();
  TrainableModel model = TrainableModel::create(config(), {0.05, 1}).value();
  Packer packer = micro_packer(tokenizer);
  ThreadPool pool{1};
  Trainer trainer;
};

void load(Run& run, const std::vector<std::uint8_t>& bytes) {
  const int fd = ::memfd_create("checkpoint", MFD_CLOEXEC);
  SPUTNIK_ASSERT(fd >= 0 &&
                 ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const auto before = run.state();
  const auto loaded =
      run.trainer.load(fmt::format("/proc/self/fd/{}", fd), {{"architecture", "llama"}});
  ::close(fd);
  if (!loaded.ok()) {
    SPUTNIK_ASSERT(loaded.error().message.find('\n') == std::string::npos);
    SPUTNIK_ASSERT(run.state() == before);
  }
}

}  // namespace
}  // namespace sputnik

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto& run = *new sputnik::Run;
  std::vector<std::uint8_t> bytes(data, data + size);
  sputnik::load(run, bytes);
  if (size < sizeof(std::uint64_t)) return 0;
  // No fuzzer guesses a checksum.
  const std::uint64_t sum = XXH3_64bits(bytes.data(), size - sizeof(sum));
  std::memcpy(bytes.data() + size - sizeof(sum), &sum, sizeof(sum));
  sputnik::load(run, bytes);
  return 0;
}
